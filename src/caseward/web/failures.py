"""When something goes wrong on a page: what happened, that nothing was lost, what to do. Programs read problems.py."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused, SystemDown, Undeliverable
from caseward.core.naming import ROLES
from caseward.store import outage
from caseward.web import render
from caseward.web.session import NotForRole, SignInNeeded, StaleForm

MACHINE = ("/api/", "/webhooks/", "/chat/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Paths that programs call, whose errors are not pages."""

KEEP = {"reference": "", "kept": "", "back": "/", "back_label": "Go to the start page"}
"""What an error page prints unless told otherwise."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a person reads."""

    status: int
    title: str
    text: str


STATUS: tuple[tuple[type[CasewardError], int], ...] = (
    (BadInput, 400),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Undeliverable, 409),
    (SystemDown, 503),
)
WORDS = {
    400: ("This cannot be used", ""),
    403: ("Not for you", "Your role does not include this. Someone whose role does can do it."),
    404: ("Nothing is here", "The page may have moved, or it belongs to someone else. Check the address."),
    405: ("This page does not take that", "Go back and use the buttons of the page."),
    409: ("This has changed", ""),
    413: ("This is too long", "Nothing was stored. Send less at once."),
    503: ("A system is not answering", "Nothing was lost. Try again in a minute."),
}
UNEXPECTED = Failure(
    status=500,
    title="Something failed on our side",
    text="What you asked for was not done, and nothing was lost. Try again; if it stays, give the reference to the "
    "person who runs this desk.",
)


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a page."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    for kind in (CasewardError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _answer)


def status_of(error: Exception) -> int:
    """Return the HTTP status that an error is."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError):
        return 400
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


async def _sign_in(request: Request, error: Exception) -> Response:
    wanted, kept = (error.next, error.kept) if isinstance(error, SignInNeeded) else ("/", "")
    if kept:
        text = "You were signed out before this was decided. Copy your text, sign in, and repeat the step."
        context = {**KEEP, "title": "Nothing was sent", "text": text, "kept": kept, "back_label": "Sign in"}
        return render.page(request, "error.html", context | {"back": _sign_in_url(wanted)}, status=403)
    return RedirectResponse(_sign_in_url(wanted), status_code=303)


def _sign_in_url(wanted: str) -> str:
    return f"/sign-in?next={quote(wanted, safe='')}"


async def _answer(request: Request, error: Exception) -> Response:
    failure, reference = _describe(error), ""
    if failure.status >= 500:
        reference = secrets.token_hex(4)
        log.error("request failed", path=request.url.path, reference=reference, exc_info=error)
    kept = error.kept if isinstance(error, StaleForm) else ""
    context = {**KEEP, "title": failure.title, "text": failure.text, "reference": reference, "kept": kept}
    return render.page(request, "error.html", context, status=failure.status)


def _describe(error: Exception) -> Failure:
    status = 503 if outage.is_outage(error) else status_of(error)
    if isinstance(error, StaleForm):
        text = "The page was open too long or was not ours. Nothing was done. Open it again and repeat the step."
        return Failure(status=403, title="This form is out of date", text=text)
    if status not in WORDS:
        return (
            UNEXPECTED
            if status >= 500
            else Failure(status=status, title="This did not work", text="Check the address.")
        )
    title, text = WORDS[status]
    if isinstance(error, NotForRole) and error.roles:
        *most, last = [name.lower() for role, name in ROLES.items() if role in error.roles]
        text = f"This is for {', '.join(most)}{' and ' if most else ''}{last}. Ask one of them to do it."
    own = isinstance(error, Refused | BadInput | Conflict) and not isinstance(error, NotForRole)
    if isinstance(error, RequestValidationError):
        fields = ", ".join(sorted({str(each["loc"][-1]) for each in error.errors()}))
        return Failure(status=status, title=title, text=f"These parts are missing or wrong: {fields}.")
    return Failure(status=status, title=title, text=sentence(str(error)) if own else text)


def sentence(words: str) -> str:
    """Return an error's words as a sentence: a capital first, a full stop last."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".") if words else ""
