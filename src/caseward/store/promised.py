"""The promises of cases, as their clocks ran: for what other hours or targets would have made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from caseward.core.policy import Tier
from caseward.core.promise import Promise
from caseward.store import db

LATEST = 1000
"""Cases that are looked at, the latest ones: enough for a figure, and read in a moment."""
OPEN = 200


def since(at: datetime) -> Sequence[Promise]:
    """Return the promises of the LATEST cases opened since an instant."""
    return [_promise(row) for row in db.run(_SINCE, {"at": at, "most": LATEST})]


_SINCE: Final = """
    with latest as materialized (
        select id, number, tier, severity, opened_at from cases order by number desc limit %(most)s
    )
    select latest.number as case, latest.tier, latest.severity, ran.kind as clock, ran.started_at, ran.due_at,
        ran.met_at
    from latest cross join lateral (select * from clocks where clocks.case_id = latest.id offset 0) as ran
    where latest.opened_at >= %(at)s
"""
"""Case by case, by the index: whoever joins reads every clock there is."""


def running(now: datetime) -> Sequence[Promise]:
    """Return promises that are neither kept nor late nor paused, the next due first, OPEN at most."""
    return [_promise(row) for row in db.run(_RUNNING, {"now": now, "most": OPEN})]


_RUNNING: Final = """
    select cases.number as case, cases.tier, cases.severity, clocks.kind as clock, clocks.started_at, clocks.due_at,
        clocks.met_at
    from clocks join cases on cases.id = clocks.case_id
    where clocks.met_at is null and clocks.paused_at is null and clocks.due_at > %(now)s
        and cases.status not in ('resolved', 'closed')
    order by clocks.due_at limit %(most)s
"""


def _promise(row: Any) -> Promise:
    given = row._asdict()
    return Promise(**{**given, "tier": None if row.tier is None else Tier(row.tier)})
