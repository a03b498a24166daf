"""One case: can I decide this now? Conversation, approval card and case file with its history and trace."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from caseward.desk import tools
from caseward.store import log
from caseward.store.db import transaction
from caseward.web import casepage, render, workspace
from caseward.web.card import Typed
from caseward.web.session import EVERYONE, NotForRole, Visitor, form_visitor, only
from caseward.web.workspace import Where

router = APIRouter()


@router.get("/cases/{case_id}")
def case(
    request: Request,
    case_id: str,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    tab: str = "file",
    act: str = "",
    view: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show a case; `act` opens the card's editor or its reasons."""
    with transaction():
        context = workspace.case(
            tools.pack(),
            visitor.person,
            case_id,
            Where(view=view, search=q.strip(), page=page),
            now=tools.now(),
            tab=tab,
            typed=Typed(act=act),
        )
    return render.page(request, "case.html", context, visitor=visitor, here="/inbox")


@router.post("/cases/{case_id}/reveal")
def reveal(
    request: Request,
    case_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    field: Annotated[Literal["phone", "email"], Form()],
) -> Response:
    """Show a whole number or address, once, and log who asked. A reload asks, and logs, again."""
    if visitor.person.role not in casepage.MAY_REVEAL:
        raise NotForRole("this role reads cases without personal data")
    now = tools.now()
    with transaction():
        context = workspace.case(tools.pack(), visitor.person, case_id, Where(), now=now, reveal=field)
        log.append("reveal", visitor.person.id, {"field": field}, at=now, case_id=context["case"].id)
    return render.page(request, "case.html", context, visitor=visitor, here="/inbox")
