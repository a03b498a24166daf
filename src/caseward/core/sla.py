"""Business time: hours in which the house is open, and clocks that run only then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HORIZON_DAYS = 400
"""How far a deadline may be looked for; a calendar with no open hour in that span is refused at load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessHours:
    """Opening hours in one time zone.

    Daylight saving is handled by computing in local wall time and converting each boundary, so an open span of a day on
    which the clocks change has its true length.
    """

    zone: ZoneInfo
    week: Mapping[int, tuple[tuple[time, time], ...]]
    """Weekday (Monday is 0) → open spans in local time, in order, not overlapping."""
    holidays: frozenset[date]

    def spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the open spans of a local day, as UTC instants."""
        if day in self.holidays:
            return []
        return [
            (_instant(datetime.combine(day, start, self.zone)), _instant(datetime.combine(day, end, self.zone)))
            for start, end in self.week.get(day.weekday(), ())
        ]

    def is_open(self, at: datetime) -> bool:
        """Return whether the house is open at that instant."""
        return any(start <= at < end for start, end in self.spans(at.astimezone(self.zone).date()))

    def add(self, start: datetime, span: timedelta) -> datetime:
        """Return the instant at which `span` of business time has passed since `start`, in the zone of `start`."""
        left = span
        for opens, closes in self._from(start):
            begin = max(start, opens)
            if _elapsed(begin, closes) >= left:
                return (_utc(begin) + left).astimezone(start.tzinfo)
            left -= _elapsed(begin, closes)
        raise ValueError(f"no business time within {HORIZON_DAYS} days of {start}")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the business time between two instants; zero when `end` is not later."""
        total = timedelta()
        if end <= start:
            return total
        for opens, closes in self._from(start):
            if opens >= end:
                break
            total += max(timedelta(), _elapsed(max(start, opens), min(end, closes)))
        return total

    def end_of_day(self, start: datetime) -> datetime:
        """Return when the business day that `start` falls in, or the next one, closes."""
        for _opens, closes in self._from(start):
            spans = self.spans(closes.astimezone(self.zone).date())
            return spans[-1][1].astimezone(start.tzinfo)
        raise ValueError(f"no business time within {HORIZON_DAYS} days of {start}")

    def opening(self, day: date) -> datetime:
        """Return when the house opens on a local day, or on the next one on which it does, in UTC."""
        for offset in range(HORIZON_DAYS):
            spans = self.spans(day + timedelta(days=offset))
            if spans:
                return spans[0][0]
        raise ValueError(f"no business time within {HORIZON_DAYS} days of {day}")

    def _from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open spans that end after `start`, in order, within the horizon."""
        day = start.astimezone(self.zone).date()
        for offset in range(HORIZON_DAYS):
            for opens, closes in self.spans(day + timedelta(days=offset)):
                if _utc(closes) > _utc(start):
                    yield opens, closes


def _instant(wall: datetime) -> datetime:
    """Return when a wall clock shows that time: the first of two, and the end of the gap for one that is left out."""
    late, early = _utc(wall.replace(fold=0)), _utc(wall.replace(fold=1))
    if early >= late:
        return late
    before = early.astimezone(wall.tzinfo).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(wall.tzinfo).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _elapsed(start: datetime, end: datetime) -> timedelta:
    return _utc(end) - _utc(start)
