"""Effects on their way: one per business key, states that only move forward, and what is due is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.core.ids import DraftId
from caseward.core.task import Draft, Result, ResultStatus, TaskRequest
from caseward.store import approvals, cases, db, effects, messages
from caseward.store.effects import UNSETTLED, EffectState, Task

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DRAFT = DraftId("drf_one")
DONE = Result(status=ResultStatus.SUCCESS, values={"session_at": "2026-11-24"}, reference="res-1", detail="moved")


@pytest.fixture
def case(database: str) -> Case:
    with db.transaction():
        conversation = messages.open_conversation("webchat", "chat_one", token_hash=None, language="id", now=NOW)
        opened = cases.open_case(conversation, channel="webchat", language="id", now=NOW)
        for id in (DRAFT, DraftId("drf_two"), DraftId("drf_three")):
            draft = Draft(id=id, case_id=opened.id, language="id", template="", replies={})
            approvals.keep_draft(draft, checks=[], at=NOW)
        return opened


def queue(case: Case, key: str = "reschedule:ses-1", *, draft: DraftId = DRAFT) -> tuple[Task, bool]:
    request = TaskRequest(skill="reschedule", args={"session": "ses-1"}, key=key, summary="Move it")
    with db.transaction():
        return effects.queue_task(
            request, case_id=case.id, draft_id=draft, approval_id="apv_one", approvers=("per_coach",), now=NOW
        )


def move(task: Task, state: EffectState, result: Result | None = None, *, wait: float | None = None) -> Task:
    next_at = None if wait is None else NOW + timedelta(minutes=wait)
    with db.transaction():
        effects.move_task(task.id, state, now=NOW, result=result, next_at=next_at)
        return effects.task(task.id)


def due(after: float = 0) -> list[tuple[str, int]]:
    with db.transaction():
        return effects.due(NOW + timedelta(minutes=after))


def test_a_task_is_read_as_it_was_queued(case: Case) -> None:
    task, new = queue(case)

    assert new
    with db.transaction():
        assert effects.task(task.id) == task
        assert effects.tasks_of(case.id) == [task]
    assert (task.state, task.attempts, task.result, task.approvers) == (EffectState.QUEUED, 0, None, ("per_coach",))


def test_the_same_key_is_the_same_task(case: Case) -> None:
    first, _new = queue(case)
    move(first, EffectState.DONE, DONE)

    again, new = queue(case)

    assert not new
    assert (again.id, again.state) == (first.id, EffectState.DONE)


def test_of_many_that_queue_the_same_key_at_once_one_is_new(case: Case) -> None:
    together = Barrier(8)

    def race(_thread: int) -> tuple[str, bool]:
        together.wait()
        task, new = queue(case)
        return task.id, new

    with ThreadPoolExecutor(8) as pool:
        queued = list(pool.map(race, range(8)))

    assert len({id for id, _new in queued}) == 1
    assert [new for _id, new in queued].count(True) == 1


@pytest.mark.parametrize("settled", [EffectState.DONE, EffectState.FAILED])
def test_a_settled_task_stays_settled(case: Case, settled: EffectState) -> None:
    task, _new = queue(case)
    settled_task = move(task, settled, DONE)

    for state in EffectState:
        assert move(task, state, Result(status=ResultStatus.UNKNOWN), wait=0) == settled_task
    assert due(60) == []


def test_each_time_a_task_is_handed_out_is_counted(case: Case) -> None:
    task, _new = queue(case)

    assert move(task, EffectState.RUNNING).attempts == 1
    assert move(task, EffectState.UNKNOWN).attempts == 1
    assert move(task, EffectState.RUNNING).attempts == 2


def test_a_result_is_read_as_it_was_reported(case: Case) -> None:
    task, _new = queue(case)

    assert move(task, EffectState.DONE, DONE).result == DONE


def test_an_unsettled_task_is_due_at_its_time_in_every_state(case: Case) -> None:
    task, _new = queue(case)
    assert due() == [(task.id, 0)]

    for attempts, state in enumerate((EffectState.RUNNING, EffectState.UNKNOWN, EffectState.QUEUED)):
        moved = move(task, state, wait=2)
        assert moved.state in UNSETTLED
        assert due(1.9) == []
        assert due(2) == [(task.id, moved.attempts)], attempts


def test_how_many_are_in_which_state_is_known(case: Case) -> None:
    task, _new = queue(case)
    queue(case, "other")
    move(task, EffectState.DONE, DONE)

    with db.transaction():
        assert effects.count() == {"queued": 1, "done": 1}


def test_what_does_not_exist_is_named(database: str) -> None:
    with db.transaction(), pytest.raises(NotFound, match="there is no task_none in tasks"):
        effects.task("task_none")


def test_a_task_that_failed_may_be_tried_again_as_a_task_of_its_own(case: Case) -> None:
    failed, _new = queue(case)
    move(failed, EffectState.FAILED, Result(status=ResultStatus.FAILED))

    again, new = queue(case, draft=DraftId("drf_two"))
    same, newer = queue(case, draft=DraftId("drf_three"))

    assert new
    assert again.id != failed.id
    assert (again.state, again.request.key) == (EffectState.QUEUED, "reschedule:ses-1#2")
    assert not newer
    assert same == again
