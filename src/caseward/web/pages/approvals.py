"""The approvals queue: what is waiting for a person? The same card, one after the other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from caseward.core.approval import ApprovalState, Word
from caseward.core.errors import BadInput, CasewardError, Conflict, Refused
from caseward.core.roles import Role
from caseward.core.text import clean
from caseward.desk import tools, verdicts
from caseward.store import approvals as requests
from caseward.store import people, presence, views, votes
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import failures, listing, render, times, words, workspace
from caseward.web.card import Notice, Typed, edited_by
from caseward.web.diffs import differences
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


SETTLED_AS = {
    Word.APPROVE: ApprovalState.APPROVED,
    Word.EDIT: ApprovalState.EDITED,
    Word.DENY: ApprovalState.DENIED,
    Word.ESCALATE: ApprovalState.ESCALATED,
}


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
            seen=self.digest,
        )


@router.get("/approvals")
def queue(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(DECIDERS))],
    open: str = "",
    tab: str = "file",
    act: str = "",
    decided: str = "",
    undone: str = "",
    read: str = "",
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
            decided=decided,
            focus=bool(decided or undone) and not act,
            reading=bool(read),
        )
        return render.page(request, "approvals.html", context, visitor=visitor, here="/approvals")


@router.post("/approvals/{approval_id}/verdict")
def decide(
    request: Request,
    approval_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    form: Annotated[Verdict, Form()],
) -> Response:
    """Record a verdict; the same one again, sent twice on its way, is the same decision.

    What was typed is shown again, whatever stands in its way.
    """
    onward = ""
    try:
        with transaction():
            onward = workspace.following(tools.pack(), visitor.person, approval_id) if form.origin == "queue" else ""
            verdicts.decide(
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
        if not (isinstance(error, Conflict) and _said(approval_id, form, visitor)):
            return _again(request, visitor, approval_id, form, error)
    if form.origin == "case":
        return RedirectResponse(local_path(form.next), status_code=303)
    query = {"decided": approval_id, **({"open": onward} if onward else {})}
    return RedirectResponse(f"/approvals?{urlencode(query)}", status_code=303)


@router.post("/approvals/{approval_id}/read")
def read(
    approval_id: str,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Have the facts behind a request read anew; the card shows them once they are."""
    with suppress(Conflict), transaction():  # decided meanwhile: the page says so
        verdicts.read_now(approval_id, person=visitor.person.id, role=visitor.person.role)
    href = local_path(next)
    return RedirectResponse(f"{href}{'&' if '?' in href else '?'}read=1", status_code=303)


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
        with transaction():
            draft, _checks, _at = requests.draft(requests.get(approval_id).draft_id)
        changes = differences(draft.reply, typed.text.strip())
        return render.part("_outcomes.html", {"outcomes": typed.outcomes, "changes": changes})
    return _card(request, visitor, approval_id, typed, form.origin, 200)


def _said(approval_id: str, form: Verdict, visitor: Visitor) -> bool:
    """Return whether a request was settled by exactly this verdict of this person."""
    with transaction():
        asked = requests.get(approval_id)
        draft, _checks, _at = requests.draft(asked.draft_id)
    if asked.decided_by != visitor.person.id or asked.state is not SETTLED_AS[form.verdict]:
        return False
    return draft.reply == form.text.strip() if form.verdict is Word.EDIT else asked.digest == form.digest


def _again(request: Request, visitor: Visitor, approval_id: str, form: Verdict, error: CasewardError) -> Response:
    """Show the card as it is now, with what was typed and why the decision did not count."""
    with transaction():
        typed = form.typed(_notice(error, requests.get(approval_id), form))
    return _card(request, visitor, approval_id, typed, form.origin, failures.status_of(error))


def _card(request: Request, visitor: Visitor, approval_id: str, typed: Typed, origin: str, status: int) -> Response:
    with transaction():
        case_id = requests.get(approval_id).case_id
        context = workspace.case(
            tools.pack(),
            visitor.person,
            case_id,
            Where(),
            now=tools.now(),
            origin=origin,
            typed=typed,
            focus=typed.notice is not None,
        )
    return render.page(request, "case.html", context, visitor=visitor, here="/inbox", status=status)


def _notice(error: CasewardError, asked: requests.Request, form: Verdict) -> Notice:
    """Return why a decision did not count: who did what, and when. Needs an open transaction."""
    kept = " What you wrote is kept below." if form.text or form.why else ""
    if isinstance(error, verdicts.Repeated):
        return Notice(level="info", title="You have approved this", text="It waits for somebody else.", icon="users")
    if isinstance(error, presence.Held):
        return edited_by(error.holder, tools.pack(), tools.now(), kept)
    if isinstance(error, Conflict) and asked.state is not ApprovalState.OPEN:
        return Notice(level="info", title=_decided(asked), text=f"Nothing was done twice.{kept}", icon="users")
    text = failures.sentence(str(error).removeprefix("text: ").removeprefix("reason: ")) + kept
    if isinstance(error, verdicts.NotNow):
        return Notice(level="warn", title="This was not approved", text=text, icon="history")
    if isinstance(error, Conflict):
        return Notice(level="info", title=_reworded(asked), text=text, icon="users")
    if isinstance(error, Refused):
        return Notice(level="bad", title="This was not decided", text=text, icon="lock")
    missed = {Word.DENY: "denied", Word.ESCALATE: "escalated"}.get(form.verdict, "sent")
    return Notice(level="bad", title=f"This was not {missed}", text=text)


def _decided(asked: requests.Request) -> str:
    """Return who decided a request, how and when: `Ops lead denied this at 15:39`."""
    if asked.state is ApprovalState.EXPIRED:
        return "This is no longer asked"
    did = {ApprovalState.DENIED: "denied", ApprovalState.ESCALATED: "escalated"}.get(asked.state, "approved")
    return f"{words.who(asked.decided_by, people.names())} {did} this{_at(asked.decided_at)}"


def _reworded(asked: requests.Request) -> str:
    """Return who gave a request other words, and when."""
    edits = [vote for vote in votes.of([asked])[asked.id] if vote.word is Word.EDIT]
    if not edits:
        return "This changed before you decided"
    return f"{words.who(edits[-1].person, people.names())} edited the reply{_at(edits[-1].at)}"


def _at(at: datetime | None) -> str:
    return f" at {times.local(at, tools.pack().hours.zone, now=tools.now())}" if at else ""
