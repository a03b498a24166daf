"""Things a message names: invoices, addresses, amounts, dates, times. Found by shape, verified by nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from caseward.core.pack import Lexicon
from caseward.core.text import words

_TEXT_LIMIT = 8000
"""Characters looked at. A channel refuses longer messages before they come here; this bounds the work all the same."""

INVOICE = re.compile(r"\binv(?:oice)?[\s#:./_-]{0,3}((?:19|20)\d{2})[\s./_-]{0,2}(\d{3,6})(?!\d)", re.I)
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}(?![\w-])", re.I)
PHONE = re.compile(r"(?<![\w+.,/-])(?:\+\d{1,3}|00\d{1,3}|0)[\s().-]{0,2}(?:\d[\s().-]{0,2}){7,12}\d(?![\w/-])")
_AMOUNT = r"\d{1,3}(?:[.,]\d{3})+(?:,\d{1,2})?|\d+(?:[.,]\d{1,2})?"
MONEY = re.compile(
    rf"\b(?:rp|idr)\.?\s?(?:{_AMOUNT})(?:\s?(?:ribu|rb|k|juta|jt|million|m)\b)?"
    rf"|(?<![\w.,:/-])(?:{_AMOUNT})\s?(?:ribu|rb|juta|jt|rupiah|k(?=\W|$))\b"
    r"|(?<![\w.,:/-])\d{1,3}(?:[.,]\d{3}){1,4}(?![\d-])"
    rf"|[$€£]\s?(?:{_AMOUNT})",
    re.I,
)
NUMERIC_DATE = re.compile(
    r"(?<![\w.:/-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/-]\d{1,2}(?:[/-](?:\d{4}|\d{2}))?|\d{1,2}\.\d{1,2}\.\d{4})(?![\w:/-])"
)
CLOCK = re.compile(r"(?<![\w.,:/-])(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)(?:\s?(?:[ap]\.?m\b\.?))?(?![\w:/]|[.,]\d)", re.I)
TWELVE_HOUR = re.compile(r"(?<![\w.,:/-])(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?", re.I)


class Extractor:
    """Finds entities with the everyday words of a pack's languages."""

    def __init__(self, lexicon: Mapping[str, Lexicon]) -> None:
        """Compile the lexicon's names of days, months and hours; raise BadInput for an entry that is no pattern."""
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
            day = r"\d{1,2}(?:st|nd|rd|th)?"
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

        Invoice numbers come as `INV-2026-0412` however they were typed, e-mail addresses in lower case, the rest as
        written but for spacing and case.
        """
        plain = " ".join(unicodedata.normalize("NFKC", text[:_TEXT_LIMIT]).lower().split())
        found: dict[str, tuple[str, ...]] = {}

        def take(kind: str, values: Iterable[str]) -> None:
            unique = tuple(dict.fromkeys(values))
            if unique:
                found[kind] = unique

        take("invoice", (f"INV-{match[1]}-{match[2].zfill(4)}" for match in INVOICE.finditer(plain)))
        plain = INVOICE.sub(" \x00 ", plain)
        take("email", _matches(EMAIL, plain))
        plain = EMAIL.sub(" \x00 ", plain)
        take("date", _matches(self._date, plain))
        without_dates = NUMERIC_DATE.sub(" \x00 ", plain)
        take("time", _matches(self._time, without_dates))
        take("phone", (match for match in _matches(PHONE, without_dates) if 9 <= sum(map(str.isdigit, match)) <= 15))
        take("money", _matches(MONEY, PHONE.sub(" \x00 ", self._time.sub(" \x00 ", without_dates))))
        return found


def blank(text: str) -> str:
    """Return lower-cased `text` without what only looks like a time or a choice: invoices, addresses, amounts."""
    for pattern in (INVOICE, EMAIL, PHONE, MONEY):
        text = pattern.sub(" ", text)
    return text


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (match[0].strip(" .,") for match in pattern.finditer(text))
