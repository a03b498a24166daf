"""Effects on their way: tasks for operations and words for contacts, each once per business key.

States only move forward: queued → running/sending → done/sent, failed or unknown. *Unknown* means the outside may or
may not have done it: it is looked up or handed to a person, never blindly repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core import ids
from caseward.core.errors import NotFound
from caseward.core.ids import CaseId, DraftId, OutboxId, TaskId
from caseward.core.task import Result, ResultStatus, TaskRequest
from caseward.store import db
from caseward.store.tables import outbox, tasks


class EffectState(StrEnum):
    """Where an effect stands."""

    QUEUED = "queued"
    RUNNING = "running"
    """Handed to the outside; what came of it is not recorded yet."""
    UNKNOWN = "unknown"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Words on their way to a contact."""

    id: OutboxId
    case_id: CaseId
    message_id: str
    channel: str
    address: str
    text: str
    key: str
    state: EffectState
    attempts: int
    provider_ref: str
    error: str
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


def queue_parcel(
    *,
    case_id: CaseId,
    message_id: str,
    channel: str,
    address: str,
    text: str,
    key: str,
    approvers: Sequence[str],
    delivered: bool,
    now: datetime,
) -> OutboxId | None:
    """Put words into the outbox, `delivered` where storing is delivering; None when their key is there already."""
    row = db.run(
        _POST,
        {
            "id": ids.new("out"),
            "case": case_id,
            "message": message_id,
            "channel": channel,
            "address": address,
            "text": text,
            "key": key,
            "approvers": Jsonb(list(approvers)),
            "state": str(EffectState.DONE if delivered else EffectState.QUEUED),
            "now": now,
            "next_at": None if delivered else now,
        },
    ).fetchone()
    return OutboxId(row.id) if row else None


_POST = """
    insert into outbox
        (id, case_id, message_id, channel, address, text, key, approvers, state, created_at, updated_at, next_at)
    values (
        %(id)s, %(case)s, %(message)s, %(channel)s, %(address)s, %(text)s, %(key)s, %(approvers)s, %(state)s,
        %(now)s, %(now)s, %(next_at)s)
    on conflict (key) do nothing
    returning id
"""


def said(key: str) -> bool:
    """Return whether words under this key are in the outbox already."""
    return db.run("select from outbox where key = %(key)s", {"key": key}).rowcount > 0


def task(task_id: str, *, lock: bool = False) -> Task:
    """Return a task; raise NotFound when there is none."""
    return _task(_row(tasks, task_id, lock))


def parcel(outbox_id: str, *, lock: bool = False) -> Parcel:
    """Return words on their way; raise NotFound when there are none."""
    return _parcel(_row(outbox, outbox_id, lock))


def tasks_of(case_id: CaseId) -> list[Task]:
    """Return a case's tasks, oldest first."""
    return [
        _task(row) for row in db.execute(select(tasks).where(tasks.c.case_id == case_id).order_by(tasks.c.created_at))
    ]


def parcels_of(case_id: CaseId) -> list[Parcel]:
    """Return a case's words on their way and said, oldest first."""
    return [
        _parcel(row)
        for row in db.execute(select(outbox).where(outbox.c.case_id == case_id).order_by(outbox.c.created_at))
    ]


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


def move_parcel(
    outbox_id: str,
    state: EffectState,
    *,
    now: datetime,
    provider_ref: str = "",
    error: str = "",
    next_at: datetime | None = None,
) -> None:
    """Move words to a state; settled ones stay settled."""
    fields: dict[str, Any] = {"state": state, "updated_at": now, "next_at": next_at, "error": error}
    if state is EffectState.RUNNING:
        fields["attempts"] = outbox.c.attempts + 1
    if provider_ref:
        fields["provider_ref"] = provider_ref
    db.execute(update(outbox).where(outbox.c.id == outbox_id, outbox.c.state.in_(UNSETTLED)).values(**fields))


def due(table: str, now: datetime, *, limit: int = 100) -> list[tuple[str, int]]:
    """Return id and attempts of the tasks (`tasks`) or words (`outbox`) whose next step is due."""
    rows = db.run(_DUE[table], {"now": now, "limit": limit})
    return [(row.id, row.attempts) for row in rows]


_DUE: Final = {
    "tasks": """
        select id, attempts from tasks where state in ('queued', 'running', 'unknown') and next_at <= %(now)s
        order by next_at limit %(limit)s
    """,
    "outbox": """
        select id, attempts from outbox where state in ('queued', 'running', 'unknown') and next_at <= %(now)s
        order by next_at limit %(limit)s
    """,
}


def count(table: str) -> Mapping[str, int]:
    """Return state → how many tasks (`tasks`) or words (`outbox`) are in it."""
    of = {"tasks": tasks, "outbox": outbox}[table]
    return {row.state: row.n for row in db.execute(select(of.c.state, func.count().label("n")).group_by(of.c.state))}


def _row(table: Table, id_: str, lock: bool) -> Any:
    query = select(table).where(table.c.id == id_)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"there is no {id_} in {table.name}")
    return row


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


def _parcel(row: Any) -> Parcel:
    return Parcel(
        id=OutboxId(row.id),
        case_id=CaseId(row.case_id),
        message_id=row.message_id,
        channel=row.channel,
        address=row.address,
        text=row.text,
        key=row.key,
        state=EffectState(row.state),
        attempts=row.attempts,
        provider_ref=row.provider_ref,
        error=row.error,
        created_at=row.created_at,
    )
