"""Single sign-on: to the identity provider and back, and whom of the house its word is taken for."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import NotFound, Refused, SystemDown
from caseward.core.ports import SignOn
from caseward.desk import staff, tools
from caseward.store import steps
from caseward.store.db import transaction
from caseward.web import entering, failures
from caseward.web.card import Notice
from caseward.web.session import cookie_name, local_path, secure

HERE, BACK = "/sso", "/sso/back"
COOKIE = "sso"

router = APIRouter()


@router.get(HERE)
def go(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Send the browser to the provider, with what it has to bring back."""
    provider = _provider()
    with transaction():
        state, errand = steps.send_off(next=local_path(next), now=tools.now())
    try:
        address = provider.way_in(back=_back(request), state=state, nonce=errand.nonce, verifier=errand.verifier)
    except SystemDown as error:
        return _not_in(
            request, f"{provider.name} is not answering. Try again in a minute, or use your password.", error
        )
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(  # lax: it has to come along when the provider sends the browser back
        cookie_name(request, COOKIE),
        state,
        max_age=int(steps.LASTS.total_seconds()),
        httponly=True,
        secure=secure(request),
        samesite="lax",
    )
    return response


@router.get(BACK)
def come_back(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Take the provider's word, if this browser was sent there and nobody used it before."""
    provider, now = _provider(), tools.now()
    own = request.cookies.get(cookie_name(request, COOKIE), "")
    with transaction():
        errand = (
            steps.come_back(state, now=now) if own and secrets.compare_digest(own.encode(), state.encode()) else None
        )
    if errand is None:
        return _not_in(request, "This sign-in was begun in another browser, too long ago, or used before. Begin again.")
    if error or not code:
        said = "You did not go on there." if error == "access_denied" else f"It said: {error or 'nothing'}."
        return _not_in(request, f"{provider.name} did not sign you in. {said}")
    try:
        known = provider.known(code, back=_back(request), nonce=errand.nonce, verifier=errand.verifier, now=now)
        with transaction():
            person = staff.come_by_provider(known, roles=request.app.state.settings.oidc_roles)
    except SystemDown as down:
        return _not_in(request, f"{provider.name} is not answering. Try again in a minute, or use your password.", down)
    except Refused as refused:
        return _not_in(request, failures.sentence(str(refused)), refused)
    response = entering.welcome(request, person, method="provider", next=errand.next)
    response.delete_cookie(cookie_name(request, COOKIE), secure=secure(request), httponly=True, samesite="lax")
    return response


def _provider() -> SignOn:
    provider = tools.given().sign_on
    if provider is None:
        raise NotFound("there is no single sign-on here")
    return provider


def _back(request: Request) -> str:
    return f"{request.app.state.settings.base_url}{BACK}"


def _not_in(request: Request, text: str, error: Exception | None = None) -> Response:
    if error is not None:
        failures.log.warning("single sign-on failed", why=str(error)[:300])
    provider = tools.given().sign_on
    context = {
        "next": "/", "email": "", "token": "", "link": None, "way_out": "", "minimum": 0,
        "provider": provider.name if provider else "",
        "notice": Notice(level="bad", title="Not signed in", text=text),
    }  # fmt: skip
    return entering.form(request, "sign_in.html", context, status=503 if isinstance(error, SystemDown) else 403)
