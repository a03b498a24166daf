"""The chat page's own words, one file a language (web/words), and the line that says when somebody answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date
from babel.units import format_unit

from caseward.core.pack import Pack

FOLDER = Path(__file__).parent / "words"
FALLBACK = "en"
DAYS_AHEAD = 60
"""How far the next open day is looked for."""


Words = Mapping[str, str]


@cache
def words(language: str) -> Words:
    """Return the page's words in a language, or in English where it has none."""
    file = FOLDER / f"{language}.json"
    read: dict[str, str] = json.loads((file if file.exists() else FOLDER / f"{FALLBACK}.json").read_text("utf-8"))
    return read


def written_in(language: str) -> str:
    """Return the language that `words` are really in."""
    return language if (FOLDER / f"{language}.json").exists() else FALLBACK


def name(language: str) -> str:
    """Return a language's name in itself, such as `Bahasa Indonesia`."""
    found = Locale.parse(language).get_display_name(language) or language
    return found[:1].upper() + found[1:]


def address(sample: str, lang: str, path: str = "/chat", **more: str) -> str:
    """Return the address of a page of the chat, for the same contact in the same language."""
    given = {name: value for name, value in {"as": sample, "lang": lang, **more}.items() if value}
    return path + (f"?{urlencode(given)}" if given else "")


def hours(pack: Pack, language: str, now: datetime) -> str:
    """Return when and how fast somebody answers: today's hours while they last, else the next open day."""
    say = words(language)
    locale = written_in(language)
    spans = pack.hours.spans(now.astimezone(pack.hours.zone).date())
    if spans and now < spans[-1][1]:
        minutes = format_unit(pack.profile.sla.first_response_minutes, "duration-minute", locale=locale)
        listed = ", ".join(say["span"].format_map({"from": _clock(a, pack), "to": _clock(b, pack)}) for a, b in spans)
        return say["open"].format(time=minutes, hours=listed)
    for ahead in range(1, DAYS_AHEAD):
        day = (now + timedelta(days=ahead)).astimezone(pack.hours.zone).date()
        spans = pack.hours.spans(day)
        if spans:
            called = format_date(day, "EEEE" if ahead < 7 else "d MMMM", locale=locale)
            return say["closed"].format_map({"day": called, "from": _clock(spans[0][0], pack)})
    return ""


def _clock(at: datetime, pack: Pack) -> str:
    return at.astimezone(pack.hours.zone).strftime("%H:%M")
