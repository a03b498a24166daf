"""One case: can I decide this now? Conversation, approval card and case file with its history and trace."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from caseward.core.errors import BadInput, CasewardError, Conflict, Refused
from caseward.core.text import clean
from caseward.desk import notes, tools
from caseward.flows import by_hand, joining
from caseward.store import casefile, log, people, seen
from caseward.store.db import transaction
from caseward.web import casepage, failures, narrowing, readers, render, workspace
from caseward.web.acting import Named, Next, Worker, back_to
from caseward.web.card import Composed, Notice, Typed
from caseward.web.session import EVERYONE, Visitor, only
from caseward.web.workspace import Where

router = APIRouter()

LONGEST = 4000
"""Characters of a reply or note."""


@router.get("/cases/{case_id}")
def case(
    request: Request,
    case_id: str,
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    tab: str = "file",
    act: str = "",
    before: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    older: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    done: Annotated[str, Query(max_length=100)] = "",
    read: str = "",
) -> Response:
    """Show a case; `act` opens the card's editor or its reasons, `before` shows what was said before a number, `older`
    what was logged before an entry, `done` says what was just put together or taken apart, `read` that the facts are
    being read anew."""
    wish: dict[str, Any] = {
        "tab": tab,
        "typed": Typed(act=act),
        "before": before,
        "older": older,
        "done": done,
        "reading": bool(read),
    }
    with transaction():
        found = readers.find(visitor.person, case_id)
        seen.mark(found.id, visitor.person.id, at=tools.now())
        shown = show(request, visitor, found.id, where=narrowing.where(request), **wish)
        notes.seen(found, visitor.person.id)
    return shown


@router.post("/cases/{case_id}/reveal")
def reveal(
    request: Request,
    case_id: str,
    visitor: Worker,
    field: Annotated[Literal["phone", "email"], Form()],
) -> Response:
    """Show a whole number or address, once, and log who asked. Sent again it is logged again."""
    with transaction():
        found = casefile.find(case_id)
        log.append("reveal", visitor.person.id, {"field": field}, at=tools.now(), case_id=found.id)
    return show(request, visitor, case_id, reveal=field)


@router.post("/cases/{case_id}/reply")
def reply(
    request: Request,
    case_id: str,
    visitor: Worker,
    text: Annotated[str, Form()] = "",
    next: Next = "/",
) -> Response:
    """Answer in a person's own words, checked like any other reply; they take the case."""
    words = clean(text).strip()
    try:
        _require_length(words)
        with transaction():
            by_hand.write(casefile.find(case_id).id, words, person=visitor.person.id, role=visitor.person.role)
    except (BadInput, Conflict, Refused) as error:
        return _not_taken(request, visitor, case_id, words, error)
    return back_to(next)


@router.post("/cases/{case_id}/note")
def note(
    request: Request,
    case_id: str,
    visitor: Worker,
    text: Annotated[str, Form()] = "",
    next: Next = "/",
) -> Response:
    """Leave a note for the team, which may call upon people by `@Name`; no customer ever sees it."""
    words = clean(text).strip()
    try:
        _require_length(words)
    except BadInput as error:
        return _not_taken(request, visitor, case_id, words, error)
    with transaction():
        found = casefile.find(case_id)
        notes.write(found, words, person=visitor.person.id, people=casepage.callable_people(found, people.every()))
    return back_to(next)


@router.post("/cases/{case_id}/resolve")
def resolve(
    case_id: Named,
    visitor: Worker,
    disposition: Annotated[str, Form(max_length=500)] = "",
    next: Next = "/",
) -> Response:
    """Settle a case, and say as what; what is still asked about it is withdrawn."""
    by_hand.resolve(case_id, person=visitor.person.id, role=visitor.person.role, disposition=disposition)
    return back_to(next)


@router.post("/cases/{case_id}/reopen")
def reopen(
    case_id: Named,
    visitor: Worker,
    next: Next = "/",
) -> Response:
    """Take a settled case up again; it is the visitor's then."""
    by_hand.reopen(case_id, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


@router.post("/cases/{case_id}/move")
def move(
    case_id: Named,
    visitor: Worker,
    to: Annotated[str, Form(max_length=300)] = "",
    next: Next = "/",
) -> Response:
    """Have a case go on at another channel of its contact, or wherever they write."""
    joining.move(case_id, to, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


@router.post("/cases/{case_id}/hand-back")
def hand_back(
    case_id: str,
    visitor: Worker,
    next: Next = "/",
) -> Response:
    """Give a case back to the desk, which answers by itself again where policy lets it."""
    by_hand.hand_back(case_id, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


def _require_length(words: str) -> None:
    if not 0 < len(words) <= LONGEST:
        raise BadInput(f"text: write between 1 and {LONGEST} characters; these are {len(words)}")


def _not_taken(request: Request, visitor: Visitor, case_id: str, words: str, error: CasewardError) -> Response:
    """Show the case again with the words that were not taken, and why."""
    why = failures.sentence(str(error).removeprefix("text: "))
    composed = Composed(text=words, notice=Notice(level="bad", title="This was not sent", text=why))
    return show(request, visitor, case_id, status=failures.status_of(error), composed=composed)


def show(
    request: Request, visitor: Visitor, case_id: str, *, where: Where | None = None, status: int = 200, **wish: Any
) -> Response:
    """Return the page of a case as it is to be shown; `wish` are further parts of casepage.Wish."""
    with transaction():
        context = workspace.case(tools.pack(), visitor.person, case_id, where or Where(), now=tools.now(), **wish)
        return render.page(request, "case.html", context, visitor=visitor, here="/inbox", status=status)
