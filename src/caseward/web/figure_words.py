"""Figures in words and numbers: `1:48 min`, `Near target, 60 min`, `2 of 64, up 1.4`."""

from __future__ import annotations

from dataclasses import dataclass

from babel.numbers import format_currency

from caseward.core.kpis import Figure
from caseward.core.kpis.measures import Measured
from caseward.web.measured import Tile
from caseward.web.words import LANGUAGE

NONE = "–"
CLOCK_MINUTES = 10
"""Below this minutes are shown with their seconds."""
LONG_MINUTES = 120
"""From this they are shown as hours."""
LEVELS = {"met": "ok", "near": "warn", "missed": "bad", "": ""}
ICONS = {"met": "circle-check", "near": "triangle-alert", "missed": "triangle-alert", "": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A figure as a tile or a row of a table shows it."""

    id: str
    name: str
    value: str
    unit: str
    says: str
    """How it stands to its target, or what it rests on."""
    level: str
    """`ok`, `warn`, `bad` or nothing."""
    icon: str
    n: str
    """What it rests on."""
    provisional: str
    before: str
    """Value and unit over the same days before."""
    target: str
    definition: str


def shown(tile: Tile, currency: str) -> Shown:
    """Return a figure in words."""
    figure, found = tile.figure, tile.now
    text, unit = value(figure, found, currency)
    target = "" if tile.watch.target is None else plain(figure, tile.watch.target, currency)
    return Shown(
        id=figure.id,
        name=figure.name,
        value=text,
        unit=unit,
        says=_says(tile, target),
        level=LEVELS[tile.state],
        icon=ICONS[tile.state],
        n=f"n {found.n}",
        provisional=tile.provisional,
        before=joined(*value(figure, tile.before, currency)),
        target=target,
        definition=figure.definition,
    )


def value(figure: Figure, found: Measured, currency: str) -> tuple[str, str]:
    """Return a value and its unit; a lower bound says so."""
    if found.value is None:
        return NONE, ""
    text, unit = number(figure, found.value, currency)
    return (f"≥ {text}" if found.at_least else text), unit


def plain(figure: Figure, amount: float, currency: str) -> str:
    """Return an amount with its unit, in one."""
    return joined(*number(figure, amount, currency))


def number(figure: Figure, amount: float, currency: str) -> tuple[str, str]:
    """Return an amount in the figure's unit, and how the unit is written behind it."""
    match figure.unit:
        case "minutes":
            return _minutes(amount)
        case "percent":
            return (f"{amount:.0f}" if amount in (0, 100) else f"{amount:.1f}"), "%"
        case "money":
            text = str(format_currency(amount, currency, locale=LANGUAGE, decimal_quantization=False))
            return text.replace(currency, f"{currency}\u00a0"), ""
        case "score":
            return f"{amount:.1f}", "of 5"
    return (f"{amount:.0f}" if amount == int(amount) else f"{amount:.1f}"), ""


def joined(text: str, unit: str) -> str:
    """Return value and unit in one."""
    return f"{text} {unit}".strip()


def _minutes(amount: float) -> tuple[str, str]:
    if amount < CLOCK_MINUTES:
        seconds = round(amount * 60)
        return f"{seconds // 60}:{seconds % 60:02}", "min"
    if amount < LONG_MINUTES:
        return f"{amount:.0f}", "min"
    minutes = round(amount)
    return f"{minutes // 60} h {minutes % 60} m" if minutes % 60 else f"{minutes // 60} h", ""


def _says(tile: Tile, target: str) -> str:
    target = target.removesuffix(" min") if ":" in target else target  # 3:00 says that it is minutes
    below = tile.figure.better == "higher"
    match tile.state:
        case "met":
            return f"{'Budget' if tile.figure.unit == 'money' else 'Target'} {target}"
        case "near":
            return f"Near target, {target}"
        case "missed":
            return f"{'Below' if below else 'Over'} target, {target}"
    if tile.now.value is None:
        return "Nothing to measure yet"
    rests = f"{tile.now.hits} of {tile.now.n}" if tile.now.hits is not None else f"Target {target}" if target else ""
    return ", ".join(each for each in (rests, _moved(tile)) if each) or "No target"


def _moved(tile: Tile) -> str:
    """Return how it moved since the same days before: `up 1.4`; empty where that is not known."""
    if tile.now.value is None or tile.before.value is None:
        return ""
    moved = tile.now.value - tile.before.value
    text = f"{abs(moved):.1f}"
    return "as before" if text == "0.0" else f"{'up' if moved > 0 else 'down'} {text}"
