"""Systems that do not remember keys: what may have been done is looked up before anything is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from caseward import durable
from caseward.core.approval import Word
from caseward.core.case import CaseStatus
from caseward.core.errors import SystemDown
from caseward.core.ids import ConversationId
from caseward.core.task import Result, ResultStatus
from caseward.desk import tools, verdicts
from caseward.flows import outside
from caseward.store import approvals, db, effects
from caseward.store.effects import EffectState, Task
from tests.conftest import Desk

DONE = Result(status=ResultStatus.SUCCESS, reference="till-1")


class Died(BaseException):
    """The process died here."""


@dataclass
class Till:
    """A system that returns money each time it is told to, and can be asked what it did."""

    name: str = "refund"
    system: str = "payments"
    writes: bool = True
    behaviour: Callable[[], None] = lambda: None
    """What happens once the money is returned."""
    before: Callable[[], None] = lambda: None
    """What happens before."""
    returned: list[str] = field(default_factory=list)
    looked_up: int = 0

    def run(self, args: Mapping[str, Any], *, key: str, now: datetime) -> Result:
        self.before()
        self.returned.append(key)
        self.behaviour()
        return DONE

    def lookup(self, *, key: str) -> Result | None:
        self.looked_up += 1
        return DONE if key in self.returned else None


@pytest.fixture
def till(desk: Desk) -> Till:
    """The till that the desk works with."""
    plugged = Till()
    given = tools.given()
    tools.use(replace(given, skills={**given.skills, "refund": plugged}))
    return plugged


def approved(desk: Desk) -> ConversationId:
    """Have a refund asked for and consented to; operations take it from there."""
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    desk.decide(conversation, Word.APPROVE, role="coach")
    return conversation


def task(desk: Desk, conversation: ConversationId) -> Task:
    with db.transaction():
        [found] = effects.tasks_of(desk.case(conversation).id)
    return found


def raising(error: BaseException, *, times: int = 1) -> Callable[[], None]:
    left = [times]

    def act() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return act


def test_a_first_try_needs_no_looking_up(desk: Desk, till: Till) -> None:
    conversation = approved(desk)

    assert (len(till.returned), till.looked_up) == (1, 0)
    assert task(desk, conversation).state is EffectState.DONE


def test_what_a_dead_process_may_have_done_is_looked_up_and_not_repeated(desk: Desk, till: Till) -> None:
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    till.behaviour = raising(Died())
    begun: list[str] = []
    tools.use(replace(tools.given(), begin=lambda _story, subject, _id: begun.append(subject)))
    request = desk.request(conversation)
    _conclude(desk, request.id)
    task_id = begun[-1]

    with db.transaction():
        assert outside._authorise(task_id)
    with pytest.raises(Died):
        outside._run(task_id)
    outcome = outside._run(task_id)  # as its successor does, which finds the mark and not the outcome

    assert outcome["status"] == ResultStatus.SUCCESS
    assert (len(till.returned), till.looked_up) == (1, 1)


def test_an_answer_that_was_lost_is_looked_up_and_not_repeated(desk: Desk, till: Till) -> None:
    till.behaviour = raising(TimeoutError("no answer"))
    conversation = approved(desk)
    assert task(desk, conversation).state is EffectState.UNKNOWN
    assert desk.case(conversation).status is CaseStatus.WAITING_EXECUTION

    desk.clock.advance(seconds=6)
    desk.settle()

    assert (len(till.returned), till.looked_up) == (1, 1)
    assert task(desk, conversation).state is EffectState.DONE
    assert sum("refunded" in reply for reply in desk.replies(conversation)) == 1


def test_a_system_that_was_down_is_tried_again_with_growing_patience(desk: Desk, till: Till) -> None:
    till.before = raising(SystemDown("payments", "busy"), times=2)
    conversation = approved(desk)

    for seconds in (6, 31):
        assert till.returned == []
        desk.clock.advance(seconds=seconds)
        desk.settle()

    assert len(till.returned) == 1
    assert task(desk, conversation).state is EffectState.DONE


def test_an_outcome_that_stays_unknown_is_a_persons_to_tell(desk: Desk, till: Till) -> None:
    till.before = raising(SystemDown("payments", "busy"), times=99)
    conversation = approved(desk)

    for wait in (*outside.BACKOFF, timedelta(hours=1)):
        desk.clock.advance(seconds=wait.total_seconds() + 1)
        desk.settle()

    assert till.returned == []
    assert task(desk, conversation).state is EffectState.UNKNOWN
    assert desk.case(conversation).status is CaseStatus.WAITING_APPROVAL
    assert desk.request(conversation).question == "What should the customer be told?"
    assert not any("refunded" in reply for reply in desk.replies(conversation))


def _conclude(desk: Desk, approval_id: str) -> None:
    """Consent to a request and carry the verdict out, as far as the task being queued."""
    with db.transaction():
        digest = approvals.get(approval_id).digest
        verdicts.decide(approval_id, Word.APPROVE, person="sample_coach", role="coach", digest=digest)
    with db.transaction():
        durable.bare("conclude")[0](approval_id)
