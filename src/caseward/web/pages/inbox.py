"""The inbox: what should I do next? The list, and beside it the first case of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caseward.desk import tools
from caseward.store import caselist
from caseward.store.caselist import View
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import listing, narrowing, render, workspace
from caseward.web.menu import Count, NavItem
from caseward.web.session import EVERYONE, Visitor, only

router = APIRouter()


def _open(person: Person) -> Count:
    seen, pack = listing.views_of(person), tools.pack()
    counted = View.ALL_OPEN if View.ALL_OPEN in seen else seen[0]
    counts = caselist.counts([counted], listing.asker(pack, person), listing.day(pack, tools.now()))
    return Count(number=counts[counted])


NAV = NavItem(href="/inbox", label="Inbox", icon="inbox", order=10, roles=EVERYONE, key="i", count=_open)


@router.get("/inbox")
def inbox(request: Request, visitor: Annotated[Visitor, Depends(only(EVERYONE))]) -> Response:
    """Show a page of cases and the first of them; the address says which view, search, filters and page."""
    with transaction():
        where = narrowing.where(request)
        context = workspace.inbox(tools.pack(), visitor.person, where, now=tools.now())
        return render.page(request, "inbox.html", context, visitor=visitor, here="/inbox")
