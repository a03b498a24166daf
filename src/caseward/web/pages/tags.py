"""Mark a case with a word, or take it off."""

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


@router.post("/cases/{case_id}/tags")
def change(
    case_id: str,
    visitor: Annotated[Visitor, Depends(worker)],
    add: Annotated[str, Form(max_length=200)] = "",
    remove: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Put a word on a case, or take one off."""
    with transaction():
        found = casefile.find(case_id)
    if remove:
        sorting.untag(found.id, remove, person=visitor.person.id, role=visitor.person.role)
    else:
        sorting.tag(found.id, add, person=visitor.person.id, role=visitor.person.role)
    return RedirectResponse(local_path(next), status_code=303)
