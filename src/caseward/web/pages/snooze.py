"""Put a case out of sight for a while, and bring it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from caseward.flows import sorting
from caseward.web.acting import Named, Next, Worker, back_to

router = APIRouter()


@router.post("/cases/{case_id}/snooze")
def snooze(
    case_id: Named,
    visitor: Worker,
    until: Annotated[str, Form(max_length=20)] = "",
    day: Annotated[str, Form(max_length=20)] = "",
    next: Next = "/",
) -> Response:
    """Put a case out of sight until an offered time, or until a day."""
    sorting.snooze(case_id, until, day, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


@router.post("/cases/{case_id}/wake")
def wake(case_id: Named, visitor: Worker, next: Next = "/") -> Response:
    """Bring a case back at once."""
    sorting.wake(case_id, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)
