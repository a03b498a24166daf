"""Facts that got old while people were asked are read anew before anybody consents on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.approval import ApprovalState, Word
from caseward.core.errors import Conflict, Refused
from caseward.core.ids import ConversationId
from caseward.core.roles import Role
from caseward.desk import health, tools, verdicts
from caseward.desk.verdicts import freshness
from caseward.store import approvals, db, preferences
from caseward.store.approvals import Request
from tests.conftest import Desk


def asked(desk: Desk) -> ConversationId:
    """Have something asked for that is the coach's to grant."""
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    return conversation


def read_now(desk: Desk, request: Request) -> Request:
    role = "agent" if request.lane == "qa" else "coach"
    with db.transaction():
        verdicts.read_now(request.id, person=f"sample_{role}", role=role)
    desk.settle()
    with db.transaction():
        return approvals.get(request.id)


def open_requests(desk: Desk, conversation: ConversationId) -> list[Request]:
    with db.transaction():
        return [each for each in approvals.of_case(desk.case(conversation).id) if each.state is ApprovalState.OPEN]


def old(request: Request) -> list[str]:
    with db.transaction():
        return [each.name for each in freshness.old(approvals.draft(request.draft_id)[0])]


def test_after_the_time_to_decide_facts_are_old_and_reading_them_makes_the_same_request_decidable(desk: Desk) -> None:
    conversation = asked(desk)
    request = desk.request(conversation)
    assert old(request) == []
    desk.clock.advance(minutes=desk.pack.profile.sla.decision_minutes)
    assert "last_payment" in old(request)
    with pytest.raises(verdicts.NotNow, match="last payment is too old to decide on; read it now"), db.transaction():
        verdicts.decide(request.id, Word.APPROVE, person="sample_coach", role="coach", digest=request.digest)

    fresh = read_now(desk, request)

    assert (fresh.state, fresh.digest, old(fresh)) == (ApprovalState.OPEN, request.digest, [])
    assert fresh.draft_id != request.draft_id
    assert [(each.kind, each.actor) for each in desk.entries(conversation) if each.kind == "read"] == [
        ("read", "sample_coach")
    ]
    desk.decide(conversation, Word.APPROVE)
    assert desk.case(conversation).status == "resolved"


def test_consent_given_before_the_facts_were_read_anew_still_counts(desk: Desk) -> None:
    desk.pack = replace(
        desk.pack,
        policy=replace(desk.pack.policy, matrix=tuple(replace(row, needs=2) for row in desk.pack.policy.matrix)),
    )
    tools.use(replace(tools.given(), pack=desk.pack))
    conversation = asked(desk)
    desk.decide(conversation, Word.APPROVE)

    fresh = read_now(desk, desk.request(conversation))

    with pytest.raises(verdicts.Repeated), db.transaction():
        verdicts.decide(fresh.id, Word.APPROVE, person="sample_coach", role="coach", digest=fresh.digest)


def test_what_came_out_otherwise_is_asked_about_anew_and_the_old_request_is_over(desk: Desk) -> None:
    conversation = desk.open(as_="stu-010", language="en")  # a lesson in 61 minutes
    for said in ("Can I move my next lesson to another day?", "1"):
        desk.say(conversation, said)
        desk.settle()
    request = desk.request(conversation)
    assert request.lane == "qa"
    desk.clock.advance(minutes=5)

    over = read_now(desk, request)

    assert over.state is ApprovalState.EXPIRED
    assert desk.request(conversation).lane == "coach"
    assert "stale" in [each.kind for each in desk.entries(conversation)]
    with pytest.raises(Conflict), db.transaction():
        verdicts.decide(request.id, Word.APPROVE, person="sample_agent", role="agent", digest=request.digest)


def test_what_was_asked_since_stays_asked_when_an_earlier_matter_is_read_anew(desk: Desk) -> None:
    conversation = desk.open(as_="stu-010", language="en")  # a lesson in 61 minutes
    for said in ("Can I move my next lesson to another day?", "1", "Did my last payment arrive?"):
        desk.say(conversation, said)
        desk.settle()
    move = next(each for each in open_requests(desk, conversation) if each.question == "Move this session?")
    desk.clock.advance(minutes=5)

    assert read_now(desk, move).state is ApprovalState.EXPIRED

    asked = {each.question for each in open_requests(desk, conversation)}
    assert asked == {"Grant a one-off reschedule?", "Tell the contact that this payment is confirmed?"}


def test_what_cannot_be_read_stays_old_and_says_which_system_is_down(desk: Desk) -> None:
    conversation = asked(desk)
    request = desk.request(conversation)
    desk.clock.advance(minutes=desk.pack.profile.sla.decision_minutes)
    with db.transaction():
        health.declare("payments", degraded=True, by="per_ops", role="ops_lead", why="no answer")

    same = read_now(desk, request)

    assert (same.draft_id, same.state) == (request.draft_id, ApprovalState.OPEN)
    with db.transaction():
        draft = approvals.draft(same.draft_id)[0]
        assert [each.system for each in freshness.down(draft)] == ["payments"]
        for word, more in ((Word.APPROVE, {}), (Word.EDIT, {"text": "We have returned it, this once."})):
            with pytest.raises(verdicts.NotNow, match="payments cannot be relied on"):
                verdicts.decide(same.id, word, person="sample_coach", role="coach", digest=same.digest, **more)
    desk.decide(conversation, Word.DENY, reason="It was paid by somebody else")
    assert desk.case(conversation).disposition == "declined"


def test_nobody_has_facts_read_anew_for_what_is_not_theirs_to_decide(desk: Desk) -> None:
    request = desk.request(asked(desk))

    for person, role in (("sample_agent", Role.AGENT), ("sample_admin", Role.ADMIN)):
        with pytest.raises(Refused), db.transaction():
            verdicts.read_now(request.id, person=person, role=role)
    with db.transaction():
        verdicts.read_now(request.id, person="sample_ops_lead", role=Role.OPS_LEAD)


def test_what_is_decided_is_not_read_anew(desk: Desk) -> None:
    conversation = asked(desk)
    request = desk.request(conversation)
    desk.decide(conversation, Word.DENY, reason="no")

    with pytest.raises(Conflict, match="already denied"), db.transaction():
        verdicts.read_now(request.id, person="sample_coach", role="coach")


@pytest.mark.parametrize(("policy", "mine", "held"), [(10, 30, 30), (20, 15, 20), (0, 30, 0), (10, 900, 30)])
def test_a_person_lengthens_the_hold_of_their_consent_and_never_makes_one(
    desk: Desk, policy: int, mine: int, held: int
) -> None:
    rows = tuple(replace(row, hold_seconds=policy) for row in desk.pack.policy.matrix)
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, matrix=rows))
    tools.use(replace(tools.given(), pack=desk.pack))
    conversation = asked(desk)
    request = desk.request(conversation)
    with db.transaction():
        preferences.change("sample_coach", hold_seconds=mine)

    with db.transaction():
        said = verdicts.decide(request.id, Word.APPROVE, person="sample_coach", role="coach", digest=request.digest)

    assert ((said.held_until - desk.clock()).seconds if said.held_until else 0) == held


def test_an_ops_lead_sends_on_what_they_may_not_decide_and_says_why(desk: Desk) -> None:
    conversation = asked(desk)
    request = desk.request(conversation)
    of = {"person": "sample_ops_lead", "role": Role.OPS_LEAD, "digest": request.digest}
    for word in (Word.APPROVE, Word.EDIT, Word.DENY):
        with pytest.raises(Refused), db.transaction():
            verdicts.decide(request.id, word, text="Else", reason="because", **of)

    with db.transaction():
        said = verdicts.decide(request.id, Word.ESCALATE, reason="A legal threat", **of)

    assert said.state is ApprovalState.ESCALATED
    desk.settle()
    assert desk.request(conversation).why == "A legal threat"
    with pytest.raises(Refused), db.transaction():
        verdicts.decide(desk.request(conversation).id, Word.ESCALATE, reason="x", **{**of, "role": Role.ON_CALL})
