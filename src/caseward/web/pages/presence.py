"""Who else is at a case: tabs say that they are open, and pages ask for the others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import JSONResponse

from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import approvals, presence, watching
from caseward.store.db import transaction
from caseward.web import card, readers, render
from caseward.web.session import EVERYONE, NotForRole, Visitor, form_visitor, only

DECIDERS = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})
MOST = 100
"""Cases a page asks about at once."""
TAB = r"^[0-9a-zA-Z-]{8,64}$"

router = APIRouter()


@router.get("/presence")
def look(
    visitor: Annotated[Visitor, Depends(only(EVERYONE))],
    case: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Return who else is at each of these cases, as far as the visitor may read them."""
    with transaction():
        asked = watching.affected(case) if visitor.person.role is Role.ON_CALL else set(case)
        around = presence.around(tools.now())
    seen = [each for each in around if each.case_id in asked and each.person_id != visitor.person.id]
    others = {case_id: [each for each in seen if each.case_id == case_id] for case_id in case}
    return render.part("_presence.html", {"others": others})


@router.post("/presence")
def beat(
    visitor: Annotated[Visitor, Depends(form_visitor)],
    tab: Annotated[str, Form(pattern=TAB)],
    case: Annotated[str, Form(max_length=64)] = "",
    editing: Annotated[str, Form(max_length=64)] = "",
    gone: Annotated[bool, Form()] = False,
) -> Response:
    """Note that a tab is open, at a case and perhaps with the edit of its reply; 409 when somebody else has that."""
    with transaction():
        if gone:
            presence.leave(tab, visitor.person.id)
            return Response(status_code=204)
        if case:
            readers.find(visitor.person, case)
        if editing and (visitor.person.role not in DECIDERS or approvals.get(editing).case_id != case):
            raise NotForRole("this role edits no replies")
        now = tools.now()
        holder = presence.beat(tab, visitor.person.id, case_id=case, editing=editing, now=now)
    if holder is None:
        return Response(status_code=204)
    notice = card.edited_by(holder, tools.pack(), now, " What you wrote is kept.")
    return JSONResponse({"title": notice.title, "text": notice.text}, status_code=409)
