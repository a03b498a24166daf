"""What a turn sees at its first look is what looking at each thing would show, and goes on being so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseward.core.case import Case, Contact
from caseward.core.ids import ApprovalId, ContactId, DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft, ResultStatus
from caseward.store import approvals, cases, contacts, db, messages, running, turns

NOW = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CITRA = Contact(id=ContactId("stu-003"), name="Citra", email="citra@example.org", phone="", locale="id")
ADDRESS = ("webchat", "chat_one")


@pytest.fixture
def case(database: str) -> Case:
    """A case whose contact has just written."""
    with db.transaction():
        conversation = messages.open_conversation(*ADDRESS, token_hash=None, language="id", now=NOW)
        messages.receive(
            conversation,
            provider_id="m1",
            text="halo",
            kind="text",
            at=NOW,
            debounce=timedelta(),
            collect_max=timedelta(),
        )
        return cases.open_case(conversation, channel="webchat", language="id", now=NOW)


def ask(case: Case) -> ApprovalId:
    draft = Draft(
        id=DraftId("drf_one"), case_id=case.id, language="id", template="", replies={ResultStatus.SUCCESS: "."}
    )
    approvals.keep_draft(draft, checks=[], at=NOW)
    return approvals.open_request(
        draft, lane="qa", tier=Tier.R1, question="?", why="", expires_at=NOW + timedelta(hours=4), now=NOW
    )


def look(case: Case) -> dict[str, Any]:
    """Return what is to be seen, asked one by one."""
    return {
        "clocks": cases.clocks_of(case.id),
        "identity": contacts.identity(*ADDRESS),
        "systems": running.systems(),
        "asked": [each.id for each in approvals.open_of(case.id)],
    }


def take_up(case: Case) -> list[str]:
    messages.begin(case.conversation_id)
    cases.get(case.id, lock=True)
    return [message.text for message in turns.take_up(case.conversation_id, 1, case.id)]


def first_look(case: Case) -> dict[str, Any]:
    """Return what is to be seen after a turn took its messages up."""
    with db.transaction():
        assert take_up(case) == ["halo"]
        return look(case)


def test_of_a_case_of_nobody_we_know_there_is_nothing_to_see(case: Case) -> None:
    assert first_look(case) == {"clocks": {}, "identity": None, "systems": {}, "asked": []}


def test_the_first_look_shows_what_asking_one_by_one_would(case: Case) -> None:
    with db.transaction():
        cases.start_clock(case.id, "resolution", now=NOW, due=LATER)
        cases.set_clock(case.id, "resolution", paused_at=NOW + timedelta(minutes=1))
        contacts.keep(CITRA, sample=False, now=NOW)
        contacts.prove(*ADDRESS, CITRA.id, method="invoice+email", now=NOW)
        running.set_health("calendar", degraded=True, why="no answer", by="auto", now=NOW, failures=3)
        approval = ask(case)
    with db.transaction():
        asked = look(case)

    seen = first_look(case)

    assert seen == asked
    assert seen["identity"] == (CITRA, "invoice+email", NOW)
    assert seen["asked"] == [approval]


def test_what_changes_after_the_first_look_is_seen(case: Case) -> None:
    with db.transaction():
        take_up(case)
        contacts.keep(CITRA, sample=False, now=NOW)
        contacts.prove(*ADDRESS, CITRA.id, method="channel", now=NOW)
        running.set_health("calendar", degraded=True, why="", by="per_ops", now=NOW)
        cases.start_clock(case.id, "resolution", now=NOW, due=LATER)
        approval = ask(case)
        seen = look(case)

    assert seen["identity"] == (CITRA, "channel", NOW)
    assert seen["systems"]["calendar"].degraded
    assert seen["clocks"]["resolution"].due_at == LATER
    assert seen["asked"] == [approval]
