"""Sign in by password or by link, and out again.

A link is opened by a GET, which link previews also do, so a GET only asks; the button's POST signs in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import CasewardError, NotFound, Refused
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import passwords, people
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import failures, render
from caseward.web.session import (
    StaleForm,
    address_of,
    cookie_name,
    local_path,
    maybe_visitor,
    require_same_origin,
    set_strict_cookie,
    sign_in,
    sign_out,
)

HOUR = 3600

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A line above the form."""

    level: str
    title: str
    text: str


@router.get("/sign-in")
def ask(request: Request, next: str = "/", left: bool = False) -> Response:
    """Ask for e-mail and password."""
    if maybe_visitor(request) is not None:
        return RedirectResponse(local_path(next), status_code=303)
    notice = Notice(level="info", title="You are signed out", text="") if left else None
    return _form(request, next=next, notice=notice)


@router.post("/sign-in")
def by_password(
    request: Request,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    form: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in with e-mail and password."""
    _require_own_form(request, form)
    try:
        person = passwords.check(clean(email), password, address=address_of(request), now=tools.now())
    except Refused as error:
        notice = Notice(level="bad", title="Not signed in", text=failures.sentence(str(error)))
        return _form(request, next=next, email=email, notice=notice, status=429)
    if person is None:
        text = "E-mail or password is not right. Check both, or ask for a sign-in link."
        return _form(
            request, next=next, email=email, notice=Notice(level="bad", title="Not signed in", text=text), status=403
        )
    return _welcome(request, person, next)


@router.get("/sign-in/{token}")
def by_link_ask(request: Request, token: str, next: str = "/") -> Response:
    """Ask whether to sign in as the person of the link."""
    try:
        with transaction():
            person = people.linked(token, now=tools.now())
    except NotFound as error:
        return _dead_link(request, error)
    return _form(request, next=next, token=token, person=person)


@router.post("/sign-in/{token}")
def by_link(
    request: Request,
    token: str,
    form: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in as the person of the link."""
    _require_own_form(request, form)
    try:
        with transaction():
            person = people.use_link(token, now=tools.now())
    except NotFound as error:
        return _dead_link(request, error)
    return _welcome(request, person, next)


@router.post("/sign-out")
def leave(request: Request) -> Response:
    """End the session everywhere. Needs no token of the form: being signed out by a stranger harms nobody."""
    require_same_origin(request)
    sign_out(request)
    response = RedirectResponse("/sign-in?left=1", status_code=303)
    set_strict_cookie(request, response, "session", "", max_age=0)
    return response


def _form(
    request: Request,
    *,
    next: str,
    email: str = "",
    token: str = "",
    person: Person | None = None,
    notice: Notice | None = None,
    status: int = 200,
) -> Response:
    """Return the form, tied to this browser by a cookie that no other site can send."""
    form = request.cookies.get(cookie_name(request, "form")) or secrets.token_urlsafe(24)
    context = {
        "form": form,
        "next": local_path(next),
        "email": email,
        "token": token,
        "person": person,
        "notice": notice,
        "kept": "",
    }
    response = render.page(request, "sign_in.html", context, status=status)
    set_strict_cookie(request, response, "form", form, max_age=HOUR)
    return response


def _require_own_form(request: Request, form: str) -> None:
    require_same_origin(request)
    own = request.cookies.get(cookie_name(request, "form"), "")
    if not own or not secrets.compare_digest(own.encode(), form.encode()):
        raise StaleForm("the sign-in form is from another browser or too old")


def _dead_link(request: Request, error: CasewardError) -> Response:
    notice = Notice(level="bad", title="This link does not work", text=failures.sentence(str(error)))
    return _form(request, next="/", notice=notice, status=404)


def _welcome(request: Request, person: Person, wanted: str) -> Response:
    response = RedirectResponse(local_path(wanted), status_code=303)
    sign_in(request, response, person)
    return response
