"""How long requests take, for Prometheus; of several processes each writes its figures where all can add them."""

from __future__ import annotations

import os
import time

from prometheus_client import CollectorRegistry, Histogram, multiprocess
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseward.web.serve import SHARED

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNENDING = frozenset({"/chat/stream", "/events"})
UNKNOWN = "unknown"

seconds = Histogram(
    "caseward_http_request_seconds",
    "Time from a request to the end of its answer, streams left out.",
    ("method", "path", "status"),
    buckets=BUCKETS,
    registry=CollectorRegistry(),
)


class Measure:
    """Middleware: counts and times every request by its route, never by its address, which may hold an id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path = getattr(scope.get("route"), "path", UNKNOWN)
            if path not in UNENDING:
                method = scope["method"] if path != UNKNOWN else UNKNOWN
                seconds.labels(method, path, str(status)).observe(time.perf_counter() - began)


def add_to(registry: CollectorRegistry) -> None:
    """Have `registry` tell the figures of this process, or of all processes of this desk."""
    if os.environ.get(SHARED):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(seconds)
