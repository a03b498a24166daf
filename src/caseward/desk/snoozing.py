"""A case that nobody wants to see for a while. Its clocks run on; it comes back at its time, by a word, by a breach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from caseward.core.case import DONE, Case
from caseward.core.errors import BadInput, Conflict
from caseward.core.sla import BusinessHours
from caseward.desk import tools
from caseward.store import cases, log, timers

SNOOZE = "snooze"
"""Kind of the timer at which a case comes back."""
LATER = timedelta(hours=3)
"""Business time of `later today`."""
LONGEST = timedelta(days=366)
MONDAY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A time that is offered."""

    id: str
    """`later`, `tomorrow` or `monday`."""
    at: datetime


def choices(now: datetime, hours: BusinessHours) -> list[Choice]:
    """Return when a case may come back, in the house's own hours; `later` only where that is still today."""
    today = now.astimezone(hours.zone).date()
    later = hours.add(now, LATER)
    tomorrow = hours.opening(today + timedelta(days=1))
    monday = hours.opening(today + timedelta(days=(MONDAY - today.weekday() - 1) % 7 + 1))
    offered = [Choice(id="tomorrow", at=tomorrow)]
    if later.astimezone(hours.zone).date() == today:
        offered.insert(0, Choice(id="later", at=later))
    return offered if monday == tomorrow else [*offered, Choice(id="monday", at=monday)]


def until(wanted: str, day: str, now: datetime, hours: BusinessHours) -> datetime:
    """Return the instant that somebody chose: one of `choices` by its id, or the opening of a day; raise BadInput."""
    for choice in choices(now, hours):
        if choice.id == wanted:
            return choice.at
    try:
        at = hours.opening(date.fromisoformat(day))
    except ValueError:
        raise BadInput("until: choose one of the times, or a day as YYYY-MM-DD") from None
    if not now < at <= now + LONGEST:
        raise BadInput("until: choose a day that is still to come, within a year")
    return at


def snooze(case: Case, at: datetime, *, by: str) -> Case:
    """Put a case out of sight until `at`; raise Conflict for one that is settled."""
    if case.status in DONE:
        raise Conflict(f"case #{case.number} is settled; there is nothing to wait for")
    timers.set_timer(case.id, SNOOZE, at)
    _log(case, by, {"until": at})
    return cases.change(case, tools.now(), snoozed_until=at)


def wake(case: Case, *, by: str = "house", why: str) -> Case:
    """Bring a case back into sight, and return it; one that is not snoozed stays as it is."""
    if case.snoozed_until is None:
        return case
    timers.cancel(case.id, SNOOZE)
    _log(case, by, {"woken": why})
    return cases.change(case, tools.now(), snoozed_until=None)


def _log(case: Case, by: str, said: dict[str, object]) -> None:
    log.of_case(case, "snooze", by, said, at=tools.now())
