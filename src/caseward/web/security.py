"""What every answer of the house carries, and the size of what it takes."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Nothing inline, nothing evaluated, nothing from elsewhere."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""Set where an answer does not say otherwise itself."""
STRICT_TRANSPORT = "max-age=31536000"
MAX_BODY = 1_000_000
"""Bytes a request may send; the longest message and the longest form are far below."""
HOOKS, MAX_HOOK = "/webhooks/", 4_000_000
"""Paths that vendors call, who send many events at once, and the bytes they may send."""


TOO_MUCH = b"This is more than one request may send (1 MB). Nothing was stored.\n"


class TooLarge(Exception):
    """More was sent than MAX_BODY."""


class Security:
    """Middleware: headers on the way out, a bound on what comes in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
            await self._refuse(scope, send, 400, b"An address cannot hold a zero byte. Check it for slips.\n")
            return
        most = MAX_HOOK if scope["path"].startswith(HOOKS) else MAX_BODY
        if _declared(scope) > most:
            await self._refuse(scope, send, 413, TOO_MUCH)
            return
        seen, started = 0, False

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge
            return message

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _protect(message, scope)
            await send(message)

        try:
            await self._app(scope, bounded, with_headers)
        except TooLarge:
            if started:
                raise
            await self._refuse(scope, send, 413, TOO_MUCH)

    async def _refuse(self, scope: Scope, send: Send, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        _protect(start, scope)
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _protect(start: Message, scope: Scope) -> None:
    """Set the headers an answer does not set itself."""
    headers = MutableHeaders(scope=start)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if "frame-ancestors 'none'" not in headers["Content-Security-Policy"]:
        del headers["X-Frame-Options"]  # which knows no sites, and stands back for what the policy says
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)


def _declared(scope: Scope) -> int:
    """Return how many bytes a request says it brings; 0 where it does not say."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0
