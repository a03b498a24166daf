"""Waits as rows: what is due when, picked up by the sweeper.

Setting and cancelling are held back to the commit, so that a story that sets a timer and cancels it writes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete

from caseward.store import db
from caseward.store.tables import timers

_ALL = "*"


def set_timer(case_id: str, kind: str, due_at: datetime) -> None:
    """Set a case's timer of that kind, or move it."""
    _wanted(case_id)[kind] = due_at


def cancel(case_id: str, *kinds: str) -> None:
    """Remove a case's timers of those kinds, or all of them."""
    wanted = _wanted(case_id)
    if not kinds:
        wanted.clear()
    for kind in kinds or (_ALL,):
        wanted[kind] = None


def due(now: datetime, *, limit: int = 200) -> list[tuple[str, str, datetime]]:
    """Return case, kind and due time of the timers that are due, the longest overdue first."""
    return [(row.case_id, row.kind, row.due_at) for row in db.run(_DUE, {"now": now, "limit": limit})]


def next_due() -> datetime | None:
    """Return when the next thing that waits is due: a timer, a turn, an effect, words, a request whose time is up."""
    at: datetime | None = db.run(_NEXT).fetchall()[0].at
    return at


_NEXT: Final = """
    select least(
        (select min(due_at) from timers),
        (select min(ready_at) from conversations where ready_at is not null),
        (select min(next_at) from tasks where state in ('queued', 'running', 'unknown')),
        (select min(next_at) from outbox where next_at is not null),
        (select min(expires_at) from approvals where state = 'open')
    ) as at
"""


def take(case_id: str, kind: str, now: datetime) -> bool:
    """Remove a timer that is due, once; return False when it is gone or was moved."""
    row = db.execute(
        delete(timers)
        .where(timers.c.case_id == case_id, timers.c.kind == kind, timers.c.due_at <= now)
        .returning(timers.c.kind)
    ).first()
    return row is not None


def _wanted(case_id: str) -> dict[str, datetime | None]:
    held: dict[str, dict[str, datetime | None]] = db.current().pending.setdefault("timers", {})
    return held.setdefault(case_id, {})


def _flush(opened: db.Transaction) -> None:
    for case_id, wanted in opened.pending.pop("timers", {}).items():
        kept = {kind: at for kind, at in wanted.items() if at is not None}
        gone = [kind for kind, at in wanted.items() if at is None]
        values = {"case": case_id, "kinds": list(kept), "dues": list(kept.values())}
        if _ALL in gone:
            opened.driver.execute(_REPLACE, values)
            continue
        if gone:
            opened.driver.execute(_CANCEL, {"case": case_id, "kinds": gone})
        if kept:
            opened.driver.execute(_SET, values)


db.on_flush(2, _flush)

_DUE: Final = "select case_id, kind, due_at from timers where due_at <= %(now)s order by due_at limit %(limit)s"
_CANCEL: Final = "delete from timers where case_id = %(case)s and kind = any(%(kinds)s)"
_SET: Final = """
    insert into timers (case_id, kind, due_at)
    select %(case)s, kind, due from unnest(%(kinds)s::text[], %(dues)s::timestamptz[]) as new(kind, due)
    on conflict (case_id, kind) do update set due_at = excluded.due_at
"""
_REPLACE: Final = """
    with gone as (delete from timers where case_id = %(case)s and not kind = any(%(kinds)s::text[]))
    insert into timers (case_id, kind, due_at)
    select %(case)s, kind, due from unnest(%(kinds)s::text[], %(dues)s::timestamptz[]) as new(kind, due)
    on conflict (case_id, kind) do update set due_at = excluded.due_at
"""
