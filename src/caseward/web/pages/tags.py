"""Mark a case with a word, or take it off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from caseward.flows import sorting
from caseward.web.acting import Named, Next, Worker, back_to

router = APIRouter()


@router.post("/cases/{case_id}/tags")
def change(
    case_id: Named,
    visitor: Worker,
    add: Annotated[str, Form(max_length=200)] = "",
    remove: Annotated[str, Form(max_length=200)] = "",
    next: Next = "/",
) -> Response:
    """Put a word on a case, or take one off."""
    if remove:
        sorting.untag(case_id, remove, person=visitor.person.id, role=visitor.person.role)
    else:
        sorting.tag(case_id, add, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)
