"""Waits as rows: what is due when, picked up by the sweeper."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store import db
from caseward.store.tables import timers


def set_timer(case_id: str, kind: str, due_at: datetime) -> None:
    """Set a case's timer of that kind, or move it."""
    db.execute(
        upsert(timers)
        .values(case_id=case_id, kind=kind, due_at=due_at)
        .on_conflict_do_update(index_elements=["case_id", "kind"], set_={"due_at": due_at})
    )


def cancel(case_id: str, *kinds: str) -> None:
    """Remove a case's timers of those kinds, or all of them."""
    query = delete(timers).where(timers.c.case_id == case_id)
    db.execute(query.where(timers.c.kind.in_(kinds)) if kinds else query)


def due(now: datetime, *, limit: int = 200) -> list[tuple[str, str, datetime]]:
    """Return case, kind and due time of the timers that are due, the longest overdue first."""
    rows = db.execute(select(timers).where(timers.c.due_at <= now).order_by(timers.c.due_at).limit(limit))
    return [(row.case_id, row.kind, row.due_at) for row in rows]


def take(case_id: str, kind: str, now: datetime) -> bool:
    """Remove a timer that is due, once; return False when it is gone or was moved."""
    row = db.execute(
        delete(timers)
        .where(timers.c.case_id == case_id, timers.c.kind == kind, timers.c.due_at <= now)
        .returning(timers.c.kind)
    ).first()
    return row is not None
