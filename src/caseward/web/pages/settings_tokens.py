"""API tokens: what programs may do here, in whose name, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput
from caseward.core.roles import Role, within
from caseward.desk import staff, tools
from caseward.store import people, tokens
from caseward.store.db import transaction
from caseward.web import failures, render
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import NotForRole, Visitor, form_visitor, only
from caseward.web.tokens import Scope

HERE = "/settings/tokens"
MAKERS = frozenset({Role.ADMIN, Role.OPS_LEAD})
SETTINGS = SettingsItem(href=HERE, label="Tokens", order=55, roles=MAKERS)
DAYS = {30: "30 days", 90: "90 days", 365: "A year", 0: "Until it is ended"}

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A token as it is listed."""

    kept: tokens.Kept
    by: str
    state: str
    level: str
    live: bool


@router.get(HERE)
def every(request: Request, visitor: Annotated[Visitor, Depends(only(MAKERS))]) -> Response:
    """List tokens, all of them for an administrator and one's own otherwise, with a form to make one."""
    return _page(request, visitor)


@router.post(HERE)
def make(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=1000)] = "",
    days: Annotated[int, Form(ge=0, le=3650)] = 90,
    scopes: Annotated[list[Scope] | None, Form()] = None,
) -> Response:
    """Make a token and show it, this once."""
    _require(visitor)
    expires_at = tools.now() + timedelta(days=days) if days else None
    try:
        with transaction():
            made = staff.make_token(name, role, scopes or (), expires_at=expires_at, by=visitor.person)
    except BadInput as error:
        notice = Notice(level="bad", title="No token was made", text=failures.sentence(str(error)))
        return _page(request, visitor, notice=notice, status=400)
    return _page(request, visitor, made=made.token)


@router.post(HERE + "/{token_id}/end")
def end(token_id: str, visitor: Annotated[Visitor, Depends(form_visitor)]) -> Response:
    """End a token at once."""
    _require(visitor)
    with transaction():
        staff.end_token(token_id, by=visitor.person)
    return RedirectResponse(HERE, status_code=303)


def _require(visitor: Visitor) -> None:
    if visitor.person.role not in MAKERS:
        raise NotForRole("this role makes no tokens")


def _page(
    request: Request, visitor: Visitor, *, notice: Notice | None = None, made: str = "", status: int = 200
) -> Response:
    with transaction():
        all_ = visitor.person.role in staff.LOOKS_AFTER
        lines = _lines(tokens.every(made_by=None if all_ else visitor.person.id))
    context = {
        "lines": lines,
        "notice": notice,
        "made": made,
        "roles": [role for role in Role if role in within(visitor.person.role)],
        "scopes": list(Scope),
        "days": DAYS,
    }
    return render.setting(request, "tokens.html", context, visitor=visitor, here=HERE, status=status)


def _lines(found: Sequence[tokens.Kept]) -> Sequence[Line]:
    names, now = people.names(), tools.now()
    lines = []
    for kept in found:
        expired = kept.expires_at is not None and kept.expires_at <= now
        state, level = ("Ended", "") if kept.revoked_at else ("Expired", "warn") if expired else ("Works", "ok")
        by = names.get(kept.made_by, kept.made_by) or "The command line"
        lines.append(Line(kept=kept, by=by, state=state, level=level, live=state == "Works"))
    return lines
