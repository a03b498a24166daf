"""Who has a case: take it, give it to somebody, give it back, take the next one; and who is there to be given cases."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from caseward.flows import sorting
from caseward.store.caselist import View
from caseward.web.acting import Named, Next, Worker, back_to

router = APIRouter()


@router.post("/cases/{case_id}/assign")
def assign(
    case_id: Named,
    visitor: Worker,
    to: Annotated[str, Form(max_length=100)] = "",
    next: Next = "/",
) -> Response:
    """Give a case to a person, oneself included; to nobody gives it back to the desk."""
    sorting.assign(case_id, to, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


@router.post("/inbox/next")
def take_next(visitor: Worker) -> Response:
    """Take the unassigned case that needs a person most, and open it."""
    case_id = sorting.take_next(person=visitor.person.id, role=visitor.person.role)
    href = f"/cases/{case_id}?view={View.FOR_YOU}" if case_id else f"/inbox?view={View.UNASSIGNED}"
    return RedirectResponse(href, status_code=303)


@router.post("/shift")
def shift(
    visitor: Worker,
    to: Annotated[Literal["on", "away"], Form()],
    next: Next = "/",
) -> Response:
    """Say whether one is there to be given cases."""
    sorting.go_on_shift(visitor.person.id, to == "on")
    return back_to(next)
