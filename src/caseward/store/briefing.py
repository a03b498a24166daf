"""What is urgent now, counted, with the first few of it: decisions that fall due, promises that were missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from caseward.store import db

FEW: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgent:
    """So many things, since or from when, and the cases of the first few: id and number."""

    count: int
    first: datetime | None
    cases: tuple[tuple[str, int], ...]


def decisions_due(now: datetime, *, within: timedelta) -> Urgent:
    """Return the open requests for consent that run out, or were to be decided, before `within` is over."""
    return _urgent(_DUE, {"now": now, "until": now + within, "few": FEW})


_DUE: Final = """
    select c.id, c.number, least(coalesce(d.due_at, a.expires_at), a.expires_at) as at, count(*) over () as n
    from approvals a join cases c on c.id = a.case_id
    left join clocks d on d.case_id = a.case_id and d.kind = 'decision' and d.met_at is null
    where a.state = 'open' and least(coalesce(d.due_at, a.expires_at), a.expires_at) < %(until)s
    order by 3, c.number limit %(few)s
"""


def overdue(now: datetime) -> Urgent:
    """Return the open cases whose next move is ours and whose settlement was promised for earlier than now."""
    return _urgent(_OVERDUE, {"now": now, "few": FEW})


_OVERDUE: Final = """
    select case_id as id, number, due_at as at, count(*) over () as n from case_figures
    where closed_at is null and running_since is not null and due_at < %(now)s
    order by due_at, number limit %(few)s
"""


def _urgent(query: str, given: dict[str, object]) -> Urgent:
    rows = db.run(query, given).fetchall()
    return Urgent(
        count=rows[0].n if rows else 0,
        first=rows[0].at if rows else None,
        cases=tuple((row.id, row.number) for row in rows),
    )
