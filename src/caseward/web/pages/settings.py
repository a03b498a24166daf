"""The way into the settings: the first page of theirs that a role sees."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from caseward.web import menu
from caseward.web.menu import NavItem
from caseward.web.render import SETTINGS as HERE
from caseward.web.session import EVERYONE, Visitor, visitor

NAV = NavItem(href=HERE, label="Settings", icon="settings", order=80, roles=EVERYONE, key="s")

router = APIRouter()


@router.get(HERE)
def first(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Go to the first page of the settings that the visitor sees."""
    seen = menu.settings_of(visitor.person)
    return RedirectResponse(seen[0].href if seen else "/more", status_code=303)
