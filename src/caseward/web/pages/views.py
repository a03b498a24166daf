"""Saved views: keep the filters one looks through under a name, for oneself or for everybody."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, NotFound, Refused
from caseward.core.roles import SHARE_VIEWS, Role
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import log, saved_views
from caseward.store.db import transaction
from caseward.store.saved_views import SHARED, SavedView
from caseward.web import narrowing, render, shelved
from caseward.web.narrowing import Where
from caseward.web.session import NotForRole, Visitor, form_visitor, local_path, only

NAME_CHARS = 40
SAVES = frozenset(Role) - {Role.ON_CALL}
"""Who saves views: on-call sees one list, and nothing to narrow."""
PAGE = "/inbox/views"

router = APIRouter()


def saver(visitor: Annotated[Visitor, Depends(form_visitor)]) -> Visitor:
    """Return who posted, if they have views; raise NotForRole if not."""
    if visitor.person.role not in SAVES:
        raise NotForRole("this role has one view and saves none")
    return visitor


Saver = Annotated[Visitor, Depends(saver)]
Name = Annotated[str, Form(max_length=200)]


@router.get(PAGE)
def show(request: Request, visitor: Annotated[Visitor, Depends(only(SAVES))]) -> Response:
    """Show all saved views, with the forms that change one's own."""
    with transaction():
        person = visitor.person
        context = {
            "links": shelved.links(tools.pack(), person, "", tools.now()),
            "own": [each for each in shelved.mine(person) if each.owner == person.id],
            "shared": [each for each in shelved.mine(person) if each.owner == SHARED],
            "shares": person.role in SHARE_VIEWS,
            "name_chars": NAME_CHARS,
        }
    return render.page(request, "views.html", context, visitor=visitor, here="/inbox")


@router.post(PAGE)
def save(
    visitor: Saver,
    name: Name = "",
    query: Annotated[str, Form(max_length=1000)] = "",
    shared: Annotated[Literal["", "1"], Form()] = "",
) -> Response:
    """Save a list under a name, and open it."""
    at = narrowing.of_query(query)
    kept = Where(view=at.view, search=at.search, narrowed=at.narrowed).query()
    with transaction():
        _require_sharing(visitor, bool(shared))
        owner = SHARED if shared else visitor.person.id
        view_id = saved_views.add(_name(name), kept, owner=owner, now=tools.now())
        _record(visitor, "saved", view_id, name=_name(name), query=kept, shared=bool(shared))
    return RedirectResponse(f"/inbox?{kept}", status_code=303)


@router.post(PAGE + "/{view_id}")
def change(
    view_id: str,
    visitor: Saver,
    act: Annotated[Literal["rename", "up", "down", "delete"], Form()] = "rename",
    name: Name = "",
    next: Annotated[str, Form(max_length=500)] = PAGE,
) -> Response:
    """Rename a view, put it further up or down, or delete it."""
    with transaction():
        view = _own(visitor, view_id)
        if act == "rename":
            saved_views.rename(view.id, _name(name))
            _record(visitor, "renamed", view.id, name=_name(name), was=view.name)
        elif act == "delete":
            saved_views.delete(view.id)
            _record(visitor, "deleted", view.id, name=view.name, query=view.query)
        else:
            saved_views.move(view, up=act == "up")
            _record(visitor, "moved", view.id, name=view.name, to=act)
    return RedirectResponse(local_path(next), status_code=303)


def _own(visitor: Visitor, view_id: str) -> SavedView:
    """Return a view that this person may change; another person's does not exist for them."""
    view = saved_views.get(view_id)
    if view.owner not in (SHARED, visitor.person.id):
        raise NotFound(f"there is no saved view {view_id}")
    _require_sharing(visitor, view.owner == SHARED)
    return view


def _require_sharing(visitor: Visitor, shared: bool) -> None:
    if shared and visitor.person.role not in SHARE_VIEWS:
        raise Refused("views for everybody are saved and changed by an ops lead or an administrator")


def _name(given: str) -> str:
    name = " ".join(clean(given).split())
    if not 0 < len(name) <= NAME_CHARS:
        raise BadInput(f"name: write between 1 and {NAME_CHARS} characters; these are {len(name)}")
    return name


def _record(visitor: Visitor, what: str, view_id: str, **said: object) -> None:
    log.append("view", visitor.person.id, {what: view_id, **said}, at=tools.now())
