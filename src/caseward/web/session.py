"""Who is at the door: the session cookie, the roles a page is for, and the proof that a form is ours.

The session cookie is `SameSite=Lax`, so that a link from a chat or an e-mail opens its page; what changes anything is a
POST, and each carries the session's own token and must come from our own pages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form, Request, Response

from caseward.core.errors import Refused
from caseward.core.roles import Role
from caseward.core.text import clean
from caseward.desk import tools
from caseward.settings import Settings
from caseward.store import log, sessions, watching
from caseward.store.db import transaction
from caseward.store.people import Person

EVERYONE = frozenset(Role)
PART = "caseward-part"
"""Header of a request that an open page makes by itself: nobody is at work because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody signed in."""

    person: Person
    csrf: str
    session: str
    """The id of theirs."""
    since: datetime
    """When they signed in."""


class SignInNeeded(Exception):
    """Nobody is signed in; `next` is where they wanted to go, `kept` what they had typed."""

    def __init__(self, next_: str, *, kept: str = "") -> None:
        super().__init__("sign in first")
        self.next, self.kept = next_, kept


class NotForRole(Refused):
    """The page exists, for others; `roles` are those it is for, where that is known."""

    code = "not_for_role"

    def __init__(self, why: str, roles: frozenset[Role] = frozenset()) -> None:
        super().__init__(why)
        self.roles = roles


class StaleForm(Refused):
    """The form is not of this session, or did not come from our pages; `kept` is what was typed into it."""

    code = "stale_form"

    def __init__(self, why: str, *, kept: str = "") -> None:
        super().__init__(why)
        self.kept = kept


def visitor(request: Request) -> Visitor:
    """Return who is signed in; raise SignInNeeded."""
    found = maybe_visitor(request)
    if found is None:
        raise SignInNeeded(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    return found


def maybe_visitor(request: Request) -> Visitor | None:
    """Return who is signed in, or None."""
    token = request.cookies.get(cookie_name(request, "session"))
    if not token:
        return None
    with transaction():
        request.state.seq = watching.newest()  # before the page reads anything: what comes later, its stream tells
        found = sessions.find(token, now=tools.now(), used=PART not in request.headers)
    if found is None:
        return None
    return Visitor(person=found.person, csrf=found.csrf, session=found.id, since=found.opened_at)


def only(roles: frozenset[Role]) -> Callable[[Visitor], Visitor]:
    """Return a dependency that lets these roles in and raises NotForRole for the rest."""

    def guard(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
        if visitor.person.role not in roles:
            raise NotForRole("this page is for other roles", roles)
        return visitor

    return guard


def form_visitor(
    request: Request,
    csrf: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Visitor:
    """Return who posted a form of ours; raise SignInNeeded or StaleForm, which keep the words that were typed."""
    typed = text or reason
    found = maybe_visitor(request)
    if found is None:
        came_from = urlsplit(request.headers.get("referer", ""))
        raise SignInNeeded(came_from.path + (f"?{came_from.query}" if came_from.query else "") or "/", kept=typed)
    try:
        require_same_origin(request)
    except StaleForm as error:
        raise StaleForm(str(error), kept=typed) from None
    if not secrets.compare_digest(csrf.encode(), found.csrf.encode()):
        raise StaleForm("the form is from another session", kept=typed)
    return found


def require_same_origin(request: Request) -> None:
    """Raise StaleForm if the browser says that the form came from another site; return if it is ours or unknown."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise StaleForm("the form was sent from another site")
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise StaleForm("the form was sent from another site")


# --- cookies ----------------------------------------------------------------------------------------------------------


def cookie_name(request: Request, name: str) -> str:
    """Return a cookie's full name: under https only this host can have set it."""
    return f"__Host-caseward-{name}" if secure(request) else f"caseward-{name}"


def sign_in(request: Request, response: Response, person: Person, *, method: str) -> None:
    """Open a session for `person`, end the one this browser had, and set the cookie. `method` says how they came in."""
    settings: Settings = request.app.state.settings
    lasts, now = timedelta(hours=settings.session_hours), tools.now()
    before = request.cookies.get(cookie_name(request, "session"), "")
    with transaction():
        sessions.close(before, now=now)
        token = sessions.open_session(
            person,
            now=now,
            lasts=lasts,
            agent=clean(request.headers.get("user-agent", "")),
            address=address_of(request),
            method=method,
        )
        log.append("sign_in", person.id, {"what": "signed in", "method": method}, at=now)
    response.set_cookie(
        cookie_name(request, "session"),
        token,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        secure=secure(request),
        samesite="lax",
    )


def sign_out(request: Request) -> str:
    """End this browser's session everywhere; return how it was opened, nothing where none was open."""
    token = request.cookies.get(cookie_name(request, "session"))
    if not token:
        return ""
    with transaction():
        closed = sessions.close(token, now=tools.now())
        if closed is None:
            return ""
        log.append("sign_in", closed.person_id, {"what": "signed out"}, at=tools.now())
    return closed.method


def set_strict_cookie(request: Request, response: Response, name: str, value: str, *, max_age: int) -> None:
    """Set a cookie that only our own pages send; an empty value removes it."""
    if value:
        response.set_cookie(
            cookie_name(request, name),
            value,
            max_age=max_age,
            httponly=True,
            secure=secure(request),
            samesite="strict",
        )
    else:
        response.delete_cookie(cookie_name(request, name), secure=secure(request), httponly=True, samesite="strict")


def local_path(wanted: str) -> str:
    """Return `wanted` if it is a path of this site, else `/`: no sign-in may end on a foreign page."""
    parts = urlsplit(wanted)
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return quote(wanted, safe="/?&=#%+:@,;~-._") if plain and not parts.scheme and not parts.netloc else "/"


def address_of(request: Request) -> str:
    """Return the address a request came from, as the server knows it."""
    return request.client.host if request.client else "unknown"


def secure(request: Request) -> bool:
    """Return whether the browser came over TLS."""
    return request.url.scheme == "https"
