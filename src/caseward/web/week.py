"""A week of business hours as a page shows it, and what other hours would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from caseward.core import promise
from caseward.core.pack import Profile
from caseward.core.promise import Promise
from caseward.core.sla import BusinessHours
from caseward.web import times

DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
        "sun": "Sunday"}  # fmt: skip
"""Day as the pack names it → as people do, Monday first."""
AHEAD = 90
"""Days ahead that two calendars are compared."""
SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the week."""

    id: str
    name: str
    spans: Sequence[tuple[int, int]]
    """Open minutes of the day: from, how many."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A promise that would fall elsewhere."""

    case: int
    label: str
    due: datetime
    would: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursEffect:
    """What other hours would change."""

    weekly: str
    """Open hours a week, before and after; empty where they are the same."""
    days: Sequence[str]
    """Days of the next AHEAD on which the house would be open otherwise, in words."""
    more_days: int
    running: int
    """Promises that run now."""
    moved: Sequence[Moved]
    """Those that would have been promised otherwise."""
    more_moved: int


def days(hours: BusinessHours) -> Sequence[Day]:
    """Return the week, Monday first."""
    return [
        Day(
            id=id,
            name=name,
            spans=[(_minute(start), _minute(end) - _minute(start)) for start, end in hours.week.get(n, ())],
            text=_spans(hours.week.get(n, ())),
        )
        for n, (id, name) in enumerate(DAYS.items())
    ]


def total(hours: BusinessHours) -> timedelta:
    """Return how long the house is open in a week without a holiday."""
    minutes = sum(_minute(end) - _minute(start) for spans in hours.week.values() for start, end in spans)
    return timedelta(minutes=minutes)


def effect(
    was: BusinessHours, would: BusinessHours, profile: Profile, running: Sequence[Promise], now: datetime
) -> HoursEffect:
    """Return what other hours would change: days, and promises that run now, had they been made under them."""
    today = now.astimezone(was.zone).date()
    ahead = [today + timedelta(days=n) for n in range(AHEAD)]
    told = [_told(day, was, would) for day in ahead if _local(was, day) != _local(would, day)]
    moved = [each for each in (_moved(it, was, would, profile) for it in running) if each is not None]
    before, after = total(was), total(would)
    return HoursEffect(
        weekly=f"{_hours(before)} a week become {_hours(after)}" if before != after else "",
        days=told[:SHOWN],
        more_days=max(0, len(told) - SHOWN),
        running=len(running),
        moved=moved[:SHOWN],
        more_moved=max(0, len(moved) - SHOWN),
    )


def _moved(it: Promise, was: BusinessHours, would: BusinessHours, profile: Profile) -> Moved | None:
    old, new = (
        promise.due(it.clock, it.started_at, hours=hours, sla=profile.sla, tier=it.tier, severity=it.severity)
        for hours in (was, would)
    )
    if old == new:
        return None
    by = times.duration(abs(new - old))
    return Moved(
        case=it.case,
        label=times.label(it.clock),
        due=it.due_at,
        would=it.due_at + (new - old),
        by=f"{by} later" if new > old else f"{by} sooner",
    )


def _told(day: date, was: BusinessHours, would: BusinessHours) -> str:
    before, after = _local(was, day), _local(would, day)
    return f"{day:%a} {day.day} {day:%b %Y}: {_spans(after).lower()}, it was {_spans(before).lower()}"


def _local(hours: BusinessHours, day: date) -> Sequence[tuple[time, time]]:
    return () if day in hours.holidays else hours.week.get(day.weekday(), ())


def _spans(spans: Sequence[tuple[time, time]]) -> str:
    return ", ".join(f"{start:%H:%M} to {end:%H:%M}" for start, end in spans) or "Closed"


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _hours(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
