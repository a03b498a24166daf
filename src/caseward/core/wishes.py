"""Times of day and days as people write them, one wish after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from caseward.core.entities import NUMERIC_DATE
from caseward.core.pack import Lexicon
from caseward.core.text import words

_START = r"(?<![\w.,:/-])"
_HALF = r"(?:\s?([ap])\.?m\b\.?)?"
_CLOCK = re.compile(
    rf"{_START}(?:(\d{{1,2}})(?:[:.]([0-5]\d))?\s?([ap])\.?m\b\.?|(\d{{1,2}})[:.]([0-5]\d)(?![\w:]|[.,]\d))"
)
_NUMBER = re.compile(rf"{_START}(\d{{1,4}})(?![\w:/-]|[.,]\d)")
_NUMERIC = re.compile(rf"(?:{NUMERIC_DATE.pattern})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One wished time. Every kind of word that was said must fit; of one kind, any word is enough."""

    days: tuple[tuple[int | None, int, int], ...] = ()
    """Year if said, month, day of the month."""
    dates: tuple[date, ...] = ()
    month_days: tuple[int, ...] = ()
    """Days of whatever month."""
    weekdays: tuple[int, ...] = ()
    """Monday is 0."""
    weeks: tuple[date, ...] = ()
    """Mondays of the weeks that were said."""
    clocks: tuple[tuple[frozenset[int], int], ...] = ()
    """The hours that may be meant, and the minute."""
    dayparts: tuple[tuple[int, int], ...] = ()
    """First hour, and the hour after the last."""
    numbers: tuple[int, ...] = ()
    """Numbers that nothing explains: each must be the day of the month or the full hour."""

    @property
    def dated(self) -> bool:
        """Whether a day was said."""
        return bool(self.days or self.dates or self.month_days or self.weekdays or self.weeks)

    @property
    def timed(self) -> bool:
        """Whether a time of day was said."""
        return bool(self.clocks or self.dayparts)

    def __add__(self, other: Wish) -> Wish:
        return Wish(
            days=self.days + other.days,
            dates=self.dates + other.dates,
            month_days=self.month_days + other.month_days,
            weekdays=self.weekdays + other.weekdays,
            weeks=self.weeks + other.weeks,
            clocks=self.clocks + other.clocks,
            dayparts=self.dayparts + other.dayparts,
            numbers=self.numbers + other.numbers,
        )

    def fits(self, at: datetime) -> bool:
        """Return whether `at`, in local time, is what was wished for."""
        day = at.date()
        return (
            (not self.days or any((y or day.year, m, d) == (day.year, day.month, day.day) for y, m, d in self.days))
            and (not self.dates or day in self.dates)
            and (not self.month_days or day.day in self.month_days)
            and (not self.weeks or _monday(day) in self.weeks)
            and (not self.weekdays or day.weekday() in self.weekdays)
            and (not self.clocks or any(at.hour in hours and at.minute == minute for hours, minute in self.clocks))
            and (not self.dayparts or any(start <= at.hour < end for start, end in self.dayparts))
            and all(number == at.day or (at.minute == 0 and at.hour in _hours(number)) for number in self.numbers)
        )


class Scanner:
    """Finds wishes with the everyday words of a pack's languages."""

    def __init__(self, lexicon: Mapping[str, Lexicon]) -> None:
        """Compile the lexicon; raise BadInput that names the entry that is not a regular expression."""
        each = tuple(lexicon.values())
        self.hour_words = words((word for lex in each for word in lex.hour_words), where="lexicon, hour words")
        at = self.hour_words.pattern if self.hour_words else "(?!)"
        self._announced = re.compile(rf"{at} ?(\d{{1,2}})(?:[:.]([0-5]\d))?{_HALF}(?![\w:/]|[.,]\d)")
        self._months = [
            (i, re.compile(_month(names.pattern)))
            for i in range(12)
            if (names := words((n for lex in each for g in lex.months[i : i + 1] for n in g), where="lexicon, months"))
        ]
        self._weekdays = [
            (i, names)
            for i in range(7)
            if (names := words((n for lex in each for g in lex.weekdays[i : i + 1] for n in g), where="weekdays"))
        ]
        anyday = "|".join(names.pattern for _i, names in self._weekdays) or "(?!)"
        counting = [each.counting for each in lexicon.values() if each.counting]
        self._next_week = words((c.next_week.replace("{day}", f"(?:{anyday})") for c in counting), where="next week")
        day = "|".join(c.days for c in counting) or "(?!)"
        self._month_day = re.compile(
            rf"(?:(?<!\w)(?:{day}) ?(\d{{1,2}})(?:st|nd|rd|th)?|{_START}(\d{{1,2}})(?:st|nd|rd|th))(?![\w:/-]|[.,]\d)"
        )
        relative = (
            (2, [lex.day_after_tomorrow for lex in each]),
            (1, [lex.tomorrow for lex in each]),
            (0, [lex.today for lex in each]),
        )
        self._relative = [
            (days, names)
            for days, groups in relative
            if (names := words((word for group in groups for word in group), where="lexicon, days"))
        ]
        self._dayparts = [
            (hours, names)
            for lex in each
            for word, hours in lex.dayparts.items()
            if (names := words((word,), where="lexicon, dayparts"))
        ]

    def wishes(self, text: str, today: date) -> list[Wish] | None:
        """Return the wishes in normalised `text`, in order; None when a number in it cannot be understood."""
        found: list[tuple[int, Wish]] = []
        for hours, names in self._dayparts:  # not taken: `sore ini` is today as well
            found += [(match.start(), Wish(dayparts=((hours[0], hours[1]),))) for match in names.finditer(text)]

        if self._next_week:  # not taken either: the weekday in `Senin depan` counts as well
            week = (_monday(today) + timedelta(days=7),)
            found += [(match.start(), Wish(weeks=week)) for match in self._next_week.finditer(text)]

        def take(pattern: re.Pattern[str], read: Callable[[re.Match[str]], Wish]) -> None:
            nonlocal text
            found.extend((match.start(), read(match)) for match in pattern.finditer(text))
            text = pattern.sub(lambda match: " " * len(match[0]), text)

        take(_NUMERIC, _numeric)
        for i, pattern in self._months:
            take(pattern, lambda match, month=i + 1: _named_day(match, month))  # type: ignore[misc]
        take(self._announced, lambda match: _clock(match[1], match[2], match[3]))
        take(_CLOCK, lambda match: _clock(match[1] or match[4], match[2] or match[5], match[3]))
        for days, names in self._relative:
            take(names, lambda _match, days=days: Wish(dates=(today + timedelta(days=days),)))  # type: ignore[misc]
        for i, names in self._weekdays:
            take(names, lambda _match, i=i: Wish(weekdays=(i,)))  # type: ignore[misc]
        take(self._month_day, lambda match: Wish(month_days=(int(match[1] or match[2]),)))
        take(_NUMBER, lambda match: Wish(numbers=(int(match[1]),)))
        if any(char.isdigit() for char in text):
            return None
        return _grouped([wish for _at, wish in sorted(found, key=lambda each: each[0])])


def _grouped(parts: list[Wish]) -> list[Wish]:
    """Return whole wishes: once a day and a time were said, a further day or clock time begins the next wish."""
    wishes: list[Wish] = []
    for part in parts:
        last = wishes[-1] if wishes else None
        if last is None or (last.dated and last.timed and (part.dated or (part.clocks and last.clocks))):
            wishes.append(part)
        else:
            wishes[-1] = last + part
    return wishes


def _month(names: str) -> str:
    year = r"(?:,? (\d{4})(?!\d))?"
    return (
        rf"{_START}(\d{{1,2}})(?:st|nd|rd|th)? ?(?:of )?{names}{year}"
        rf"|{names} (\d{{1,2}})(?:st|nd|rd|th)?(?!\w|[:.]\d){year}"
    )


def _named_day(match: re.Match[str], month: int) -> Wish:
    day, year = (match[1], match[2]) if match[1] else (match[3], match[4])
    return Wish(days=((int(year) if year else None, month, int(day)),))


def _numeric(match: re.Match[str]) -> Wish:
    """Return day first, month second, unless only the other order can be meant or the year stands first."""
    parts = [int(part) for part in re.split(r"[./-]", match[0])]
    if parts[0] > 31:
        return Wish(days=((parts[0], parts[1], parts[2]),))
    day, month = parts[0], parts[1]
    if month > 12 >= day:
        day, month = month, day
    year = None if len(parts) < 3 else parts[2] + (2000 if parts[2] < 100 else 0)
    return Wish(days=((year, month, day),))


def _clock(hour: str, minute: str | None, half: str | None) -> Wish:
    hours = _hours(int(hour))
    if half:
        hours = frozenset(each for each in hours if (each >= 12) == (half == "p"))
    return Wish(clocks=((hours, int(minute or 0)),))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _hours(said: int) -> frozenset[int]:
    """Return the hours of the day that a spoken hour may mean: 4 is in the night or in the afternoon, 16 is 16."""
    if said > 24:
        return frozenset()
    return frozenset({said % 24}) if said > 12 or said == 0 else frozenset({said % 12, said % 12 + 12})
