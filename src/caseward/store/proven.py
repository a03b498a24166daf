"""What the latest cases say about how far the desk can be trusted; counted, and judged by people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.store import db

LATEST = 1000
"""Cases that are looked at, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Counts over the cases opened since an instant."""

    cases: int
    settled: int
    """Resolved or closed."""
    reopened: int
    asked: int
    """Requests for consent that a person decided."""
    approved: int
    """Of those, agreed to as they were drafted."""
    edited: int
    denied: int
    faults: int
    """Cases in which something of ours went wrong, by the log."""


def since(at: datetime) -> Proven:
    """Return the counts over the LATEST cases opened since an instant."""
    row = db.run(_SINCE, {"at": at, "most": LATEST}).fetchall()[0]
    return Proven(**row._asdict())


_SINCE: Final = """
    with latest as materialized (
        select id, status, reopened, opened_at from cases order by number desc limit %(most)s
    ),
    recent as materialized (select * from latest where opened_at >= %(at)s),
    asked as (
        select decided.state from recent cross join lateral (
            select * from approvals where approvals.case_id = recent.id offset 0
        ) as decided
        where decided.state in ('approved', 'edited', 'denied', 'escalated') and decided.decided_by <> 'policy'
    )
    select
        (select count(*) from recent) as cases,
        (select count(*) from recent where status in ('resolved', 'closed')) as settled,
        (select count(*) from recent where reopened > 0) as reopened,
        (select count(*) from asked) as asked,
        (select count(*) from asked where state = 'approved') as approved,
        (select count(*) from asked where state = 'edited') as edited,
        (select count(*) from asked where state = 'denied') as denied,
        (select count(*) from recent where exists (
            select from log where log.case_id = recent.id and log.kind = 'error'
        )) as faults
"""
