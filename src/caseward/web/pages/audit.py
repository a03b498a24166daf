"""The audit trail: who did what, from which source?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import StreamingResponse

from caseward.core.errors import BadInput, NotFound
from caseward.core.roles import Role
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import casefile, chain, log, people, trail
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.store.trail import Filter
from caseward.web import entries, render, takeout, words
from caseward.web.menu import NavItem
from caseward.web.session import EVERYONE, NotForRole, Visitor, form_visitor, only

SEES_ALL = frozenset({Role.ADMIN, Role.OPS_LEAD})
SEES_KINDS = {Role.ON_CALL: ("incident", "health", "alert")}
"""Kinds of entry a role sees besides what it did itself."""
SCOPES = {Role.ADMIN: "Everything", Role.OPS_LEAD: "All decisions", Role.ON_CALL: "Incidents, and what you did"}
EXPORTERS = frozenset({Role.ADMIN})
NAV = NavItem(href="/audit", label="Audit trail", icon="scroll-text", order=70, roles=EVERYONE, key="u")

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of a select."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a visitor asks for, as it stands in the address."""

    case: str = ""
    actor: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    order: str = ""

    @property
    def given(self) -> dict[str, str]:
        """The parts that narrow."""
        parts = {"case": self.case, "actor": self.actor, "kind": self.kind}
        parts |= {"from": self.since, "to": self.until, "q": self.q, "order": self.order}
        return {name: value for name, value in parts.items() if value}


def wanted(
    case: Annotated[str, Query(max_length=60)] = "",
    actor: Annotated[str, Query(max_length=80)] = "",
    kind: Annotated[str, Query(max_length=80)] = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    order: Annotated[Literal["", "oldest"], Query()] = "",
) -> Wanted:
    """Return what the address asks for."""
    return Wanted(case=case.strip(), actor=actor, kind=kind, since=since, until=until, q=clean(q).strip(), order=order)


@router.get("/audit")
def audit(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    asked: Annotated[Wanted, Depends(wanted)],
    before: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> Response:
    """Show the entries that fit, as far as the role sees them."""
    person, wrong = visitor.person, ""
    oldest = asked.order == "oldest"
    with transaction():
        names = people.names()
        try:
            narrowed = _filter(asked, person, before=0 if oldest else before, after=after if oldest else 0)
            found = trail.page(narrowed)
        except BadInput as error:
            narrowed, found, wrong = Filter(), trail.Page(), str(error)
        numbers = casefile.numbers([entry.case_id for entry in found.entries if entry.case_id])
        standing = chain.standing()
    masked = person.role is Role.ADMIN
    more = {**asked.given, ("after" if oldest else "before"): str(found.more)} if found.more else {}
    context: dict[str, Any] = {
        "entries": [
            (
                entries.told(entry, names=names, numbers=numbers, masked=masked),
                takeout.details(entry, masked=masked),
                entry.release,
            )
            for entry in found.entries
        ],
        "actors": _actors(person, names),
        "kinds": _sorted(Choice(id=each, name=entries.title(each)) for each in entries.KINDS),
        "filters": asked,
        "filtered": bool(asked.given),
        "wrong": wrong,
        "scope": SCOPES.get(person.role, "Your own decisions"),
        "empty": "Filters are on." if asked.given else "What you do will be listed here.",
        "more": f"/audit?{urlencode(more)}" if more else "",
        "looked_to": found.looked_to,
        "standing": standing,
        "case": narrowed.case_id if asked.case and narrowed.case_id in numbers else "",
        "case_number": numbers.get(narrowed.case_id, 0),
        "may_export": person.role in EXPORTERS,
        "query": urlencode(asked.given),
    }
    return render.page(request, "audit.html", context, visitor=visitor, here="/audit", status=400 if wrong else 200)


@router.post("/audit/export")
def export(
    visitor: Annotated[Visitor, Depends(form_visitor)],
    asked: Annotated[Wanted, Depends(wanted)],
    form: Annotated[takeout.Form, Form(alias="format")],
) -> Response:
    """Hand out all entries that fit, masked, as a file; that this was done is an entry itself."""
    person = visitor.person
    if person.role not in EXPORTERS:
        raise NotForRole("the log is exported by administrators")
    with transaction():
        narrowed = _filter(asked, person, before=log.length() + 1, after=0)
        names = people.names()
        said = {"of": "audit trail", "format": form, "filters": asked.given}
        log.append("export", person.id, said, at=tools.now())
    name = f"audit-{tools.now():%Y-%m-%d}.{form}"
    return StreamingResponse(
        takeout.stream(narrowed, form, names, masked=person.role is Role.ADMIN),
        media_type=takeout.TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _filter(asked: Wanted, person: Person, *, before: int, after: int) -> Filter:
    """Return what is asked for, as far as a person may see it; raise BadInput for a day that is none."""
    return Filter(
        case_id=_case_id(asked.case),
        actor=asked.actor,
        kind=asked.kind,
        since=_day("from", asked.since),
        until=_day("to", asked.until, days=1),
        text=asked.q,
        unread=takeout.WORDS_OF_PEOPLE if person.role is Role.ADMIN else (),
        before=before,
        after=after,
        oldest_first=asked.order == "oldest",
        actors=None if person.role in SEES_ALL else (person.id,),
        kinds=SEES_KINDS.get(person.role, ()),
    )


def _day(name: str, given: str, *, days: int = 0) -> datetime | None:
    """Return when a day begins in the ops zone, or the one `days` later; None for no day."""
    if not given:
        return None
    try:
        return datetime.combine(date.fromisoformat(given) + timedelta(days=days), time(), tzinfo=render.zone())
    except (ValueError, OverflowError):
        raise BadInput(f"{name}: write a day such as 2026-11-23") from None


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
