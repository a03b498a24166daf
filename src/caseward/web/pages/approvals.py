"""The approvals queue: what is waiting for a person? The same card, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from caseward.core.approval import ApprovalState, Word
from caseward.core.errors import BadInput, CasewardError, Conflict, Refused
from caseward.core.roles import Role
from caseward.core.text import clean
from caseward.desk import tools, verdicts
from caseward.store import approvals as requests
from caseward.store import presence, views
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import failures, listing, render, workspace
from caseward.web.card import Notice, Typed, edited_by
from caseward.web.menu import Count, NavItem
from caseward.web.session import NotForRole, Visitor, form_visitor, local_path, only
from caseward.web.workspace import Where

DECIDERS = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})

router = APIRouter()


def _waiting(person: Person) -> Count:
    return Count(number=views.waiting(listing.asker(tools.pack(), person)), hot=True)


NAV = NavItem(
    href="/approvals", label="Approvals", icon="check-check", order=20, roles=DECIDERS, key="a", count=_waiting
)


class Verdict(BaseModel):
    """What the card posts."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    verdict: Word
    digest: str = Field(max_length=128)
    text: str = Field(default="", max_length=20_000)
    reason: str = Field(default="", max_length=20_000)
    preset: str = Field(default="", max_length=200)
    conditions: str = Field(default="", max_length=20_000)
    origin: Literal["case", "queue"] = Field(default="case", alias="from")
    next: str = Field(default="", max_length=500)

    @field_validator("text", "reason", "preset", "conditions")
    @classmethod
    def _clean(cls, value: str) -> str:
        return clean(value)

    @property
    def why(self) -> str:
        """The reason that was picked and the words that follow it."""
        return ": ".join(part for part in (self.preset, self.reason.strip()) if part)

    def typed(self, notice: Notice | None = None) -> Typed:
        """Return what the card shows again."""
        return Typed(
            act="" if self.verdict is Word.APPROVE else str(self.verdict),
            text=self.text,
            reason=self.reason,
            preset=self.preset,
            conditions=self.conditions,
            notice=notice,
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
    form: Annotated[Verdict, Form()],
) -> Response:
    """Record a verdict. What was typed is shown again, whatever stands in its way."""
    try:
        with transaction():
            said = verdicts.decide(
                approval_id,
                form.verdict,
                person=visitor.person.id,
                role=visitor.person.role,
                digest=form.digest,
                text=form.typed().text,
                reason=form.why,
                conditions=form.conditions,
            )
    except (BadInput, Conflict, Refused) as error:
        return _again(request, visitor, approval_id, form, error)
    if form.origin == "case" or said.held_until is not None:  # what can be taken back stays in sight
        return RedirectResponse(local_path(form.next), status_code=303)
    return RedirectResponse("/approvals?decided=1", status_code=303)


@router.post("/approvals/{approval_id}/undo")
def undo(
    request: Request,
    approval_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    origin: Annotated[Literal["case", "queue"], Form(alias="from")] = "case",
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Take consent back while it is held. What comes too late is answered with the case as it is."""
    try:
        with transaction():
            verdicts.undo(approval_id, person=visitor.person.id, role=visitor.person.role)
    except (Conflict, Refused) as error:
        title = "It was too late to undo this" if isinstance(error, Conflict) else "This was not undone"
        notice = Notice(level="info", title=title, text=failures.sentence(str(error)), icon="info")
        return _card(request, visitor, approval_id, Typed(notice=notice), origin, failures.status_of(error))
    return RedirectResponse(local_path(next), status_code=303)


@router.post("/approvals/{approval_id}/preview")
def preview(
    request: Request,
    approval_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    form: Annotated[Verdict, Form()],
    part: str = "",
) -> Response:
    """Say what the checks make of an edit, and record nothing; with `part=checks`, only that part of the card."""
    if visitor.person.role not in DECIDERS:
        raise NotForRole("this role decides nothing")
    typed = form.typed()
    with transaction():
        outcomes = verdicts.preview(approval_id, typed.text.strip())
    typed = replace(typed, act="edit", outcomes=tuple(outcomes))
    if part == "checks":
        return render.part("_outcomes.html", {"outcomes": typed.outcomes})
    return _card(request, visitor, approval_id, typed, form.origin, 200)


def _again(request: Request, visitor: Visitor, approval_id: str, form: Verdict, error: CasewardError) -> Response:
    """Show the card as it is now, with what was typed and why the decision did not count."""
    with transaction():
        state = requests.get(approval_id).state
    typed = form.typed(_notice(error, state, bool(form.text or form.why)))
    return _card(request, visitor, approval_id, typed, form.origin, failures.status_of(error))


def _card(request: Request, visitor: Visitor, approval_id: str, typed: Typed, origin: str, status: int) -> Response:
    with transaction():
        case_id = requests.get(approval_id).case_id
        context = workspace.case(
            tools.pack(), visitor.person, case_id, Where(), now=tools.now(), origin=origin, typed=typed
        )
    return render.page(request, "case.html", context, visitor=visitor, here="/inbox", status=status)


def _notice(error: CasewardError, state: ApprovalState, typed: bool) -> Notice:
    kept = " What you wrote is kept below." if typed else ""
    if isinstance(error, verdicts.Repeated):
        return Notice(level="info", title="You have approved this", text="It waits for somebody else.", icon="users")
    if isinstance(error, presence.Held):
        return edited_by(error.holder, tools.pack(), tools.now(), kept)
    if isinstance(error, Conflict) and state is not ApprovalState.OPEN:
        return Notice(level="info", title="This was decided before you", text=f"See what happened.{kept}", icon="users")
    text = failures.sentence(str(error).removeprefix("text: ").removeprefix("reason: ")) + kept
    if isinstance(error, Conflict):
        return Notice(level="info", title="This changed before you decided", text=text, icon="users")
    if isinstance(error, Refused):
        return Notice(level="bad", title="This was not decided", text=text, icon="lock")
    return Notice(level="bad", title="This was not sent", text=text)
