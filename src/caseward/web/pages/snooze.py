"""Put a case out of sight for a while, and bring it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from caseward.flows import sorting
from caseward.store import casefile
from caseward.store.db import transaction
from caseward.web.pages.case import worker
from caseward.web.session import Visitor, local_path

router = APIRouter()

Next = Annotated[str, Form(max_length=500)]


@router.post("/cases/{case_id}/snooze")
def snooze(
    case_id: str,
    visitor: Annotated[Visitor, Depends(worker)],
    until: Annotated[str, Form(max_length=20)] = "",
    day: Annotated[str, Form(max_length=20)] = "",
    next: Next = "/",
) -> Response:
    """Put a case out of sight until an offered time, or until a day."""
    with transaction():
        found = casefile.find(case_id)
    sorting.snooze(found.id, until, day, person=visitor.person.id, role=visitor.person.role)
    return RedirectResponse(local_path(next), status_code=303)


@router.post("/cases/{case_id}/wake")
def wake(case_id: str, visitor: Annotated[Visitor, Depends(worker)], next: Next = "/") -> Response:
    """Bring a case back at once."""
    with transaction():
        found = casefile.find(case_id)
    sorting.wake(found.id, person=visitor.person.id, role=visitor.person.role)
    return RedirectResponse(local_path(next), status_code=303)
