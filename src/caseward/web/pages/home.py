"""The way in, and what belongs to every page: the first page of a role, the theme."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.web import menu, render
from caseward.web.casepage import CONTACT_ROLES
from caseward.web.session import Visitor, form_visitor, local_path, set_strict_cookie, visitor

YEAR = 365 * 24 * 3600

router = APIRouter()


@router.get("/")
def home(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Go to the first page of the visitor's role."""
    return RedirectResponse(menu.home_of(visitor.person), status_code=303)


@router.get("/more")
def more(request: Request, visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Show what the bottom bar of a phone has no room for."""
    context = {"reads_contacts": visitor.person.role in CONTACT_ROLES}
    return render.page(request, "more.html", context, visitor=visitor, here="/more")


@router.post("/theme")
def theme(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    theme: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Keep the theme a person chose in this browser; an empty one follows the device again."""
    response = RedirectResponse(local_path(back), status_code=303)
    set_strict_cookie(request, response, "theme", theme if theme in render.THEMES else "", max_age=YEAR)
    return response
