"""Whether the desk is fit to work, line by line, as at the start of a shift: what `caseward doctor` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caseward.core.roles import DECLARE_HEALTH
from caseward.desk import tools
from caseward.web import readiness, render, words
from caseward.web.menu import SettingsItem
from caseward.web.readiness import Plugs
from caseward.web.session import Visitor, only

HERE = "/settings/readiness"
SETTINGS = SettingsItem(href=HERE, label="Readiness", order=61, roles=DECLARE_HEALTH)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the list."""

    name: str
    ok: bool
    detail: str


@router.get(HERE)
def shown(request: Request, visitor: Annotated[Visitor, Depends(only(DECLARE_HEALTH))]) -> Response:
    """Show the list, what is not well first."""
    given = tools.given()
    plugs = Plugs(channels=given.along, set_up=given.channels.keys(), skills=tools.built_in())
    found = readiness.checks(request.app.state.settings, plugs, now=tools.now(), prove=False)
    lines = [Line(name=each.title or words.humane(each.name), ok=each.ok, detail=each.detail) for each in found]
    context = {"lines": _sorted(lines), "wrong": sum(not each.ok for each in lines)}
    return render.setting(request, "readiness.html", context, visitor=visitor, here=HERE)


def _sorted(lines: Sequence[Line]) -> Sequence[Line]:
    return sorted(lines, key=lambda line: line.ok)
