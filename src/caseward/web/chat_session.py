"""Which conversation a chat request is about: the one its token opens, and no other.

Programs send the token as `Authorization: Bearer`. The chat page has it in a cookie that no script can read and only
`/chat` receives, so a reload keeps the conversation. In a demo each sample contact has a cookie of its own, so that the
known and the unknown contact can be tried side by side.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from fastapi import Request, Response

from caseward.core.errors import NotFound
from caseward.core.ids import ConversationId
from caseward.desk import tools
from caseward.flows import support
from caseward.settings import Settings
from caseward.store import hashes, messages
from caseward.store.db import transaction
from caseward.web.problems import Problem
from caseward.web.session import StaleForm, address_of, require_same_origin
from caseward.web.throttle import Throttle, site

PATH = "/chat"
DAYS = 30
"""How long a browser keeps its conversation."""
SAMPLE_ID = r"^[A-Za-z0-9_-]{1,64}$"

openings = Throttle(burst=60, per_second=1)
"""Conversations one address may open: a whole office or mobile network may share one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody with a token."""

    conversation_id: ConversationId
    address: str
    """Of the contact on the web-chat channel."""


def required(request: Request, sample: str = "") -> Visit:
    """Return whose request this is; raise Problem for one without a token that opens a conversation."""
    found = maybe(request, sample)
    if found is None:
        fix = "open a conversation with POST /chat/session and send its token as `Authorization: Bearer TOKEN`"
        raise Problem(401, "no_session", f"Authorization: no chat token; {fix}", headers=_CHALLENGE)
    return found


def maybe(request: Request, sample: str = "") -> Visit | None:
    """Return whose request this is, or None; raise Problem for a token that opens nothing, or a foreign page's post."""
    given = request.headers.get("authorization")
    if given is not None:
        return known(_bearer(given))
    if request.method == "POST":
        require_own_page(request)
    return of_cookie(request, sample)


def of_cookie(request: Request, sample: str = "") -> Visit | None:
    """Return the conversation that this browser has, or None."""
    token = request.cookies.get(_cookie(request, sample), "")
    return _of_token(token) if token else None


def known(token: str) -> Visit:
    """Return the conversation that a token opens; raise Problem when it opens none."""
    found = _of_token(token)
    if found is None:
        detail = "Authorization: this token opens no conversation; open one with POST /chat/session"
        raise Problem(401, "no_session", detail, headers=_CHALLENGE)
    return found


def _of_token(token: str) -> Visit | None:
    with transaction():
        row = messages.by_token(hashes.digest(token))
    return Visit(conversation_id=ConversationId(row.id), address=row.address) if row else None


def open_conversation(request: Request, *, language: str, sample: str = "") -> tuple[str, ConversationId]:
    """Open a conversation and return its token and id; raise Problem for too many, or a sample contact not on offer."""
    require_own_page(request)
    settings: Settings = request.app.state.settings
    if sample and not settings.demo:
        detail = "as: sample contacts exist in a demo only; leave it out, or start `caseward demo`"
        raise Problem(403, "not_a_demo", detail)
    counted = site(address_of(request))
    wait = openings.wait(counted) if counted else 0
    if wait:
        detail = "too many conversations were opened from this address; wait a little, or go on in one that is open"
        raise Problem(429, "too_many", detail, headers={"Retry-After": str(math.ceil(wait))})
    try:
        return support.open_chat(language=tools.pack().language(language), sample_contact=sample or None)
    except NotFound as error:
        raise Problem(404, "not_found", f"as: {error}; use an id of the pack's sample records") from None


def require_own_page(request: Request) -> None:
    """Raise Problem when a browser says that another site sent this."""
    try:
        require_same_origin(request)
    except StaleForm:
        detail = "Origin: this was sent by a page of another site; open the chat itself, or send a Bearer token"
        raise Problem(403, "cross_site", detail) from None


def keep(request: Request, response: Response, token: str, sample: str = "") -> None:
    """Have the browser keep a token, or forget the one it has when it is empty."""
    response.set_cookie(
        _cookie(request, sample),
        token,
        max_age=DAYS * 24 * 3600 if token else 0,
        path=PATH,
        httponly=True,
        secure=_is_secure(request),
        samesite="lax",
    )


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,200}", token):
        detail = "Authorization: it should be `Bearer TOKEN`, with the token as it was handed out"
        raise Problem(401, "no_session", detail, headers=_CHALLENGE)
    return token


def _cookie(request: Request, sample: str) -> str:
    name = f"caseward-chat-{sample}" if sample else "caseward-chat"
    return f"__Secure-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="chat"'}
