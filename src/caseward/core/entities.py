"""Things a message names: the pack's own, addresses, amounts, dates, times. Found by shape, verified by nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from caseward.core.pack import Entity, Lexicon
from caseward.core.text import alternatives, words

_TEXT_LIMIT = 8000
"""Characters looked at. A channel refuses longer messages before they come here; this bounds the work all the same."""

INVOICE = Entity(
    patterns=(r"\binv(?:oice)?[\s#:./_-]{0,3}((?:19|20)\d{2})[\s./_-]{0,2}(\d{3,6})(?!\d)",), form="INV-{1}-{2:04}"
)
"""Invoice numbers of a pack that does not say how its own look."""
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}(?![\w-])", re.I)
PHONE = re.compile(r"(?<![\w+.,/-])(?:\+\d{1,3}|00\d{1,3}|0)[\s().-]{0,2}(?:\d[\s().-]{0,2}){7,12}\d(?![\w/-])")
_AMOUNT = r"\d{1,3}(?:[.,]\d{3})+(?:,\d{1,2})?|\d+(?:[.,]\d{1,2})?"
MONEY = re.compile(
    rf"\b(?:rp|idr)\.?\s?(?:{_AMOUNT})(?:\s?(?:ribu|rb|k|juta|jt|million|m)\b)?"
    rf"|(?<![\w.,:/-])(?:{_AMOUNT})\s?(?:ribu|rb|juta|jt|rupiah|k(?=\W|$))\b"
    r"|(?<![\w.,:/-])\d{1,3}(?:[.,]\d{3}){1,4}(?![\d-])"
    rf"|[$€£]\s?(?:{_AMOUNT})"
    rf"|(?<![\w.,:/-])(?:{_AMOUNT})\s?(?:[$€£]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?)\b)",
    re.I,
)
NUMERIC_DATE = re.compile(
    r"(?<![\w.:/-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/-]\d{1,2}(?:[/-](?:\d{4}|\d{2}))?|\d{1,2}\.\d{1,2}\.\d{4})(?![\w:/-])"
)
CLOCK = re.compile(r"(?<![\w.,:/-])(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)(?:\s?(?:[ap]\.?m\b\.?))?(?![\w:/]|[.,]\d)", re.I)
TWELVE_HOUR = re.compile(r"(?<![\w.,:/-])(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?", re.I)


_GROUP = re.compile(r"\{(\d)(?::0(\d))?\}")


@dataclass(frozen=True, slots=True)
class Shape:
    """An entity that is compiled: where it stands in a text, and how it is kept."""

    name: str
    pattern: re.Pattern[str]
    entity: Entity

    def values(self, text: str) -> Iterator[str]:
        """Yield the values in lower-cased `text`, in the form in which they are kept."""
        for single in self.entity.patterns:
            for match in re.finditer(single, text, re.I):
                yield self._kept(match)

    def _kept(self, match: re.Match[str]) -> str:
        def group(place: re.Match[str]) -> str:
            return (match[int(place[1])] or "").zfill(int(place[2] or 0))

        text = _GROUP.sub(group, self.entity.form).strip()
        return text.upper() if self.entity.case == "upper" else text.lower()


def shapes(entities: Mapping[str, Entity]) -> tuple[Shape, ...]:
    """Return a pack's own entities, compiled, and the house's invoice unless the pack has one of that name.

    Raises BadInput that names the entity and the pattern that is not a regular expression.
    """
    found = []
    for name, entity in {"invoice": INVOICE, **entities}.items():
        pattern = alternatives(entity.patterns, where=f"entity {name}")
        if pattern is not None:
            found.append(Shape(name, re.compile(pattern.pattern, re.I), entity))
    return tuple(found)


class Extractor:
    """Finds entities with the everyday words of a pack's languages."""

    def __init__(self, lexicon: Mapping[str, Lexicon], entities: Mapping[str, Entity] | None = None) -> None:
        """Compile the pack's entities and names of days, months and hours; raise BadInput for what is no pattern."""
        self._shapes = shapes(entities or {})
        each = tuple(lexicon.values())
        months = words((name for lex in each for month in lex.months for name in month), where="lexicon, months")
        days = words(
            (
                name
                for lex in each
                for group in (*lex.weekdays, lex.today, lex.tomorrow, lex.day_after_tomorrow)
                for name in group
            ),
            where="lexicon, days",
        )
        hours = words((word for lex in each for word in lex.hour_words), where="lexicon, hour words")
        parts = [NUMERIC_DATE.pattern]
        if months:
            day = r"\d{1,2}(?:st|nd|rd|th|\.)?"
            year = r"(?:,? \d{4}(?!\d))?"
            parts.append(rf"(?<!\w){day} (?:of )?{months.pattern}{year}")
            parts.append(rf"{months.pattern} {day}(?!\d|[:.]\d){year}")
        if days:
            parts.append(days.pattern)
        self._date = re.compile("|".join(f"(?:{part})" for part in parts))
        clocks = [CLOCK.pattern, TWELVE_HOUR.pattern]
        if hours:
            clocks.insert(
                0, rf"{hours.pattern} (?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?(?:\s?[ap]\.?m\b\.?)?(?![\w:/]|[.,]\d)"
            )
        self._time = re.compile("|".join(f"(?:{part})" for part in clocks))

    def extract(self, text: str) -> dict[str, tuple[str, ...]]:
        """Return entity kind → the distinct values in the order in which they stand; kinds not found are left out.

        The pack's own come in the form they are kept in, such as `INV-2026-0412`, however they were typed, e-mail
        addresses in lower case, the rest as written but for spacing and case.
        """
        plain = " ".join(unicodedata.normalize("NFKC", text[:_TEXT_LIMIT]).lower().split())
        found: dict[str, tuple[str, ...]] = {}

        def take(kind: str, values: Iterable[str]) -> None:
            unique = tuple(dict.fromkeys(values))
            if unique:
                found[kind] = unique

        for shape in self._shapes:
            take(shape.name, shape.values(plain))
            plain = shape.pattern.sub(" \x00 ", plain)
        take("email", _matches(EMAIL, plain))
        plain = EMAIL.sub(" \x00 ", plain)
        take("date", _matches(self._date, plain))
        without_dates = NUMERIC_DATE.sub(" \x00 ", plain)
        take("time", _matches(self._time, without_dates))
        take("phone", (match for match in _matches(PHONE, without_dates) if 9 <= sum(map(str.isdigit, match)) <= 15))
        take("money", _matches(MONEY, PHONE.sub(" \x00 ", self._time.sub(" \x00 ", without_dates))))
        return found


def blank(text: str, own: Iterable[Shape]) -> str:
    """Return lower-cased `text` without what only looks like a time or a choice: the pack's own entities, addresses,
    amounts."""
    for pattern in (*(shape.pattern for shape in own), EMAIL, PHONE, MONEY):
        text = pattern.sub(" ", text)
    return text


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (match[0].strip(" .,") for match in pattern.finditer(text))
