"""Work on its way to operations: each task once per business key. Words for contacts are in outbox.py.

States only move forward: queued → running → done, failed or unknown. *Unknown* means the outside may or may not have
done it: it is looked up or handed to a person, never blindly repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core import ids
from caseward.core.errors import NotFound
from caseward.core.ids import CaseId, DraftId, TaskId
from caseward.core.task import Result, ResultStatus, TaskRequest
from caseward.store import db
from caseward.store.tables import tasks


class EffectState(StrEnum):
    """Where an effect stands."""

    QUEUED = "queued"
    RUNNING = "running"
    """Handed to the outside; what came of it is not recorded yet."""
    UNKNOWN = "unknown"
    HELD = "held"
    """Of words: they wait until their vendor takes free words again."""
    DONE = "done"
    FAILED = "failed"


UNSETTLED = (EffectState.QUEUED, EffectState.RUNNING, EffectState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work asked of operations."""

    id: TaskId
    case_id: CaseId
    draft_id: DraftId
    approval_id: str
    request: TaskRequest
    approvers: tuple[str, ...]
    """Who consented to it, in their order."""
    state: EffectState
    attempts: int
    result: Result | None
    created_at: datetime


def queue_task(
    request: TaskRequest,
    *,
    case_id: CaseId,
    draft_id: DraftId,
    approval_id: str,
    approvers: Sequence[str],
    now: datetime,
) -> tuple[Task, bool]:
    """Queue a task; a key that was queued before is the same task. Return it, and whether it is new.

    Where the task of that key failed, which says that it surely was not done, this is another try: a task of its own,
    under the key with the number of the try.
    """
    key, tries = request.key, 1
    while True:
        row = db.execute(
            upsert(tasks)
            .values(
                id=ids.new("task"),
                case_id=case_id,
                draft_id=draft_id,
                approval_id=approval_id,
                skill=request.skill,
                args=dict(request.args),
                key=key,
                summary=request.summary,
                approvers=list(approvers),
                state=EffectState.QUEUED,
                created_at=now,
                updated_at=now,
                next_at=now,
            )
            .on_conflict_do_nothing(index_elements=["key"])
            .returning(tasks)
        ).first()
        if row is not None:
            return _task(row), True
        known = _task(db.execute(select(tasks).where(tasks.c.key == key).with_for_update()).one())
        if known.state is not EffectState.FAILED or known.draft_id == draft_id:
            return known, False
        tries += 1
        key = f"{request.key}#{tries}"


def task(task_id: str, *, lock: bool = False) -> Task:
    """Return a task; raise NotFound when there is none."""
    query = select(tasks).where(tasks.c.id == task_id)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"there is no {task_id} in tasks")
    return _task(row)


def tasks_of(case_id: CaseId, *, last: int | None = None) -> list[Task]:
    """Return a case's tasks, or its last ones, oldest first."""
    latest = select(tasks).where(tasks.c.case_id == case_id).order_by(tasks.c.created_at.desc()).limit(last)
    return [_task(row) for row in reversed(db.execute(latest).all())]


def move_task(
    task_id: str, state: EffectState, *, now: datetime, result: Result | None = None, next_at: datetime | None = None
) -> None:
    """Move a task to a state; a settled one stays settled."""
    fields: dict[str, Any] = {"state": state, "updated_at": now, "next_at": next_at}
    if state is EffectState.RUNNING:
        fields["attempts"] = tasks.c.attempts + 1
    if result is not None:
        fields["result"] = {
            "status": result.status, "values": dict(result.values), "reference": result.reference,
            "detail": result.detail,
        }  # fmt: skip
    db.execute(update(tasks).where(tasks.c.id == task_id, tasks.c.state.in_(UNSETTLED)).values(**fields))


def due(now: datetime, *, limit: int = 100) -> list[tuple[str, int]]:
    """Return id and attempts of the tasks whose next step is due."""
    return [(row.id, row.attempts) for row in db.run(_DUE, {"now": now, "limit": limit})]


_DUE: Final = """
    select id, attempts from tasks where state in ('queued', 'running', 'unknown') and next_at <= %(now)s
    order by next_at limit %(limit)s
"""


def count() -> Mapping[str, int]:
    """Return state → how many tasks are in it."""
    counted = select(tasks.c.state, func.count().label("n")).group_by(tasks.c.state)
    return {row.state: row.n for row in db.execute(counted)}


def _task(row: Any) -> Task:
    result = None
    if row.result:
        result = Result(**{**row.result, "status": ResultStatus(row.result["status"])})
    return Task(
        id=TaskId(row.id),
        case_id=CaseId(row.case_id),
        draft_id=DraftId(row.draft_id),
        approval_id=row.approval_id or "",
        request=TaskRequest(skill=row.skill, args=row.args, key=row.key, summary=row.summary),
        approvers=tuple(row.approvers),
        state=EffectState(row.state),
        attempts=row.attempts,
        result=result,
        created_at=row.created_at,
    )
