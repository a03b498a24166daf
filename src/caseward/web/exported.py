"""Figures for other programs: rows, CSV and JSON. Nothing of a contact is in them, only counts and names of figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from caseward.core.kpis.measures import Measured
from caseward.core.policy import Tier
from caseward.desk import tools
from caseward.web import measured
from caseward.web.ranges import Range

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, wide letters too."""
COLUMNS = (
    *("from", "to", "figure", "name", "tier", "channel", "value", "unit", "at_least", "n", "hits", "running", "target"),
    *("state", "provisional", "before", "definition"),
)
TIERS = frozenset(str(tier) for tier in Tier)


def rows(wanted: Range) -> list[dict[str, Any]]:
    """Return every figure of a range as a row, then each by tier and by channel."""
    found, split = measured.overview(wanted), measured.split(wanted)
    made = []
    for id, tile in found.tiles.items():
        figure = tile.figure
        unit = tools.pack().profile.currency if figure.unit == "money" else figure.unit
        common = {
            "from": str(wanted.first),
            "to": str(wanted.last),
            "figure": id,
            "name": figure.name,
            "unit": unit,
            "target": tile.watch.target,
        }
        whole = {
            "state": tile.state,
            "provisional": tile.provisional,
            "before": _round(tile.before.value),
            "definition": figure.definition,
        }
        made.append({**common, "tier": "", "channel": "", **_measured(tile.now), **whole})
        for name, part in split[id].items():
            if part.n:
                place = {"tier": name, "channel": ""} if name in TIERS else {"tier": "", "channel": name}
                made.append({**common, **place, **_measured(part)})
    return made


def as_csv(found: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV that no spreadsheet takes for formulas."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    for row in found:
        writer.writerow({name: guarded(value) for name, value in row.items()})
    return out.getvalue()


def as_json(wanted: Range) -> str:
    """Return the figures of a range as a JSON document."""
    return json.dumps(document(wanted), ensure_ascii=False, indent=2)


def document(wanted: Range) -> dict[str, Any]:
    """Return the figures of a range, with what they were measured over."""
    found = measured.overview(wanted)
    return {
        "from": str(wanted.first),
        "to": str(wanted.last),
        "zone": str(wanted.zone),
        "measured_at": found.at.isoformat(),
        "cases": found.cases,
        "sample_cases": found.samples,
        "figures": rows(wanted),
    }


def guarded(value: Any) -> Any:
    """Return a cell; text that a spreadsheet would run is marked as text."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _measured(found: Measured) -> dict[str, Any]:
    return {
        "value": _round(found.value),
        "at_least": found.at_least,
        "n": found.n,
        "hits": found.hits,
        "running": found.running,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
