"""From a first proof to a session: at once, or by way of a second factor. And the form that both are shown by."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import segno
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from caseward.desk import tools
from caseward.settings import Settings
from caseward.store import factors, guesses, log, steps
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import render
from caseward.web.card import Notice
from caseward.web.session import (
    StaleForm,
    cookie_name,
    local_path,
    require_same_origin,
    set_strict_cookie,
    sign_in,
)

HOUR = 3600
STEP = "/second-step"


def let_in(request: Request, person: Person, *, method: str, next: str) -> Response:
    """Sign a person in, or ask for a second factor first where they have one or their role needs one."""
    settings: Settings = request.app.state.settings
    needs = person.role in settings.require_second_factor and not person.sample
    with transaction():
        on = factors.of(person.id).on
    if not on and not needs:
        return welcome(request, person, method=method, next=next)
    with transaction():
        secret = "" if on else factors.new_secret()
        token = steps.begin(person.id, method=method, next=local_path(next), secret=secret, now=tools.now())
    response = RedirectResponse(STEP, status_code=303)
    set_strict_cookie(request, response, "step", token, max_age=int(steps.LASTS.total_seconds()))
    return response


def welcome(request: Request, person: Person, *, method: str, next: str) -> Response:
    """Open a session and go where the person wanted to."""
    response = RedirectResponse(local_path(next), status_code=303)
    sign_in(request, response, person, method=method)
    return response


def form(request: Request, template: str, context: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a form for who is not signed in, tied to this browser by a cookie that no other site can send."""
    token = request.cookies.get(cookie_name(request, "form")) or secrets.token_urlsafe(24)
    response = render.page(request, template, {**context, "form": token}, status=status)
    set_strict_cookie(request, response, "form", token, max_age=HOUR)
    return response


def require_own_form(request: Request, form: str) -> None:
    """Return if a form was served to this browser; raise StaleForm."""
    require_same_origin(request)
    own = request.cookies.get(cookie_name(request, "form"), "")
    if not own or not secrets.compare_digest(own.encode(), form.encode()):
        raise StaleForm("the sign-in form is from another browser or too old")


def too_many(error: guesses.TooMany, *, whose: str, title: str = "Not signed in") -> Notice:
    """Record that guessing was stopped, and return the words for it."""
    with transaction():
        log.append("sign_in", "house", {"what": "stopped after too many failures", "whose": whose}, at=tools.now())
    return Notice(level="bad", title=title, text=f"There were too many failures. Try again at {clock(error.until)}.")


def clock(until: datetime) -> str:
    """Return from when something may be tried again, on the next full minute."""
    return render.shown_at(until + timedelta(seconds=59))


def picture(secret: str, person: Person) -> Markup:
    """Return what a phone's camera reads to set up a second factor, as SVG. Nobody outside is asked to draw it."""
    address = factors.address(secret, person, house=tools.pack().profile.title)
    drawn = segno.make(address, error="m").svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None, title="Set-up code"
    )
    return Markup(drawn)  # noqa: S704 - drawn here from squares; the address is not in it as text


def grouped(secret: str) -> str:
    """Return a secret as people type it off: in groups of four."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
