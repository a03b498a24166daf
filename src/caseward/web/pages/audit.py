"""The audit trail: who did what, from which source?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core.errors import NotFound
from caseward.core.roles import Role
from caseward.store import casefile, people, trail
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.store.trail import Filter
from caseward.web import entries, render, words
from caseward.web.menu import NavItem
from caseward.web.session import EVERYONE, Visitor, only

SEES_ALL = frozenset({Role.ADMIN, Role.OPS_LEAD})
SEES_KINDS = {Role.ON_CALL: ("incident", "health", "alert")}
"""Kinds of entry a role sees besides what it did itself."""
SCOPES = {Role.ADMIN: "Everything", Role.OPS_LEAD: "All decisions", Role.ON_CALL: "Incidents, and what you did"}
NAV = NavItem(href="/audit", label="Audit trail", icon="scroll-text", order=70, roles=EVERYONE, key="u")

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of a select."""

    id: str
    name: str


@router.get("/audit")
def audit(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    case: Annotated[str, Query(max_length=60)] = "",
    actor: Annotated[str, Query(max_length=80)] = "",
    kind: Annotated[str, Query(max_length=80)] = "",
    before: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> Response:
    """Show the entries that fit, newest first, as far as the role sees them."""
    with transaction():
        names = people.names()
        person = visitor.person
        wanted = Filter(
            case_id=_case_id(case),
            actor=actor,
            kind=kind,
            before=before,
            actors=None if person.role in SEES_ALL else (person.id,),
            kinds=SEES_KINDS.get(person.role, ()),
        )
        found = trail.entries(wanted, limit=trail.PAGE + 1)
        shown = found[: trail.PAGE]
        numbers = casefile.numbers([entry.case_id for entry in shown if entry.case_id])
    filters = {"case": case, "actor": actor, "kind": kind}
    set_filters = {name: value for name, value in filters.items() if value}
    older = urlencode({**set_filters, "before": shown[-1].seq}) if len(found) > trail.PAGE else ""
    context = {
        "entries": [
            entries.told(entry, names=names, numbers=numbers, masked=person.role is Role.ADMIN) for entry in shown
        ],
        "actors": _actors(person, names),
        "kinds": _sorted(Choice(id=each, name=entries.title(each)) for each in entries.KINDS),
        "filters": filters,
        "filtered": bool(set_filters),
        "scope": SCOPES.get(person.role, "Your own decisions"),
        "empty": "Filters are on." if set_filters else "What you do will be listed here.",
        "older": f"/audit?{older}" if older else "",
    }
    return render.page(request, "audit.html", context, visitor=visitor, here="/audit")


def _actors(person: Person, names: Mapping[str, str]) -> list[Choice]:
    """Return who can be asked for: everyone of the house and its agents, or only oneself."""
    if person.role not in SEES_ALL:
        return [Choice(id=person.id, name=person.name)]
    agents = {actor: name for actor, name in words.AGENTS.items() if actor not in ("customer", "desk")}
    return _sorted(Choice(id=actor, name=name) for actor, name in {**agents, **names}.items())


def _sorted(choices: Iterable[Choice]) -> list[Choice]:
    return sorted(choices, key=lambda choice: choice.name)


def _case_id(wanted: str) -> str:
    """Return the id of the case that was asked for by number or id; an unknown one finds nothing."""
    wanted = wanted.strip().lstrip("#")
    if not wanted.isdigit():
        return wanted
    try:
        return casefile.find(wanted).id
    except NotFound:
        return "none"
