"""What people type into a verdict or an answer is stored as clean as what contacts write, whichever door it came by."""

from __future__ import annotations

import pytest

from caseward.core.approval import Word
from caseward.core.errors import BadInput
from caseward.desk import verdicts
from caseward.flows import by_hand
from caseward.store import approvals, db
from caseward.store.approvals import Request
from tests.conftest import Desk

UNSEEN = "\x00\x07\u202e\u200b\ud800"


@pytest.fixture
def request_(desk: Desk) -> Request:
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    return desk.request(conversation)


def decide(request: Request, word: Word, *, text: str | None = None, reason: str = "", conditions: str = "") -> None:
    with db.transaction():
        verdicts.decide(
            request.id, word, person="sample_coach", role="coach", digest=request.digest, text=text, reason=reason,
            conditions=conditions,
        )  # fmt: skip


def test_characters_that_nobody_sees_are_left_out_of_a_verdict(desk: Desk, request_: Request) -> None:
    decide(request_, Word.DENY, reason=f" outside{UNSEEN} policy\r\n", conditions=f"{UNSEEN}none")

    with db.transaction():
        stored = approvals.get(request_.id)
    assert (stored.reason, stored.conditions) == ("outside policy", "none")


def test_a_reason_of_nothing_that_anybody_sees_is_no_reason(desk: Desk, request_: Request) -> None:
    with pytest.raises(BadInput, match="say why"):
        decide(request_, Word.DENY, reason=UNSEEN)


def test_characters_that_nobody_sees_are_left_out_of_an_edit(desk: Desk, request_: Request) -> None:
    decide(request_, Word.EDIT, text=f"We have{UNSEEN} refunded your payment.")

    with db.transaction():
        draft, _checks, _at = approvals.draft(approvals.get(request_.id).draft_id)
    assert draft.reply == "We have refunded your payment."


def test_an_edit_that_changes_nothing_anybody_sees_is_none(desk: Desk, request_: Request) -> None:
    with db.transaction():
        draft, _checks, _at = approvals.draft(request_.draft_id)

    with pytest.raises(BadInput, match="nothing was changed"):
        decide(request_, Word.EDIT, text=f"{draft.reply}{UNSEEN}")


def test_characters_that_nobody_sees_are_left_out_of_own_words(desk: Desk, request_: Request) -> None:
    with db.transaction():
        by_hand.write(request_.case_id, f"I will call{UNSEEN} you.", person="sample_coach", role="coach")
    desk.settle()

    with db.transaction():
        drafts = approvals.drafts_of(request_.case_id)
    assert "I will call you." in [draft.reply for draft, _checks, _at in drafts]
