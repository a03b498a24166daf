"""The systems outside: which can be relied on, and a form for whoever knows better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput
from caseward.core.roles import DECLARE_HEALTH
from caseward.desk import health
from caseward.store import people
from caseward.store.db import transaction
from caseward.store.running import Health
from caseward.web import failures, render, words
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import NotForRole, Visitor, form_visitor, only

HERE = "/settings/systems"
SETTINGS = SettingsItem(href=HERE, label="Systems", order=60, roles=DECLARE_HEALTH)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One system as the page shows it."""

    id: str
    name: str
    degraded: bool
    since: datetime | None
    why: str
    by: str
    """Empty where nothing was ever said about it."""
    failures: str
    """How often in a row it did not answer, in words; empty for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What somebody has filled in so far."""

    system: str = ""
    state: str = "degraded"
    reason: str = ""
    notice: Notice | None = None


@router.get("/systems")
def moved(_visitor: Annotated[Visitor, Depends(only(DECLARE_HEALTH))]) -> Response:
    """Go to where the page is now: its old address stands in bookmarks and in the team's chat."""
    return RedirectResponse(HERE, status_code=308)


@router.get(HERE)
def systems(request: Request, visitor: Annotated[Visitor, Depends(only(DECLARE_HEALTH))]) -> Response:
    """Show every system and how it is."""
    return _page(request, visitor, Filled())


@router.post(HERE)
def declare(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    system: Annotated[str, Form(max_length=100)] = "",
    state: Annotated[Literal["degraded", "healthy"], Form()] = "degraded",
    reason: Annotated[str, Form(max_length=5_000)] = "",
) -> Response:
    """Declare that a system cannot be relied on, or can again."""
    person = visitor.person
    if person.role not in DECLARE_HEALTH:
        raise NotForRole("this role declares nothing about systems")
    try:
        with transaction():
            health.declare(system, degraded=state == "degraded", why=reason, by=person.id, role=person.role)
    except BadInput as error:
        text = failures.sentence(str(error).removeprefix("reason: "))
        notice = Notice(level="bad", title="Nothing was declared", text=text)
        filled = Filled(system=system, state=state, reason=reason, notice=notice)
        return _page(request, visitor, filled, status=failures.status_of(error))
    return RedirectResponse(HERE, status_code=303)


def _page(request: Request, visitor: Visitor, filled: Filled, *, status: int = 200) -> Response:
    with transaction():
        lines = _lines()
    context = {"lines": lines, "filled": filled}
    return render.setting(request, "systems.html", context, visitor=visitor, here=HERE, status=status)


def _lines() -> Sequence[Line]:
    names = {health.AUTO: "The desk, by what it answered", **people.names()}
    return [
        Line(
            id=name,
            name=words.humane(name),
            degraded=bool(state and state.degraded),
            since=state.since if state else None,
            why=state.why if state else "",
            by=names.get(state.by, state.by) if state else "",
            failures=_failures(state) if state else "",
        )
        for name, state in health.systems().items()
    ]


def _failures(state: Health) -> str:
    """Say how near a system is to being left alone, or that it is."""
    if not state.failures:
        return ""
    times = "once" if state.failures == 1 else f"{state.failures} times in a row"
    if not state.degraded:
        return f"Did not answer {times}; left alone after {health.FAILURES}"
    if state.by != health.AUTO:
        return f"Did not answer {times}"
    return f"Did not answer {times}; left alone, and tried again by itself"
