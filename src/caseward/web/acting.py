"""What the forms of a case have in common: who posts them, which case they name, and the way back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Response
from fastapi.responses import RedirectResponse

from caseward.core.ids import CaseId
from caseward.store import casefile
from caseward.store.db import transaction
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.session import NotForRole, Visitor, form_visitor, local_path


def worker(visitor: Annotated[Visitor, Depends(form_visitor)]) -> Visitor:
    """Return who posted, if they work on cases; raise NotForRole if not."""
    if visitor.person.role not in WORK_ON_CASES:
        raise NotForRole("this role reads cases and changes nothing in them", WORK_ON_CASES)
    return visitor


Worker = Annotated[Visitor, Depends(worker)]


def named(case_id: str, _worker: Worker) -> CaseId:
    """Return the case of the address, by id or number, for somebody who works on cases; raise NotFound."""
    with transaction():
        return casefile.find(case_id).id


Named = Annotated[CaseId, Depends(named)]
Next = Annotated[str, Form(max_length=500)]
"""Where the page is to which the answer leads."""


def back_to(next: str) -> Response:
    """Return what leads to a page of ours after a form was done."""
    return RedirectResponse(local_path(next), status_code=303)
