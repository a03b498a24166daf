"""The only door to the systems that write: a task runs once, for a case, on an approval that covers it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from caseward.core import roles
from caseward.core.approval import Approval
from caseward.core.case import Case
from caseward.core.errors import Refused, SystemDown
from caseward.core.roles import Actor, Effect
from caseward.core.task import Draft, Result, ResultStatus
from caseward.desk import tools
from caseward.store import db, effects, log
from caseward.store.effects import EffectState, Task

WATCH = timedelta(minutes=2)
"""After this a task that was handed out and not reported is looked up again."""
BACKOFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""Waits between tries while a system is down; after the last one a person is asked."""


def queue(case: Case, draft: Draft, approval: Approval, *, approval_id: str, actor: str = Actor.C) -> Task:
    """Queue the draft's task for operations and return it, or the one of the same business key that was queued before,
    perhaps for another draft.

    Raises:
        Refused: the actor may not execute, the approval covers something else, or there is no task. Logged in any case.
    """
    now = tools.now()
    try:
        roles.require(actor, Effect.EXECUTE)
        approval.require(draft, case_id=case.id, now=now)
        if draft.task is None:
            raise Refused("the draft has no task to run")
    except Refused as refusal:
        with db.apart():
            log.append("denied", actor, {"effect": Effect.EXECUTE, "why": str(refusal)}, at=now, case_id=case.id)
        raise
    task, new = effects.queue_task(
        draft.task,
        case_id=case.id,
        draft_id=draft.id,
        approval_id=approval_id,
        approvers=approval.approvers,
        now=now,
    )
    if new:
        _log(task, "task", {"state": "queued", "approvers": list(approval.approvers)})
        tools.begin("perform", task.id, f"task:{task.id}:0")
    return task


def take(task: Task) -> None:
    """Mark a task as handed out; from here on its outcome is unknown until it is reported."""
    effects.move_task(task.id, EffectState.RUNNING, now=tools.now(), next_at=tools.now() + WATCH)
    _log(task, "task", {"state": "running", "attempt": task.attempts + 1})


def run(task: Task) -> Result:
    """Do the work, outside any transaction. A task handed out before is looked up first and never blindly repeated."""
    skill = tools.skill(task.request.skill)
    try:
        if task.attempts > 0:
            earlier = skill.lookup(key=task.request.key)
            if earlier is not None:
                return earlier
        return skill.run(task.request.args, key=task.request.key, now=tools.now())
    except SystemDown as down:
        return Result(status=ResultStatus.UNKNOWN, detail=str(down), values={"down": True, "system": down.system})
    except Exception as error:
        return Result(status=ResultStatus.UNKNOWN, detail=f"{type(error).__name__}: {error}")


def settle(task: Task, result: Result) -> None:
    """Record the outcome of a task and its result."""
    states = {ResultStatus.SUCCESS: EffectState.DONE, ResultStatus.UNKNOWN: EffectState.UNKNOWN}
    state = states.get(result.status, EffectState.FAILED)
    next_at = None
    if result.status is ResultStatus.UNKNOWN and not gives_up(task, result):
        next_at = tools.now() + BACKOFF[max(task.attempts, 1) - 1]
    effects.move_task(task.id, state, now=tools.now(), result=result, next_at=next_at)
    outcome: Mapping[str, Any] = {
        "status": result.status,
        "reference": result.reference,
        "values": dict(result.values),
        "detail": result.detail,
    }
    _log(task, "result", outcome)
    if state is not EffectState.DONE or task.attempts > 1:
        tools.announce("task", task.id, task.case_id)


def gives_up(task: Task, result: Result) -> bool:
    """Return whether an unknown outcome is now a person's to settle."""
    return result.status is ResultStatus.UNKNOWN and task.attempts > len(BACKOFF)


def _log(task: Task, kind: str, more: Mapping[str, Any]) -> None:
    request = task.request
    log.append(
        kind,
        Actor.C,
        {"task": task.id, "skill": request.skill, "key": request.key, "args": dict(request.args), **more},
        at=tools.now(),
        case_id=task.case_id,
    )
