"""One business key is one effect: asked for again it is tried again only when it surely was not done."""

from __future__ import annotations

from caseward.core.approval import Word
from caseward.core.case import CaseStatus
from caseward.core.ids import ConversationId
from caseward.store import approvals, db, effects
from caseward.store.effects import EffectState, Task
from tests.conftest import Desk


def tasks(desk: Desk, conversation: ConversationId) -> list[Task]:
    with db.transaction():
        return effects.tasks_of(desk.case(conversation).id)


def choose(desk: Desk, conversation: ConversationId, number: str) -> None:
    """Ask to move the next lesson and choose a time."""
    for text in ("Hi, can I move my next lesson to another day?", number):
        desk.say(conversation, text)
        desk.settle()


def test_a_change_that_failed_may_be_asked_for_again(desk: Desk) -> None:
    first, second = desk.open(as_="stu-001", language="en"), desk.open(as_="stu-044", language="en")
    choose(desk, first, "1")
    choose(desk, second, "1")  # the same hour of the same coach
    desk.decide(first, Word.APPROVE, role="agent")
    desk.decide(second, Word.APPROVE, role="agent")
    assert "did not go through" in desk.replies(second)[-1]

    desk.clock.advance(minutes=1)
    choose(desk, second, "2")
    desk.decide(second, Word.APPROVE, role="agent")

    assert "has been moved" in desk.replies(second)[-1]
    assert desk.case(second).status is CaseStatus.RESOLVED
    failed, done = tasks(desk, second)
    assert (failed.state, done.state) == (EffectState.FAILED, EffectState.DONE)
    assert done.request.key == f"{failed.request.key}#2"


def test_the_same_refund_asked_for_twice_at_once_happens_once_and_nobody_is_left_waiting(desk: Desk) -> None:
    first, second = desk.open(as_="stu-003", language="en"), desk.open(as_="stu-003", language="en")
    for conversation in (first, second):
        desk.say(conversation, "I want a refund for my last payment please")
        desk.settle()
    request = desk.request(first)
    with db.transaction():  # the first is on its way when the coach consents to the second
        draft, _checks, _at = approvals.draft(request.draft_id)
        assert draft.task is not None
        task, _new = effects.queue_task(
            draft.task, case_id=draft.case_id, draft_id=draft.id, approval_id="", approvers=("sample_coach",),
            now=desk.clock(),
        )  # fmt: skip
        effects.move_task(task.id, EffectState.UNKNOWN, now=desk.clock())

    desk.decide(second, Word.APPROVE, role="coach")

    assert tasks(desk, second) == []
    assert desk.case(second).status is CaseStatus.WAITING_APPROVAL
    assert desk.request(second).lane == "coach"
    assert "asked for before and is unknown" in desk.request(second).why
