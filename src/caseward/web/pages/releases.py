"""What is true today, and what is changing: releases, and proposals with their effects before they are published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.core.release import State
from caseward.core.text import clean
from caseward.desk import current, library, tools
from caseward.store import people, releases
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.store.releases import Release, Switch
from caseward.web import effects, failures, render, shelves, words
from caseward.web.card import Notice
from caseward.web.pages.editor import author
from caseward.web.pages.knowledge import today_there
from caseward.web.session import NotForRole, Visitor, form_visitor, only
from caseward.web.shelves import PROPOSERS, READERS, UNDECIDED

HERE = "/knowledge/releases"
MENU = "/knowledge"
"""The item of the menu that these pages belong to."""
Word = Literal["approve", "publish", "refuse", "withdraw"]

router = APIRouter()


def reader(visitor: Annotated[Visitor, Depends(form_visitor)]) -> Visitor:
    """Return who posted, if they see releases at all; raise NotForRole if not."""
    if visitor.person.role not in READERS:
        raise NotForRole("this page is for other roles")
    return visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What came back with a form that was not taken."""

    reason: str = ""
    notice: Notice | None = None


@router.get(HERE)
def every(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show what is current, what waits, and all that was."""
    with transaction():
        now, pack, names = releases.current(), tools.pack(), people.names()
        shown = [(each.state, shelves.shown(each, now, pack, names)) for each in releases.every()]
    context = {
        "waiting": [each for state, each in shown if state in UNDECIDED],
        "releases": [each for state, each in shown if state not in UNDECIDED],
        "pack": pack.profile.name,
    }
    return render.page(request, "releases.html", context, visitor=visitor, here=MENU)


@router.get(f"{HERE}/{{release_id}}")
def release(request: Request, release_id: str, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show a release: its parts, who stood for it, how it differs from the one before."""
    return _release(request, visitor, release_id, Typed())


@router.post(f"{HERE}/{{release_id}}/roll-back")
def roll_back(
    request: Request,
    release_id: str,
    visitor: Annotated[Visitor, Depends(reader)],
    reason: Annotated[str, Form(max_length=10_000)] = "",
) -> Response:
    """Make a release that was current before current again."""
    person = visitor.person
    try:
        with transaction():
            library.roll_back(release_id, person=person.id, role=person.role, reason=reason)
    except (BadInput, Refused, Conflict) as error:
        return _release(request, visitor, release_id, _back(reason, error), status=failures.status_of(error))
    return RedirectResponse(f"{HERE}/{release_id}", status_code=303)


@router.get("/knowledge/changes/{release_id}")
def change(request: Request, release_id: str, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show a proposal: what is written otherwise, what would be decided otherwise, and what the visitor may do."""
    return _change(request, visitor, release_id, Typed())


@router.post("/knowledge/changes/{release_id}/verdict")
def verdict(
    request: Request,
    release_id: str,
    visitor: Annotated[Visitor, Depends(reader)],
    verdict: Annotated[Word, Form()],
    reason: Annotated[str, Form(max_length=10_000)] = "",
) -> Response:
    """Approve, publish, refuse or withdraw a proposal."""
    person = visitor.person
    verbs: dict[Word, Callable[[], Release]] = {
        "approve": lambda: library.approve(release_id, person=person.id, role=person.role, reason=reason),
        "publish": lambda: library.publish(release_id, person=person.id, role=person.role, reason=reason),
        "refuse": lambda: library.refuse(release_id, person=person.id, role=person.role, reason=reason),
        "withdraw": lambda: library.withdraw(release_id, person=person.id, reason=reason),
    }
    try:
        with transaction():
            verbs[verdict]()
    except (BadInput, Refused, Conflict) as error:
        return _change(request, visitor, release_id, _back(reason, error), status=failures.status_of(error))
    where = HERE if verdict == "publish" else "/knowledge/changes"
    return RedirectResponse(f"{where}/{release_id}", status_code=303)


@router.post("/knowledge/changes/{release_id}/again")
def again(request: Request, release_id: str, visitor: Annotated[Visitor, Depends(author)]) -> Response:
    """Propose an outdated change anew on the current release, where what it changes was left alone meanwhile."""
    try:
        with transaction():
            made = library.renew(release_id, person=visitor.person.id, day=str(today_there()))
    except (BadInput, Refused, Conflict) as error:
        return _change(request, visitor, release_id, _back("", error), status=failures.status_of(error))
    return RedirectResponse(f"/knowledge/changes/{made.id}", status_code=303)


def _back(reason: str, error: CasewardError) -> Typed:
    text = failures.sentence(str(error).removeprefix("reason: "))
    return Typed(reason=clean(reason), notice=Notice(level="bad", title="This was not done", text=text))


def _release(request: Request, visitor: Visitor, release_id: str, typed: Typed, *, status: int = 200) -> Response:
    with transaction():
        found, now = releases.get(release_id), releases.current()
        base = releases.get(found.base) if found.base else None
        context = {
            **_common(found, now, visitor.person, typed),
            "files": shelves.files(current.compare(found.base, found.id)) if _kept(base, found) else [],
            "comparable": _kept(base, found),
            "parts_of": [(words.humane(part), digest[:12]) for part, digest in found.parts.items()],
            "changed": {words.humane(part) for part in found.changed} if found.base else set(),
            "roll_back": _roll_back(found, now, visitor.person),
            "previous": _previous(now) if now and now.release == found.id else "",
        }
    return render.page(request, "release.html", context, visitor=visitor, here=MENU, status=status)


def _kept(base: Release | None, found: Release) -> bool:
    """Return whether the files of both are there, so that they can be compared."""
    return base is not None and base.kept and found.kept


def _roll_back(found: Release, now: Switch | None, person: Person) -> bool:
    """Return whether a person may ask to make a release current again; what changes back decides whether they may."""
    past = found.state is State.PUBLISHED and now is not None and now.release != found.id and found.kept
    return past and shelves.publishes(tools.pack(), person)


def _previous(now: Switch) -> str:
    try:
        return library.previous(now)
    except NotFound:
        return ""


def _change(request: Request, visitor: Visitor, release_id: str, typed: Typed, *, status: int = 200) -> Response:
    with transaction():
        found, now = releases.get(release_id), releases.current()
        base = releases.get(found.base) if found.base else None
        context: dict[str, Any] = {
            **_common(found, now, visitor.person, typed),
            "files": shelves.files(current.compare(found.base, found.id)) if _kept(base, found) else [],
            "stale": found.state in UNDECIDED and now is not None and now.release != found.base,
            "now_current": now.release if now else "",
        }
        context["again"] = context["stale"] and visitor.person.role in PROPOSERS
        context["verbs"] = [] if context["stale"] else shelves.verbs(found, tools.pack(), visitor.person)
    context["known"] = effects.known(base, found) if base is not None and _kept(base, found) else None
    return render.page(request, "change.html", context, visitor=visitor, here=MENU, status=status)


def _common(found: Release, now: Switch | None, person: Person, typed: Typed) -> dict[str, Any]:
    names = people.names()
    return {
        "release": shelves.shown(found, now, tools.pack(), names),
        "own_proposal": person.id == found.author and found.state is State.PROPOSED,
        "typed": typed,
    }
