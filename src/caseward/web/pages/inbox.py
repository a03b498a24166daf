"""The inbox: what should I do next? The list, and beside it the first case of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.desk import tools
from caseward.store import views
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.store.views import View
from caseward.web import listing, render, workspace
from caseward.web.menu import Count, NavItem
from caseward.web.session import EVERYONE, Visitor, only
from caseward.web.workspace import Where

router = APIRouter()


def _open(person: Person) -> Count:
    seen = listing.views_of(person)
    counted = View.ALL_OPEN if View.ALL_OPEN in seen else seen[0]
    return Count(number=views.counts(listing.asker(tools.pack(), person))[counted])


NAV = NavItem(href="/inbox", label="Inbox", icon="inbox", order=10, roles=EVERYONE, key="i", count=_open)


@router.get("/inbox")
def inbox(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    view: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show a page of cases and the first of them."""
    with transaction():
        where = Where(view=view, search=q.strip(), page=page)
        context = workspace.inbox(tools.pack(), visitor.person, where, now=tools.now())
    return render.page(request, "inbox.html", context, visitor=visitor, here="/inbox")
