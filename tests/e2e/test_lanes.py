"""Requests for consent in the team's chats: what is shown, who may decide, and that one decision closes every copy."""

from __future__ import annotations

import pytest

from caseward.core.approval import ApprovalState, Word
from caseward.core.case import CaseStatus
from caseward.core.roles import Role
from caseward.desk import verdicts
from caseward.store import db, people
from caseward.store import approvals as requests
from tests.conftest import Desk
from tests.e2e.lanes_house import APPROVALS, House, Posted, open_house


@pytest.fixture
def house(desk: Desk) -> House:
    """A house with an approvals lane, a coach and a lead who are known in it."""
    opened = open_house(desk)
    opened.bind("approvals", APPROVALS)
    opened.employ("ana", Role.AGENT)
    opened.employ("budi", Role.OPS_LEAD)
    opened.employ("citra", Role.COACH)
    return opened


def only(house: House, chat: str = APPROVALS) -> Posted:
    (card,) = house.vendor.of(chat)
    return card


def test_a_request_is_shown_with_what_a_person_needs_and_nothing_personal(house: House) -> None:
    house.ask()

    card = only(house)
    print(card.text)
    assert [button.label for button in card.buttons] == ["Approve", "Deny", "Escalate"]


def test_a_press_approves_and_the_words_go_out(house: House) -> None:
    conversation, request = house.ask()

    told = house.press("ana", only(house), "Approve")

    assert told == "Approved."
    assert house.request(request).decided_by == "per_ana"
    assert house.desk.case(conversation).status is CaseStatus.RESOLVED
    card = only(house)
    assert card.buttons == []
    assert card.card.lines[0] == "Approved by Ana, 10:00."
