"""Templates of the pack, taken into a reply and filled with what is known of the case."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from caseward.core.text import clean
from caseward.desk import macros
from caseward.store import casefile
from caseward.store.db import transaction
from caseward.web.acting import Worker
from caseward.web.card import Composed, Notice
from caseward.web.pages.case import show

router = APIRouter()

CHOOSE = Notice(level="info", icon="info", title="Choose a template first", text="Its words come into the box below.")


@router.post("/cases/{case_id}/macro")
def insert(
    request: Request,
    case_id: str,
    visitor: Worker,
    macro: Annotated[str, Form(max_length=200)] = "",
    text: Annotated[str, Form()] = "",
    part: Annotated[str, Query()] = "",
) -> Response:
    """Put a template's words behind what was typed; with `part=text`, return them alone. Nothing is sent."""
    if not macro and not part:
        return show(request, visitor, case_id, composed=Composed(text=clean(text), notice=CHOOSE))
    with transaction():
        filled = macros.fill(casefile.find(case_id), macro)
    if part:
        return Response(filled.text, media_type="text/plain; charset=utf-8")
    typed = clean(text).strip()
    notice = None
    if filled.missing:
        places = ", ".join(f"{{{each}}}" for each in filled.missing)
        notice = Notice(level="warn", title="Something is still open", text=f"Write what belongs at {places}.")
    composed = Composed(text=f"{typed}\n\n{filled.text}" if typed else filled.text, notice=notice)
    return show(request, visitor, case_id, composed=composed)
