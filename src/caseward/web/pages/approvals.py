"""The approvals queue: what is waiting for a person? The same card, one after the other."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.approval import Word
from caseward.core.errors import BadInput, CasewardError, Conflict, Refused
from caseward.core.roles import Role
from caseward.desk import approvals, tools
from caseward.store import approvals as requests
from caseward.store import views
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import failures, render, words, workspace
from caseward.web.card import Notice, Typed
from caseward.web.menu import Count, NavItem
from caseward.web.session import Visitor, form_visitor, local_path, only
from caseward.web.workspace import Where

DECIDERS = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})

router = APIRouter()


def _waiting(person: Person) -> Count:
    return Count(number=views.waiting(words.lanes_of(tools.pack(), person.role)), hot=True)


NAV = NavItem(
    href="/approvals", label="Approvals", icon="check-check", order=20, roles=DECIDERS, key="a", count=_waiting
)


@router.get("/approvals")
def queue(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(DECIDERS))],
    open: str = "",
    tab: str = "file",
    act: str = "",
    decided: str = "",
) -> Response:
    """Show the queue and one request of it; after a decision the next one, with the focus on its question."""
    with transaction():
        context = workspace.queue(
            tools.pack(),
            visitor.person,
            opened=open,
            now=tools.now(),
            tab=tab,
            typed=Typed(act=act),
            focus=bool(decided) and not act,
        )
    return render.page(request, "approvals.html", context, visitor=visitor, here="/approvals")


@router.post("/approvals/{approval_id}/verdict")
def decide(
    request: Request,
    approval_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    verdict: Annotated[Word, Form()],
    digest: Annotated[str, Form(max_length=128)],
    text: Annotated[str, Form(max_length=20_000)] = "",
    reason: Annotated[str, Form(max_length=2_000)] = "",
    preset: Annotated[str, Form(max_length=100)] = "",
    conditions: Annotated[str, Form(max_length=1_000)] = "",
    origin: Annotated[Literal["case", "queue"], Form(alias="from")] = "case",
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Record a verdict. What was typed is shown again, whatever stands in its way."""
    why = ": ".join(part for part in (preset, reason.strip()) if part)
    try:
        approvals.decide(
            approval_id,
            verdict,
            visitor.person,
            digest=digest,
            text=text.replace("\r\n", "\n") if verdict is Word.EDIT else "",
            reason=why,
            conditions=conditions.strip(),
        )
    except (BadInput, Conflict, Refused) as error:
        act = "" if verdict is Word.APPROVE else str(verdict)
        typed = Typed(
            act=act, text=text, reason=reason, preset=preset, conditions=conditions, notice=_notice(error, text or why)
        )
        return _again(request, visitor, approval_id, typed, origin, failures.status_of(error))
    if origin == "queue":
        return RedirectResponse("/approvals?decided=1", status_code=303)
    return RedirectResponse(local_path(next), status_code=303)


def _again(request: Request, visitor: Visitor, approval_id: str, typed: Typed, origin: str, status: int) -> Response:
    """Show the card as it is now, with what was typed and why the decision did not count."""
    with transaction():
        case_id = requests.get(approval_id).case_id
        context = workspace.case(
            tools.pack(), visitor.person, case_id, Where(), now=tools.now(), origin=origin, typed=typed
        )
    return render.page(request, "case.html", context | {"typed": typed}, visitor=visitor, here="/inbox", status=status)


def _notice(error: CasewardError, typed: str) -> Notice:
    kept = " What you wrote is kept below." if typed else ""
    text = failures.sentence(str(error)) + kept
    if isinstance(error, Conflict):
        return Notice(level="info", title="This changed before you decided", text=text, icon="users")
    if isinstance(error, Refused):
        return Notice(level="bad", title="This was not decided", text=text, icon="lock")
    return Notice(level="bad", title="Something is missing", text=text)
