"""Business time, asked for often: the house's open spans are laid out once, and each question looks up two sums."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from caseward.core.sla import BusinessHours


class Opening:
    """The open hours of a stretch of days. `seconds` says the same as `BusinessHours.between` within it."""

    def __init__(self, hours: BusinessHours, since: datetime, until: datetime) -> None:
        """Lay out the days from that of `since` to that of `until`, both included."""
        day, last = since.astimezone(hours.zone).date(), until.astimezone(hours.zone).date()
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._before: list[float] = []
        passed = 0.0
        while day <= last:
            for opens, closes in hours.spans(day):
                start, end = opens.astimezone(UTC).timestamp(), closes.astimezone(UTC).timestamp()
                self._starts.append(start)
                self._ends.append(end)
                self._before.append(passed)
                passed += max(0.0, end - start)
            day += timedelta(days=1)

    def seconds(self, start: datetime, end: datetime) -> int:
        """Return the business seconds between two instants; zero when `end` is not later."""
        return max(0, round(self._passed(end) - self._passed(start)))

    def _passed(self, at: datetime) -> float:
        """Return the business seconds from the first day until an instant."""
        instant = at.timestamp()
        last = bisect_right(self._starts, instant) - 1
        if last < 0:
            return 0.0
        return self._before[last] + max(0.0, min(instant, self._ends[last]) - self._starts[last])
