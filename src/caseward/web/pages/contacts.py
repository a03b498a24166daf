"""Contacts: who they are, where they are reached and how that is proved, what they asked, and who is one with whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.roles import Role
from caseward.desk import merging, tools
from caseward.store import log, search
from caseward.store.db import transaction
from caseward.web import contactpage, joined, render, words
from caseward.web.acting import Worker
from caseward.web.casepage import CONTACT_ROLES
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.pages.merging import Decided, Sought, Wish, page
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
    visitor: Worker,
    field: Annotated[str, Form(pattern=r"^(phone|email|at-[0-9]{1,3})$")],
) -> Response:
    """Show a whole number or address, once, and log who asked. Sent again it is logged again."""
    with transaction():
        found = joined.contact_of(contact_id)
        log.append("reveal", visitor.person.id, {"field": field, "contact": found.id}, at=tools.now())
    return _show(request, visitor, contact_id, reveal=field)


@router.get("/contacts/{contact_id}/merge")
def choose(
    request: Request, contact_id: str, visitor: Annotated[Visitor, Depends(only(WORK_ON_CASES))], wish: Sought
) -> Response:
    """Find the other contact, and see what putting the two together would do."""
    return _merge(request, visitor, contact_id, wish)


@router.post("/contacts/{contact_id}/merge")
def merge(request: Request, contact_id: str, visitor: Worker, wish: Decided) -> Response:
    """Put the two together, and go to the one that is kept."""
    kept, gone = (contact_id, wish.other) if wish.keep == "this" else (wish.other, contact_id)
    try:
        with transaction():
            made = merging.merge(kept, gone, person=visitor.person.id, role=visitor.person.role, reason=wish.reason)
    except (BadInput, Conflict, Refused) as error:
        return _merge(request, visitor, contact_id, replace(wish, error=error))
    return RedirectResponse(f"/contacts/{made.kept}?done={made.id}", status_code=303)


def _show(request: Request, visitor: Visitor, contact_id: str, **asked: Any) -> Response:
    with transaction():
        page = contactpage.build(contact_id, person=visitor.person, pack=tools.pack(), **asked)
    return render.page(request, "contact.html", {"contact": page}, visitor=visitor, here="/inbox")


def _merge(request: Request, visitor: Visitor, contact_id: str, wish: Wish) -> Response:
    with transaction():
        one = joined.contact_of(contact_id)
        other = joined.contact_of(wish.other) if wish.other else None
        if other is not None and other.id == one.id:
            raise NotFound(f"{one.id} cannot be merged into itself")
        preview = None
        if other is not None:
            preview = joined.of_contacts(one, other, keep=wish.keep, visitor=visitor.person, pack=tools.pack())
        context = {
            "of": joined.person(one),
            "found": joined.people(one, wish.q) if other is None else (),
            "preview": preview,
            "other": other.id if other else "",
        }
    return page(request, visitor, wish, what="contact", id=one.id, context=context)
