"""Requests for consent: what is stored is what was seen, and of all verdicts the first one counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from caseward.core.approval import ApprovalState
from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.core.ids import ApprovalId, DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.store import approvals, cases, db, messages

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WORDS = {ResultStatus.SUCCESS: "Sesi kamu sudah dipindahkan – “Sabtu”.", ResultStatus.FAILED: "Belum bisa."}


@pytest.fixture
def case(database: str) -> Case:
    with db.transaction():
        conversation = messages.open_conversation("webchat", "chat_one", token_hash=None, language="id", now=NOW)
        return cases.open_case(conversation, channel="webchat", language="id", now=NOW)


def draft(case: Case, id: str = "drf_one") -> Draft:
    return Draft(
        id=DraftId(id),
        case_id=case.id,
        language="id",
        template="reschedule-done",
        replies=WORDS,
        task=TaskRequest(
            skill="reschedule", args={"session": "ses-1", "n": 2, "free": None}, key="k", summary="Move it"
        ),
        evidence=(
            Evidence(
                id="next_session", kind="reading", title="Next", excerpt="at 10:00", source="calendar", at=NOW,
                values=("10:00", "Citra"),
            ),
        ),
        address="webchat:chat_one",
        resolves=False,
        disposition="moved",
    )  # fmt: skip


def ask(proposed: Draft, *, lane: str = "qa", expires: timedelta = timedelta(hours=4)) -> ApprovalId:
    with db.transaction():
        approvals.keep_draft(proposed, checks=[{"name": "length", "ok": True, "detail": ""}], at=NOW)
        return approvals.open_request(
            proposed, lane=lane, tier=Tier.R2, question="Move it?", why="", expires_at=NOW + expires, now=NOW
        )


def settle(approval: ApprovalId, state: ApprovalState, by: str) -> bool:
    with db.transaction():
        return approvals.settle(approval, state, by=by, at=NOW, reason=f"said {by}")


def test_a_draft_is_read_as_it_was_proposed(case: Case) -> None:
    proposed = draft(case)
    ask(proposed)

    with db.transaction():
        stored, checks, at = approvals.draft(proposed.id)

    assert stored == proposed
    assert stored.digest == proposed.digest
    assert (checks, at) == ([{"name": "length", "ok": True, "detail": ""}], NOW)


def test_a_request_asks_about_exactly_one_digest(case: Case) -> None:
    proposed = draft(case)

    approval = ask(proposed)

    with db.transaction():
        request = approvals.get(approval)
    assert (request.state, request.digest, request.draft_id) == (ApprovalState.OPEN, proposed.digest, proposed.id)
    assert (request.tier, request.lane, request.decided_by, request.decided_at) == (Tier.R2, "qa", "", None)


def test_the_first_verdict_counts(case: Case) -> None:
    approval = ask(draft(case))

    assert settle(approval, ApprovalState.DENIED, "per_one")
    assert not settle(approval, ApprovalState.APPROVED, "per_two")

    with db.transaction():
        request = approvals.get(approval)
    assert (request.state, request.decided_by, request.reason) == (ApprovalState.DENIED, "per_one", "said per_one")


def test_of_many_verdicts_at_once_one_wins(case: Case) -> None:
    approval = ask(draft(case))
    words = [ApprovalState.APPROVED, ApprovalState.DENIED, ApprovalState.ESCALATED, ApprovalState.EXPIRED] * 2
    together = Barrier(len(words))

    def decide(number: int) -> bool:
        together.wait()
        return settle(approval, words[number], f"per_{number}")

    with ThreadPoolExecutor(len(words)) as pool:
        won = list(pool.map(decide, range(len(words))))

    assert won.count(True) == 1
    winner = won.index(True)
    with db.transaction():
        request = approvals.get(approval)
    assert (request.state, request.decided_by) == (words[winner], f"per_{winner}")


def test_an_edited_request_is_for_the_edited_draft_and_edited_from_what_was_seen(case: Case) -> None:
    proposed = draft(case)
    edited = replace(proposed, id=DraftId("drf_two"), replies={**WORDS, ResultStatus.SUCCESS: "Sudah kami pindahkan."})
    approval = ask(proposed)
    with db.transaction():
        approvals.keep_draft(edited, checks=[], at=NOW)
        assert not approvals.revise(approval, edited, was=edited.digest)
        assert approvals.revise(approval, edited, was=proposed.digest)

    with db.transaction():
        request = approvals.get(approval)
        assert (request.draft_id, request.digest) == (edited.id, edited.digest)
        assert [each.id for each, _checks, _at in approvals.drafts_of(case.id)] == ["drf_one", "drf_two"]


def test_only_open_requests_are_open_and_expire(case: Case) -> None:
    soon = ask(draft(case, "drf_1"), expires=timedelta(hours=1))
    later = ask(draft(case, "drf_2"), expires=timedelta(hours=2))
    decided = ask(draft(case, "drf_3"), expires=timedelta(hours=1))
    settle(decided, ApprovalState.APPROVED, "per_one")

    with db.transaction():
        assert {request.id for request in approvals.open_of(case.id)} == {soon, later}
        assert approvals.expired(NOW + timedelta(minutes=59)) == []
        assert approvals.expired(NOW + timedelta(hours=1)) == [soon]


def test_pages_go_on_where_the_last_one_ended(case: Case) -> None:
    asked = [ask(draft(case, f"drf_{n}"), expires=timedelta(hours=1 + n // 2)) for n in range(5)]
    ask(draft(case, "drf_coach"), lane="coach")

    seen: list[str] = []
    with db.transaction():
        while page := approvals.page(lanes=["qa"], after=seen[-1] if seen else "", limit=2):
            seen += [request.id for request in page]

    assert sorted(seen) == sorted(asked)
    assert len(seen) == len(set(seen))


def test_what_does_not_exist_is_named(database: str) -> None:
    with db.transaction():
        with pytest.raises(NotFound, match="apv_none"):
            approvals.get("apv_none")
        with pytest.raises(NotFound, match="drf_none"):
            approvals.draft(DraftId("drf_none"))
