"""What every request passes before it is read: the host it is for, the size and encoding of what it brings.

A body for programs is read here, whole, within its bound and in time, so that nothing behind this door meets an endless
or half-sent one. What nobody foresaw is answered here too, so that no answer lacks the headers that all carry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseward.store.precedence import Ahead
from caseward.web.measure import UNENDING
from caseward.web.problems import Handler, Problem, waited
from caseward.web.security import HEADERS, HOOKS, MAX_HOOK

BOUNDS: Sequence[tuple[str, int]] = (("/chat", 64 * 1024), ("/api/", 256 * 1024), (HOOKS, MAX_HOOK))
"""Path prefix → bytes a body may have; elsewhere security.py's bound holds."""
BODY_SECONDS = 20
"""How long a body may take to arrive."""
ANY = "*"
PROBED = ("/healthz", "/readyz", "/metrics")
"""Asked by machines that know this one by its address only; they tell counts and nothing else."""


class Door:
    """Middleware: refuses what cannot be for us or cannot be read, in words."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], answer: Handler) -> None:
        self._app, self._answer = app, answer
        self._hosts = frozenset(_bare(host) for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and scope["path"] not in UNENDING:
            scope = {**scope, "method": "GET"}  # the server leaves the body out by itself
        started, asker = False, Ahead()

        async def noting(message: Message) -> None:
            nonlocal started
            asker.served()
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            self._require_host(scope)
            _require_plain_address(scope)
            await self._app(scope, await _bounded(scope, receive), noting)
        except ClientDisconnect:
            raise
        except Exception as error:
            if started:
                raise
            if isinstance(error, Problem):
                response = error.response()
            else:
                response = await waited(self._answer(Request(scope), error))
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            await response(scope, receive, noting)
        finally:
            asker.served()

    def _require_host(self, scope: Scope) -> None:
        """Raise Problem for a request that is meant for another site: what a rebinding attack sends."""
        host = _bare(Headers(scope=scope).get("host", ""))
        if ANY not in self._hosts and host not in self._hosts and scope["path"] not in PROBED:
            fix = "use the address of CASEWARD_PUBLIC_URL, or add the name to CASEWARD_ALLOWED_HOSTS"
            raise Problem(400, "wrong_host", f"Host: this desk does not answer to {host[:100]!r}; {fix}")


def _require_plain_address(scope: Scope) -> None:
    """Raise Problem for an address with a zero byte, which no store can look for."""
    if b"%00" in scope.get("raw_path", b"") + scope["query_string"]:
        raise Problem(400, "bad_input", "address: it holds a zero byte (%00); leave it out")


async def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Return what hands out the body, read whole where its path has a bound; raise Problem."""
    bound = next((bytes_ for prefix, bytes_ in BOUNDS if scope["path"].startswith(prefix)), None)
    if bound is None or scope["method"] in ("GET", "HEAD"):
        return receive
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > bound:
        raise _too_large(bound)
    body = await _read(receive, bound)
    if "json" in headers.get("content-type", ""):
        _require_utf8(body)
    return _Replay(body, receive)


async def _read(receive: Receive, bound: int) -> bytes:
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > bound:
                    raise _too_large(bound)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        detail = f"body: it did not arrive whole within {BODY_SECONDS} seconds; send it again"
        raise Problem(408, "too_slow", detail, headers={"Connection": "close"}) from None


def _too_large(bound: int) -> Problem:
    detail = f"body: larger than the {bound // 1024} KB that this path takes; nothing was stored, send less"
    return Problem(413, "too_large", detail, headers={"Connection": "close"})


def _require_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"body: byte {error.start} is not UTF-8; send JSON encoded as UTF-8"
        raise Problem(400, "bad_input", detail) from None


class _Replay:
    """Hands a body out that was read before, then what comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Return the next message."""
        if self._body is None:
            return await self._receive()
        message: dict[str, Any] = {"type": "http.request", "body": self._body, "more_body": False}
        self._body = None
        return message


def _bare(host: str) -> str:
    """Return a host without its port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] if host.count(":") == 1 else host
