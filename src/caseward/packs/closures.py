"""The days on which a business is closed though its week says otherwise, and what each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from caseward.core.pack import Profile
from caseward.core.sla import BusinessHours

LANGUAGE = "en_US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A day on which the house is closed."""

    day: date
    name: str
    """Of a public holiday; empty for a day of the house's own."""


def closures(profile: Profile, hours: BusinessHours, first: date, days: int) -> Sequence[Closure]:
    """Return the closed days from `first` on, within so many days, on which the week would have the house open."""
    named = {day: name for year in range(first.year, (first + timedelta(days=days)).year + 1)
             for day, name in public(profile.holidays.country, year)}  # fmt: skip
    within = (first + timedelta(days=n) for n in range(days))
    return [
        Closure(day=day, name="" if day in profile.holidays.closed and day not in named else named.get(day, ""))
        for day in within
        if day in hours.holidays and hours.week.get(day.weekday())
    ]


@lru_cache(maxsize=64)
def public(country: str, year: int) -> tuple[tuple[date, str], ...]:
    """Return the public holidays of a country in a year, with their English names where there are any."""
    import holidays  # takes a third of a second that only this page need spend

    if not country:
        return ()
    try:
        found = holidays.country_holidays(country, years=year, language=LANGUAGE)
        return tuple(sorted(found.items()))
    except NotImplementedError:
        return ()
