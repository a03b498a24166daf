"""What figures are made of, read for a stretch of time: the rows of cases, requests, work and what guards stopped."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from caseward.core.kpis.opening import Opening
from caseward.core.kpis.records import CaseRecord, GuardRecord, RequestRecord, Window, WorkRecord
from caseward.core.sla import BusinessHours
from caseward.store import db

COST = 0.0
"""What models cost a case: the store keeps no cost as long as no brain asks a model."""


def read(
    start: datetime, end: datetime, *, hours: BusinessHours, now: datetime, since: datetime | None = None
) -> Window:
    """Return a stretch of time with all that figures over it may ask about, and over any stretch from `since` on."""
    given = {"since": since or start, "end": end}
    rows = db.run(_CASES, given).fetchall()
    asked = db.run(_REQUESTS, given).fetchall()
    earliest = min((row.opened_at for row in (*rows, *asked)), default=now)
    opening = Opening(hours, min(earliest, now), now)
    return Window(
        start=start,
        end=end,
        now=now,
        cases=[_case(row, opening, now) for row in rows],
        requests=[_request(row, opening, now) for row in asked],
        work=[WorkRecord(**row._asdict()) for row in db.run(_WORK, given)],
        guards=[GuardRecord(**row._asdict()) for row in db.run(_GUARDS, given)],
    )


_CASES: Final = """
    select case_id, number, channel, tier, owner, sample, opened_at, first_from, first_due_at, answered_at,
        first_seconds, first_breached, worked_seconds, running_since, due_at, due_breached, settled_at, closed_at,
        returned_at, turns, asked, handed, answers, mismatches, checks, unfounded, score, scored_at,
        case when lanes <> '[]' then lanes end as lanes
    from case_figures
    where (opened_at >= %(since)s and opened_at < %(end)s) or (settled_at >= %(since)s and settled_at < %(end)s)
        or (scored_at >= %(since)s and scored_at < %(end)s) or closed_at is null
"""
_REQUESTS: Final = """
    select a.case_id, a.tier, a.lane, c.channel, a.opened_at, a.state, a.decided_by, a.decided_at, a.expires_at
    from approvals a join case_figures c using (case_id)
    where (a.opened_at >= %(since)s and a.opened_at < %(end)s) or (a.decided_at >= %(since)s and a.decided_at < %(end)s)
"""
_WORK: Final = """
    select case_id, skill, state, created_at from tasks where created_at >= %(since)s and created_at < %(end)s
"""
_GUARDS: Final = """
    select coalesce(case_id, '') as case_id, kind, name, at from guard_events
    where at >= %(since)s and at < %(end)s
"""
DECIDED = frozenset({"approved", "edited", "denied", "escalated"})
"""States of a request that a person brought about."""


def more_than(count: int) -> bool:
    """Return whether figures rest on more cases than that, of whatever age."""
    some = "select count(*) as n from (select from case_figures limit %s) as some_of_them"
    return bool(db.run(some, (count + 1,)).fetchall()[0].n > count)


def numbers(ids: Collection[str]) -> dict[str, tuple[int, str, int | None, datetime]]:
    """Return case id → its number, channel, tier and when it was opened."""
    rows = db.run(
        "select case_id, number, channel, tier, opened_at from case_figures where case_id = any(%(ids)s)",
        {"ids": list(ids)},
    )
    return {row.case_id: (row.number, row.channel, row.tier, row.opened_at) for row in rows}


def _case(row: Any, opening: Opening, now: datetime) -> CaseRecord:
    answered, running = row.answered_at is not None, row.running_since is not None
    first = row.first_seconds
    if not answered and row.first_from is not None:
        first = opening.seconds(row.first_from, now)
    first_late = row.first_breached or bool(not answered and row.first_due_at and row.first_due_at < now)
    return CaseRecord(
        id=row.case_id,
        number=row.number,
        channel=row.channel,
        tier=row.tier,
        owner=row.owner,
        sample=row.sample,
        opened_at=row.opened_at,
        first_seconds=first,
        answered=answered,
        first_at=row.first_due_at,
        first_late=first_late,
        worked_seconds=row.worked_seconds + (opening.seconds(row.running_since, now) if running else 0),
        due_at=row.due_at,
        due_late=row.due_breached or bool(running and row.due_at and row.due_at < now),
        settled_at=row.settled_at,
        closed_at=row.closed_at,
        returned_at=row.returned_at,
        turns=row.turns,
        asked=row.asked,
        handed=row.handed,
        answers=row.answers,
        mismatches=row.mismatches,
        checks=row.checks,
        unfounded=row.unfounded,
        cost=COST,
        score=row.score,
        scored_at=row.scored_at,
        lanes=tuple(row.lanes or ()),
    )


def _request(row: Any, opening: Opening, now: datetime) -> RequestRecord:
    return RequestRecord(
        case_id=row.case_id,
        tier=row.tier,
        lane=row.lane,
        channel=row.channel,
        opened_at=row.opened_at,
        seconds=opening.seconds(row.opened_at, min(row.decided_at or now, now)),
        decided=row.state in DECIDED,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
