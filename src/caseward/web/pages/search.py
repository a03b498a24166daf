"""Search: everything the desk knows by its words, and for the palette the same, shorter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.desk import tools
from caseward.store import search as stored
from caseward.store.db import transaction
from caseward.web import finding, render
from caseward.web.session import EVERYONE, Visitor, only

HERE = "/search"
IN_PALETTE = 4
ON_PAGE = 20

router = APIRouter()


@router.get(HERE)
def search(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    q: Annotated[str, Query(max_length=1000)] = "",
    part: str = "",
) -> Response:
    """Show what is found; with `part`, only the results, as the palette lists them."""
    sought = " ".join(q[: stored.LONGEST].split())
    with transaction():
        each = IN_PALETTE if part else ON_PAGE
        found = finding.sections(sought, pack=tools.pack(), person=visitor.person, each=each) if sought else []
    context = {"sought": sought, "sections": found, "most": ON_PAGE}
    if part:
        return render.part("_found.html", context)
    return render.page(request, "search.html", context, visitor=visitor, here=HERE)
