"""Contacts: who they are, where they are reached and how that is proved, what they asked, and who is one with whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.core.roles import Role
from caseward.desk import merging, tools
from caseward.store import log, search
from caseward.store.db import transaction
from caseward.web import contactpage, failures, joined, render, words
from caseward.web.casepage import CONTACT_ROLES
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.pages.case import worker
from caseward.web.pages.merging import Keep, refused
from caseward.web.session import Visitor, only

router = APIRouter()

FOUND = 50
"""Contacts that a search shows."""
Reader = Annotated[Visitor, Depends(only(CONTACT_ROLES))]


@router.get("/contacts")
def find(request: Request, visitor: Reader, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Find contacts by name, or by a whole number or address; without words, those who wrote last."""
    query, hidden = q.strip(), visitor.person.role is Role.ADMIN
    with transaction():
        found = search.contacts(query, limit=FOUND) if query else search.latest_contacts(limit=FOUND)
    rows = [
        {
            "id": each.id,
            "cases": each.cases,
            "name": (words.masked_name(each.name) if hidden else each.name) or words.NOBODY,
        }
        for each in found
    ]
    return render.page(request, "contacts.html", {"query": query, "found": rows}, visitor=visitor, here="/inbox")


@router.get("/contacts/{contact_id}")
def contact(
    request: Request,
    contact_id: str,
    visitor: Reader,
    before: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    done: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show a contact; `before` shows what was said before a number, `done` what was just put together."""
    return _show(request, visitor, contact_id, before=before, done=done)


@router.post("/contacts/{contact_id}/reveal")
def reveal(
    request: Request,
    contact_id: str,
    visitor: Annotated[Visitor, Depends(worker)],
    field: Annotated[str, Form(pattern=r"^(phone|email|at-[0-9]{1,3})$")],
) -> Response:
    """Show a whole number or address, once, and log who asked. A reload asks, and logs, again."""
    with transaction():
        found = joined.contact_of(contact_id)
        log.append("reveal", visitor.person.id, {"field": field, "contact": found.id}, at=tools.now())
    return _show(request, visitor, contact_id, reveal=field)


@router.get("/contacts/{contact_id}/merge")
def choose(
    request: Request,
    contact_id: str,
    visitor: Annotated[Visitor, Depends(only(WORK_ON_CASES))],
    q: Annotated[str, Query(max_length=100)] = "",
    other: Annotated[str, Query(max_length=100)] = "",
    keep: Keep = "this",
) -> Response:
    """Find the other contact, and see what putting the two together would do."""
    return _merge(request, visitor, contact_id, q=q.strip(), other=other, keep=keep)


@router.post("/contacts/{contact_id}/merge")
def merge(
    request: Request,
    contact_id: str,
    visitor: Annotated[Visitor, Depends(worker)],
    other: Annotated[str, Form(max_length=100)],
    keep: Annotated[Literal["this", "other"], Form()] = "this",
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Put the two together, and go to the one that is kept."""
    kept, gone = (contact_id, other) if keep == "this" else (other, contact_id)
    try:
        with transaction():
            made = merging.merge(kept, gone, person=visitor.person.id, role=visitor.person.role, reason=reason)
    except (BadInput, Conflict, Refused) as error:
        return _merge(request, visitor, contact_id, q="", other=other, keep=keep, reason=reason, error=error)
    return RedirectResponse(f"/contacts/{made.kept}?done={made.id}", status_code=303)


def _show(request: Request, visitor: Visitor, contact_id: str, **asked: Any) -> Response:
    with transaction():
        page = contactpage.build(contact_id, person=visitor.person, pack=tools.pack(), **asked)
    return render.page(request, "contact.html", {"contact": page}, visitor=visitor, here="/inbox")


def _merge(
    request: Request, visitor: Visitor, contact_id: str, *, q: str, other: str, keep: Keep, reason: str = "",
    error: CasewardError | None = None,
) -> Response:  # fmt: skip
    pack = tools.pack()
    with transaction():
        one = joined.contact_of(contact_id)
        chosen = joined.contact_of(other) if other else None
        if chosen is not None and chosen.id == one.id:
            raise NotFound(f"{one.id} cannot be merged into itself")
        preview = None
        if chosen is not None:
            preview = joined.of_contacts(one, chosen, keep=keep, visitor=visitor.person, pack=pack)
        context: dict[str, Any] = {
            "of": joined.person(one),
            "query": q,
            "found": joined.people(one, q) if chosen is None else (),
            "preview": preview,
            "other": chosen.id if chosen else "",
            "keep": keep,
        }
    context |= {"notice": refused(error), "reason": reason, "back": f"/contacts/{one.id}"}
    context |= {"action": f"/contacts/{one.id}/merge", "what": "contact"}
    status = failures.status_of(error) if error else 200
    return render.page(request, "merge.html", context, visitor=visitor, here="/inbox", status=status)
