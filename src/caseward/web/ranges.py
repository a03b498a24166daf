"""Stretches of days as the overview's address names them: today, 7d, 28d, a week of the calendar, or from one day to
another. Days begin at midnight in the house's time zone, and the last one ends now if it is not over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from caseward.core.errors import BadInput

SPANS = {"today": 1, "7d": 7, "28d": 28}
LABELS = {"today": "Today", "7d": "7 d", "28d": "28 d"}
LONGEST_DAYS = 366
POINTS = 8
"""Points of a small line."""
WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A stretch of days."""

    id: str
    """As the address names it; empty for one from a day to another."""
    first: date
    last: date
    """Part of it."""
    start: datetime
    end: datetime
    """Midnight after the last day, or now."""
    zone: ZoneInfo

    @property
    def days(self) -> int:
        """Return how many days it touches."""
        return (self.last - self.first).days + 1

    @property
    def query(self) -> str:
        """Return how an address names it."""
        return f"range={self.id}" if self.id else f"from={self.first}&to={self.last}"

    @property
    def words(self) -> str:
        """Return it in words: `Fri 21 November`, `15 to 21 November`."""
        last = f"{self.last.day} {self.last:%B}"
        if self.days == 1:
            return f"{self.last:%a} {last}"
        same = (self.first.year, self.first.month) == (self.last.year, self.last.month)
        return f"{self.first.day} to {last}" if same else f"{self.first.day} {self.first:%B} to {last}"

    def before(self) -> tuple[datetime, datetime]:
        """Return the same days as many days earlier, up to the same time of day."""
        return self._back(self.start, self.days), self._back(self.end, self.days)

    def points(self) -> Sequence[tuple[datetime, datetime]]:
        """Return eight stretches for a small line: eighths of it, or the last eight days where it is shorter."""
        if self.days >= POINTS:
            step = (self.end - self.start) / POINTS
            return [(self.start + step * n, self.start + step * (n + 1)) for n in range(POINTS)]
        today = midnight(self.last, self.zone)
        starts = [self._back(today, n) for n in reversed(range(POINTS))]
        return list(zip(starts, [*starts[1:], self.end], strict=True))

    def _back(self, at: datetime, days: int) -> datetime:
        local = at.astimezone(self.zone)
        return (local - timedelta(days=days)).replace(fold=0).astimezone(at.tzinfo)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), zone)


def of(id: str, first: str, last: str, *, now: datetime, zone: ZoneInfo) -> Range:
    """Return the stretch that an address names; raise BadInput for one that cannot be."""
    today = now.astimezone(zone).date()
    if first or last:
        return _custom(first or last, last or first, today, now, zone)
    if id not in SPANS:
        raise BadInput(f"range: there is no {id!r}; use one of {', '.join(SPANS)}, or from and to")
    return _made(id, today - timedelta(days=SPANS[id] - 1), today, now, zone)


def week(name: str, *, now: datetime, zone: ZoneInfo) -> Range:
    """Return a week of the calendar, such as `2026-W47`; raise BadInput for one that is none or has not begun."""
    found = WEEK.fullmatch(name)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        monday = None
    today = now.astimezone(zone).date()
    if monday is None or monday > today:
        raise BadInput(f"week: {name!r} is no week that has begun; write one such as {this_week(now, zone)}")
    return _made("", monday, min(monday + timedelta(days=6), today), now, zone)


def this_week(now: datetime, zone: ZoneInfo) -> str:
    """Return the name of the week that `now` is in."""
    year, number, _day = now.astimezone(zone).isocalendar()
    return f"{year}-W{number:02}"


def _custom(first: str, last: str, today: date, now: datetime, zone: ZoneInfo) -> Range:
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise BadInput("from, to: write days as 2026-11-21") from None
    if begins > ends:
        raise BadInput("from, to: the first day must not come after the last")
    if begins > today:
        raise BadInput("from: this day has not begun yet")
    ends = min(ends, today)
    if (ends - begins).days >= LONGEST_DAYS:
        raise BadInput(f"from, to: choose at most {LONGEST_DAYS} days")
    return _made("", begins, ends, now, zone)


def _made(id: str, first: date, last: date, now: datetime, zone: ZoneInfo) -> Range:
    end = min(midnight(last + timedelta(days=1), zone), now.astimezone(zone))
    return Range(id=id, first=first, last=last, start=midnight(first, zone), end=end, zone=zone)
