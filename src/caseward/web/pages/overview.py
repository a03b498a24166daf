"""The overview: are we inside our promises? Figures, charts, systems and guards over a range, and the cases behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core import kpis
from caseward.core.errors import BadInput
from caseward.core.roles import Role
from caseward.desk import figuring, health, tools
from caseward.store import figure_records, people, running
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import brief, charts, exported, figure_words, measured, ranges, render, words
from caseward.web.measured import Overview, Own
from caseward.web.menu import NavItem
from caseward.web.ranges import Range
from caseward.web.session import EVERYONE, Visitor, only

HERE = "/overview"
NAV = NavItem(href=HERE, label="Overview", icon="chart-column", order=50, roles=EVERYONE, key="o")
SEES_ALL = frozenset({Role.OPS_LEAD, Role.ADMIN})
"""Roles that see the figures of the whole desk; agents and coaches see their own work's."""
SEES_HEALTH = frozenset({Role.OPS_LEAD, Role.ADMIN, Role.ON_CALL})
PAGE: Final = 50
GUARDS: Final = (
    ("check", "Drafts stopped by the review"),
    ("stale", "Stale data refused"),
    ("break_glass", "People woken"),
    ("breach", "Promises missed"),
    ("undelivered", "Replies not delivered"),
    ("error", "Faults that a person took over"),
)
"""What guards of the house stopped or reported, by the kind of entry."""

router = APIRouter()

Id = Annotated[str, Query(alias="range", max_length=10)]
Day = Annotated[str, Query(max_length=10)]
From = Annotated[str, Query(alias="from", max_length=10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Open cases of one tier and age."""

    count: int
    late: int
    age: int


def wanted_of(id: str, first: str, last: str) -> Range:
    """Return the range that an address names; raise BadInput."""
    return ranges.of(id, first, last, now=tools.now(), zone=tools.pack().hours.zone)


def own_of(person: Person) -> Own | None:
    """Return whose work a person sees the figures of; None for everybody's."""
    return None if person.role in SEES_ALL else Own(person=person.id, lanes=words.lanes_of(tools.pack(), person))


@router.get(HERE)
def overview(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    id: Id = "today",
    first: From = "",
    to: Day = "",
) -> Response:
    """Show the figures of a range."""
    wanted = wanted_of(id, first, to)
    person = visitor.person
    figuring.catch_up(1, at_once=figuring.FEW)  # whoever comes because something has changed sees it
    context: dict[str, Any] = {
        "chosen": wanted,
        "spans": ranges.LABELS,
        "sees_figures": person.role is not Role.ON_CALL,
        "sees_all": person.role in SEES_ALL,
        "sees_health": person.role in SEES_HEALTH,
        "week": ranges.this_week(tools.now(), tools.pack().hours.zone),
    }
    found = measured.overview(wanted, own_of(person) if person.role is not Role.ON_CALL else None)
    context |= _figures(found) | _guards(found)
    with transaction():
        if person.role in SEES_HEALTH:
            context["systems"] = _systems()
        if person.role in SEES_ALL:
            context |= _backlog(found) | {"brief": brief.lines(found), "loads": _loads(found)}
        return render.page(request, "overview.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/cases")
def cases(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE - {Role.ON_CALL}))],
    figure: Annotated[str, Query(max_length=40)] = "",
    id: Id = "today",
    first: From = "",
    to: Day = "",
    tier: Annotated[int | None, Query(ge=0, le=3)] = None,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """List the cases behind a figure, those to look at first on top."""
    wanted = wanted_of(id, first, to)
    if figure not in measured.watched():
        raise BadInput(f"figure: the pack watches no {figure!r}; open one from the overview")
    it, currency = kpis.FIGURES[figure], tools.pack().profile.currency
    found = measured.window(wanted, own_of(visitor.person))
    if tier is not None:
        found = found.of(tier=tier)
    behind = it.behind(found, measured.watched()[figure])
    shown = behind[(page - 1) * PAGE : page * PAGE]
    with transaction():
        known = figure_records.numbers([each.case_id for each in shown])
    rows = [
        {
            "href": f"/cases/{each.case_id}",
            "number": known[each.case_id][0],
            "channel": words.channel(known[each.case_id][1]),
            "tier": known[each.case_id][2],
            "at": known[each.case_id][3],
            "value": "" if it.unit == "percent" else figure_words.plain(it, each.value, currency),
            "running": not each.final,
        }
        for each in shown
        if each.case_id in known
    ]
    query = f"figure={figure}&{wanted.query}" + ("" if tier is None else f"&tier={tier}")
    context = {
        "figure": it,
        "chosen": wanted,
        "rows": rows,
        "total": len(behind),
        "newer": f"{HERE}/cases?{query}&page={page - 1}" if page > 1 else "",
        "older": f"{HERE}/cases?{query}&page={page + 1}" if len(behind) > page * PAGE else "",
        "back": f"{HERE}?{wanted.query}",
    }
    return render.page(request, "overview_cases.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/figures")
def figures(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(SEES_ALL))],
    id: Id = "28d",
    first: From = "",
    to: Day = "",
) -> Response:
    """Show every figure of a range, with its definition, and by tier and channel."""
    wanted = wanted_of(id, first, to)
    return _report(request, visitor, wanted, title="Figures")


@router.get(f"{HERE}/report/{{week}}")
def report(request: Request, visitor: Annotated[Visitor, Depends(only(SEES_ALL))], week: str) -> Response:
    """Show the report of a week of the calendar, made to be printed."""
    wanted = ranges.week(week[:10], now=tools.now(), zone=tools.pack().hours.zone)
    return _report(request, visitor, wanted, title=f"Report of week {week}")


@router.get(f"{HERE}/export.csv")
def export_csv(
    visitor: Annotated[Visitor, Depends(only(SEES_ALL))], id: Id = "28d", first: From = "", to: Day = ""
) -> Response:
    """Return the figures of a range as CSV."""
    wanted = wanted_of(id, first, to)
    name = f"figures-{wanted.first}-{wanted.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(exported.as_csv(exported.rows(wanted)), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(f"{HERE}/export.json")
def export_json(
    visitor: Annotated[Visitor, Depends(only(SEES_ALL))], id: Id = "28d", first: From = "", to: Day = ""
) -> Response:
    """Return the figures of a range as JSON."""
    wanted = wanted_of(id, first, to)
    headers = {"Content-Disposition": f'attachment; filename="figures-{wanted.first}-{wanted.last}.json"'}
    return Response(exported.as_json(wanted), media_type="application/json", headers=headers)


def _report(request: Request, visitor: Visitor, wanted: Range, *, title: str) -> Response:
    found = measured.overview(wanted)
    parts = measured.split(wanted)
    currency = tools.pack().profile.currency
    split = {
        id: {
            name: figure_words.joined(*figure_words.value(tile.figure, part, currency))
            for name, part in parts[id].items()
        }
        for id, tile in found.tiles.items()
        if tile.figure.unit in ("minutes", "percent", "score")
    }
    context = {
        "title": title,
        "chosen": wanted,
        "minimum": tools.pack().kpis.minimum,
        "shared": kpis.support.SHARED,
        "split": split,
        "columns": [
            (name, words.channel(name) if n > 3 else name) for n, name in enumerate(next(iter(parts.values()), ()))
        ],
        "loads": _loads(found),
        **_figures(found),
        **_guards(found),
    }
    return render.page(request, "overview_report.html", context, visitor=visitor, here=HERE)


def _figures(found: Overview) -> dict[str, Any]:
    currency = tools.pack().profile.currency
    shown = {id: figure_words.shown(tile, currency) for id, tile in found.tiles.items()}
    names = [id for id in found.headline if id in shown]
    met, late = sum(bar.met for bar in found.bars), sum(bar.late for bar in found.bars)
    by = "hour" if found.range.days == 1 else "day"
    says = f"First responses by {by}: {met} in time, {late} late."
    total = sum(found.settled)
    mix = ", ".join(f"R{tier} {count}" for tier, count in enumerate(found.settled))
    return {
        "found": found,
        "shown": shown,
        "tiles": [shown[id] for id in names],
        "lines": {
            id: charts.line(found.tiles[id].points, found.tiles[id].watch.target, shown[id].level) for id in names
        },
        "bars": charts.bars(found.bars, says),
        "bars_by": by,
        "bars_say": says,
        "first_minutes": tools.pack().profile.sla.first_response_minutes,
        "mix": charts.shares(found.settled, f"Cases settled by tier: {mix}.") if total else "",
        "tier_rows": [
            {"tier": tier, "cases": count, "cost": figure_words.number(_COST, 0, currency)[0] if count else "–"}
            for tier, count in enumerate(found.settled)
        ],
    }


_COST = kpis.FIGURES["cost_per_resolved"]


def _guards(found: Overview) -> dict[str, Any]:
    unverified = found.tiles.get("unverified_actions")
    mismatch = found.tiles.get("policy_mismatch")
    first: Sequence[tuple[str, int, str]] = [
        ("Unverified actions attempted", int(unverified.now.value or 0) if unverified else 0, "unverified_actions"),
        ("Sent without required consent", (mismatch.now.hits or 0) if mismatch else 0, "policy_mismatch"),
    ]
    rest = [(name, found.guards.get(kind, 0), "") for kind, name in GUARDS]
    csat = found.tiles.get("csat")
    rated = sum(found.scores.values())
    return {
        "guards": [*first, *rest],
        "scores": [(score, count, round(100 * count / rated)) for score, count in found.scores.items()],
        "rated": rated,
        "csat": csat,
    }


def _systems() -> list[dict[str, Any]]:
    with transaction():
        known = health.systems()
        swept = running.alive()
    found: list[dict[str, Any]] = [
        {
            "name": words.humane(name),
            "degraded": bool(state and state.degraded),
            "since": state.since if state and state.degraded else None,
            "says": "" if state and state.degraded else "healthy",
        }
        for name, state in known.items()
    ]
    release = tools.pack().profile.release
    found.append({"name": "Policy and knowledge", "degraded": False, "since": None, "says": f"release {release}"})
    last: datetime | None = max((row.swept_at for row in swept if row.swept_at), default=None)
    late = last is None or (tools.now() - last).total_seconds() > 60
    found.append({"name": "Desk", "degraded": late, "since": last, "says": "" if late else "at work"})
    return found


def _backlog(found: Overview) -> dict[str, Any]:
    rows = []
    for tier in (3, 2, 1, 0, None):
        counted = [found.backlog.get((tier, age), (0, 0)) for age in range(len(measured.AGES))]
        cells = [Cell(count=count, late=late, age=age) for age, (count, late) in enumerate(counted)]
        if tier is not None or any(cell.count for cell in cells):
            rows.append((tier, cells))
    total = sum(count for count, _late in found.backlog.values())
    late = sum(late for _count, late in found.backlog.values())
    return {"ages": measured.AGES, "heat": rows, "open_cases": total, "open_late": late}


def _loads(found: Overview) -> list[dict[str, Any]]:
    with transaction():
        names = people.names()
    return [
        {
            "name": words.who(load.person, names),
            "decided": load.decided,
            "minutes": "–" if load.minutes is None else figure_words.plain(_DECISION, load.minutes, ""),
            "holds": load.holds,
        }
        for load in found.loads[:20]
    ]


_DECISION = kpis.FIGURES["decision_p50"]
