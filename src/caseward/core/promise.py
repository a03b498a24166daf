"""By when something is promised: what a clock's start, the hours and the targets make of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.core.pack import Sla
from caseward.core.policy import Tier
from caseward.core.sla import BusinessHours

CLOCKS = ("first_response", "resolution", "decision")
URGENT = ("P1", "P2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A clock of a case, as it ran."""

    case: int
    """Number of the case."""
    clock: str
    tier: Tier | None
    severity: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many promises of a kind were kept, and how many would have been."""

    clock: str
    tier: Tier | None
    """Only of resolutions."""
    of: int
    was: int
    would: int


def due(
    clock: str, start: datetime, *, hours: BusinessHours, sla: Sla, tier: Tier | None = None, severity: str = ""
) -> datetime:
    """Return the instant by which a clock that starts at `start` is to be met.

    A resolution without a figure of its own is due by the end of the business day, and no sooner than an urgent one.
    """
    minutes = _minutes(clock, sla, tier, severity)
    if minutes is not None:
        return hours.add(start, timedelta(minutes=minutes))
    closing = hours.end_of_day(start)
    soonest = timedelta(minutes=sla.urgent_minutes)
    return hours.add(start, soonest) if closing - start < soonest else closing


def kept(promises: Iterable[Promise], *, hours: BusinessHours, now: datetime, was: Sla, would: Sla) -> Sequence[Kept]:
    """Return how many promises were kept under the targets that were, and would have been under others.

    What was paused stays paused: a deadline moves by as much business time as the targets differ at its start. One that
    is still open counts only once it is late under both.
    """
    counts: dict[tuple[str, Tier | None], list[int]] = {}
    for each in promises:
        moved = _moved(each, hours, was, would)
        end = each.met_at or now
        before, after = end <= each.due_at, _in_time(each, end, moved, hours)
        if each.met_at is None and (before or after):
            continue
        count = counts.setdefault((each.clock, each.tier if each.clock == "resolution" else None), [0, 0, 0])
        count[0] += 1
        count[1] += before
        count[2] += after
    order = sorted(counts, key=lambda key: (CLOCKS.index(key[0]), -1 if key[1] is None else int(key[1])))
    return [Kept(clock=clock, tier=tier, of=of, was=was_, would=would_)
            for clock, tier in order for of, was_, would_ in [counts[clock, tier]]]  # fmt: skip


def _minutes(clock: str, sla: Sla, tier: Tier | None, severity: str) -> int | None:
    if clock == "first_response":
        return sla.first_response_minutes
    if clock == "decision":
        return sla.decision_minutes
    return sla.urgent_minutes if severity in URGENT else sla.resolution_minutes.get(str(tier))


def _moved(each: Promise, hours: BusinessHours, was: Sla, would: Sla) -> timedelta:
    """Return by how much business time the deadline moves."""
    if was == would:
        return timedelta()
    before, after = (_minutes(each.clock, sla, each.tier, each.severity) for sla in (was, would))
    if before is not None and after is not None:
        return timedelta(minutes=after - before)
    old, new = (
        due(each.clock, each.started_at, hours=hours, sla=sla, tier=each.tier, severity=each.severity)
        for sla in (was, would)
    )
    return _apart(hours, old, new)


def _in_time(each: Promise, end: datetime, moved: timedelta, hours: BusinessHours) -> bool:
    """Return whether a promise is kept whose deadline moves; the calendar is asked only where that could matter."""
    late = end > each.due_at
    if moved == timedelta() or late == (moved < timedelta()):
        return not late
    return _apart(hours, end, each.due_at) + moved >= timedelta()


def _apart(hours: BusinessHours, one: datetime, other: datetime) -> timedelta:
    """Return the business time from one instant to another; negative where the other comes first."""
    return hours.between(one, other) if one <= other else -hours.between(other, one)
