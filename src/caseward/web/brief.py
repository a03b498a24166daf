"""The daily brief: what a lead should look at first, ranked, each line with what it rests on.

Only what the desk knows is in it: decisions that fall due, promises that were missed, systems that cannot be relied on,
figures that miss their target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from caseward.desk import tools
from caseward.store import briefing, running
from caseward.store.db import transaction
from caseward.web import figure_words, times, words
from caseward.web.measured import Overview

MOST: Final = 6
"""Lines of a brief."""
SOON = timedelta(hours=1)
"""Decisions that fall due within this stand in the brief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to look at."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...]
    """Words and address of what it rests on."""
    button: tuple[str, str]
    """What to do: words and address."""


def lines(found: Overview) -> Sequence[Line]:
    """Return the brief, the most urgent first."""
    now = tools.now()
    with transaction():
        degraded = [health for health in running.systems().values() if health.degraded]
        due = briefing.decisions_due(now, within=SOON)
        late = briefing.overdue(now)
    made = [
        Line(
            title=f"{words.humane(health.system)} cannot be relied on",
            text=f"Since {_at(health.since)}. What rests on it is pending verification, and changes wait.",
            links=(("Pending verification", "/inbox?view=pending-verification"),),
            button=("Open systems", "/settings/systems"),
        )
        for health in degraded[:2]
    ]
    if due.count:
        made.append(
            Line(
                title=_count(due.count, "decision falls due within the hour", "decisions fall due within the hour"),
                text=f"The first is due {_at(due.first)}." if due.first else "",
                links=_cases(due.cases),
                button=(f"Review {due.count}", "/approvals"),
            )
        )
    if late.count:
        made.append(
            Line(
                title=_count(late.count, "open case is past its promise", "open cases are past their promise"),
                text=f"The longest since {_at(late.first)}." if late.first else "",
                links=_cases(late.cases),
                button=("Open inbox", "/inbox?view=all-open"),
            )
        )
    made += _missed(found)
    return made[:MOST]


def _missed(found: Overview) -> list[Line]:
    currency, query = tools.pack().profile.currency, found.range.query
    made = []
    for id, tile in found.tiles.items():
        tail = found.tiles.get(id.replace("_p50", "_p90"))
        said_by_tail = id.endswith("_p50") and tail is not None and tail.state == "missed"
        if tile.state != "missed" or said_by_tail:
            continue
        shown = figure_words.shown(tile, currency)
        address = f"/overview/cases?figure={id}&{query}"
        value = figure_words.joined(shown.value, shown.unit)
        text = f"{value}, measured on {tile.now.n}; the target is {shown.target}."
        made.append(
            Line(
                title=f"{shown.name} misses its target",
                text=f"{text} Provisional: {shown.provisional}." if shown.provisional else text,
                links=(("The cases behind it", address),),
                button=("Look", address),
            )
        )
    return made


def _cases(found: Sequence[tuple[str, int]]) -> tuple[tuple[str, str], ...]:
    return tuple((f"#{number}", f"/cases/{case_id}") for case_id, number in found)


def _count(count: int, one: str, many: str) -> str:
    return f"One {one}" if count == 1 else f"{count} {many}"


def _at(at: datetime | None) -> Any:
    return times.local(at, tools.pack().hours.zone, now=tools.now()) if at else ""
