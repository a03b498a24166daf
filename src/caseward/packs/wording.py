"""A pack's words put into sentences: templates filled, and values printed as people write them.

A value's name carries its unit, and the unit says how it is printed: `*_at` is an instant in the ops zone, `*_on` and
`*_due` a date, `*_amount` money (whole units of the pack's currency, or an amount such as `49.90 EUR`), `*_time` a
clock time we promise, anything else is printed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency

from caseward.core.errors import PackError
from caseward.core.pack import Pack, Template

PLACE = re.compile(r"\{([a-z_]+)\}")


def places(template: Template) -> dict[str, frozenset[str]]:
    """Return language → the `{value}` places of a template."""
    return {language: frozenset(PLACE.findall(text)) for language, text in template.text.items()}


def render(pack: Pack, template_id: str, language: str, values: Mapping[str, Any], *, now: datetime) -> str:
    """Return an approved template's text in `language`, filled with `values`; raise PackError for a value it lacks."""
    template = pack.template(template_id)
    spoken = language if language in template.text else pack.profile.languages[0]
    lacking = sorted(name for name in PLACE.findall(template.text[spoken]) if values.get(name) is None)
    if lacking:
        fix = "have the plan read it, or take the place out of the template"
        raise PackError(
            f"no value for {', '.join(lacking)}", file=f"templates/{template_id}.yaml", rule=spoken, fix=fix
        )
    return PLACE.sub(
        lambda place: show(pack, place[1], values[place[1]], spoken, now=now), template.text[spoken]
    ).strip()


def fill(text: str, printed: Mapping[str, str]) -> str:
    """Return a template's text with printed values in its places; a place that has none is left empty."""
    return PLACE.sub(lambda place: printed.get(place[1], ""), text).strip()


def numbered(template: Template, language: str, values: Sequence[str]) -> str:
    """Return a template's text with its places numbered as a vendor does: `{{1}}` for the first of `values`."""
    text = template.text.get(language, "")
    for number, place in enumerate(values, 1):
        text = text.replace(f"{{{place}}}", f"{{{{{number}}}}}")
    return text


def read_back(template: Template, said: str) -> tuple[str, dict[str, str]] | None:
    """Return in which language a template says exactly these words, and the values printed in its places; or None."""
    for language, text in template.text.items():
        found = _pattern(text.strip()).fullmatch(said)
        if found is not None:
            return language, found.groupdict()
    return None


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    parts, seen, end = [], set(), 0
    for place in PLACE.finditer(text):
        parts.append(re.escape(text[end : place.start()]))
        parts.append(f"(?P={place[1]})" if place[1] in seen else f"(?P<{place[1]}>.*?)")
        seen.add(place[1])
        end = place.end()
    return re.compile("".join([*parts, re.escape(text[end:])]), re.DOTALL)


def show(pack: Pack, name: str, value: Any, language: str, *, now: datetime) -> str:
    """Return a value as a reply prints it."""
    if name.endswith("_at") or name == "slot":
        return instant(pack, _instant(value), language, now=now)
    if name.endswith("_time"):
        return clock_time(pack, _instant(value), language, now=now)
    if name.endswith(("_on", "_due")):
        return day(pack, date.fromisoformat(str(value)[:10]), language, year=True, weekday=False)
    if name.endswith("_amount"):
        return money(pack, value, language)
    if name == "options":
        return "\n".join(f"{n}. {instant(pack, _instant(each), language, now=now)}" for n, each in enumerate(value, 1))
    return str(value)


def read_languages(pack: Pack) -> None:
    """Read what it takes to print days and money in the pack's languages: for all processes to come, once."""
    for language in pack.profile.languages:
        day(pack, date(2000, 1, 1), language, year=True)
        money(pack, 1, language)


def instant(pack: Pack, at: datetime, language: str, *, now: datetime) -> str:
    """Return day and time in the ops zone, with the year when it is another one: `Sabtu 22 November, 10:00`."""
    local = at.astimezone(pack.hours.zone)
    year = local.year != now.astimezone(pack.hours.zone).year
    return f"{day(pack, local.date(), language, year=year)}, {local:%H:%M}"


def day(pack: Pack, on: date, language: str, *, year: bool, weekday: bool = True) -> str:
    """Return a date as the language writes it (lexicon.yaml, `day`)."""
    lexicon = pack.lexicon.get(language)
    pattern = (lexicon.day if lexicon else "EEEE d MMMM") + (" y" if year else "")
    return str(format_date(on, pattern if weekday else re.sub(r"E+,? ?", "", pattern), locale=language))


def clock_time(pack: Pack, at: datetime, language: str, *, now: datetime) -> str:
    """Return the time of day, with the day when it is not today."""
    local = at.astimezone(pack.hours.zone)
    if local.date() == now.astimezone(pack.hours.zone).date():
        return f"{local:%H:%M}"
    return instant(pack, at, language, now=now)


def money(pack: Pack, amount: int | str, language: str) -> str:
    """Return an amount without needless decimals: whole units of the pack's currency, or a text such as `49.90 EUR`."""
    number, _, currency = str(amount).partition(" ")
    if currency:
        return str(format_currency(Decimal(number), currency, locale=language)).replace("\xa0", " ")
    text = format_currency(int(number), pack.profile.currency, locale=language, format="¤#,##0", currency_digits=False)
    return str(text).replace("\xa0", "")


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
