"""Sign in by password or by link, and out again.

A link is opened by a GET, which link previews also do, so a GET only asks; the button's POST signs in.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, NotFound
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import guesses, log, passwords, people
from caseward.store.db import transaction
from caseward.store.people import Kind, Link
from caseward.web import entering, failures
from caseward.web.card import Notice
from caseward.web.session import (
    address_of,
    local_path,
    maybe_visitor,
    require_same_origin,
    set_strict_cookie,
    sign_out,
)

router = APIRouter()


@router.get("/sign-in")
def ask(request: Request, next: str = "/", left: str = "", trouble: str = "") -> Response:
    """Ask for e-mail and password."""
    if maybe_visitor(request) is not None and not trouble:
        return RedirectResponse(local_path(next), status_code=303)
    notice = Notice(level="info", title="You are signed out", text="", icon="info") if left else None
    if trouble == "step":
        notice = Notice(level="bad", title="Not signed in", text="That took too long or failed too often. Begin again.")
    return _form(request, next=next, notice=notice, left=left)


@router.post("/sign-in")
def by_password(
    request: Request,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    form: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in with e-mail and password."""
    entering.require_own_form(request, form)
    email = clean(email)
    try:
        person = passwords.check(email, password, address=address_of(request), now=tools.now())
    except guesses.TooMany as error:
        notice = entering.too_many(error, whose=email.strip().lower())
        return _form(request, next=next, email=email, notice=notice, status=429)
    if person is None:
        text = "E-mail or password is not right. Check both, or ask for a sign-in link."
        return _form(
            request, next=next, email=email, notice=Notice(level="bad", title="Not signed in", text=text), status=403
        )
    return entering.let_in(request, person, method="password", next=next)


@router.get("/sign-in/{token}")
def by_link_ask(request: Request, token: str, next: str = "/") -> Response:
    """Ask whether to sign in as the person of the link, or for the password they choose."""
    try:
        with transaction():
            found = people.linked(token, now=tools.now())
    except NotFound as error:
        return _dead_link(request, error)
    return _form(request, next=next, token=token, link=found)


@router.post("/sign-in/{token}")
def by_link(
    request: Request,
    token: str,
    form: Annotated[str, Form()] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in as the person of the link; one that invites or resets takes the password they choose."""
    entering.require_own_form(request, form)
    try:
        with transaction():
            found = people.linked(token, now=tools.now())
    except NotFound as error:
        return _dead_link(request, error)
    try:
        hashed = "" if found.kind is Kind.SIGN_IN else _chosen(found, password, again)
        with transaction():
            people.use_link(token, now=tools.now())
            if hashed:
                passwords.set_for(found.person.id, hashed, now=tools.now())
                log.append("sign_in", found.person.id, {"what": "password set", "method": found.kind}, at=tools.now())
    except NotFound as error:
        return _dead_link(request, error)
    except BadInput as error:
        notice = Notice(level="bad", title="Choose another password", text=failures.sentence(str(error)))
        return _form(request, next=next, token=token, link=found, notice=notice, status=400)
    return entering.let_in(request, found.person, method="link" if not hashed else found.kind, next=next)


@router.post("/sign-out")
def leave(request: Request) -> Response:
    """End the session everywhere. Needs no token of the form: being signed out by a stranger harms nobody."""
    require_same_origin(request)
    by_provider = sign_out(request) == "provider"
    response = RedirectResponse(f"/sign-in?left={'provider' if by_provider else 'here'}", status_code=303)
    set_strict_cookie(request, response, "session", "", max_age=0)
    return response


def _chosen(found: Link, password: str, again: str) -> str:
    """Return the hash of a password that somebody chose; raise BadInput."""
    if password != again:
        raise BadInput("the two passwords differ; type the same twice")
    return passwords.make(password, person=found.person)


def _form(
    request: Request,
    *,
    next: str,
    email: str = "",
    token: str = "",
    link: Link | None = None,
    notice: Notice | None = None,
    left: str = "",
    status: int = 200,
) -> Response:
    provider = tools.given().sign_on
    context = {
        "next": local_path(next),
        "email": email,
        "token": token,
        "link": link,
        "notice": notice,
        "provider": provider.name if provider else "",
        "way_out": provider.way_out(f"{request.app.state.settings.base_url}/sign-in")
        if provider and left == "provider"
        else "",
        "minimum": passwords.MINIMUM,
    }
    return entering.form(request, "sign_in.html", context, status=status)


def _dead_link(request: Request, error: CasewardError) -> Response:
    notice = Notice(level="bad", title="This link does not work", text=failures.sentence(str(error)))
    return _form(request, next="/", notice=notice, status=404)
