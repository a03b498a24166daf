"""Showing a simulator: its page, in the look that all of them share, from files of pages/.

A page is `<name>.html` (what stands between the bar and the drawer of _page.html), `<name>.js` (a module; look.js has
what all of them need) and, where it must be, `<name>.css`. Nothing is inline and nothing comes from elsewhere. The
script asks `page/state?after=<version>` and sends what was done by `POST page/<verb>`, as JSON.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("pages")
TYPES = {".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

State = Mapping[str, Any]
MOST = 4000
"""Characters of a body that the drawer shows."""


def routes(
    name: str,
    title: str,
    *,
    state: Callable[[int], State | None],
    acts: Mapping[str, Callable[[Mapping[str, Any]], Any]],
) -> list[Route]:
    """Return the routes of a simulator's page: `/`, `/static/…`, `/page/state` and `/page/<verb>`.

    Args:
        name: of its files in pages/.
        title: the vendor's name, as the page shows it.
        state: what the page shows, as JSON with its `version`, if it is newer than the version given; else None.
        acts: verb → what does it with the JSON sent. It runs in a thread and may raise ValueError with words for who
            plays; what it returns is answered as JSON.
    """

    def page(request: Request) -> Response:
        return HTMLResponse(_page(name, title), headers=HEADERS)

    def static(request: Request) -> Response:
        path = FOLDER / request.path_params["file"]
        if path.parent != FOLDER or path.suffix not in TYPES or not path.is_file():
            return Response(status_code=404)
        return Response(path.read_bytes(), media_type=TYPES[path.suffix], headers=HEADERS)

    def show(request: Request) -> Response:
        after = request.query_params.get("after", "")
        shown = state(int(after) if after.isdecimal() else -1)
        return Response(status_code=204) if shown is None else JSONResponse(shown, headers=HEADERS)

    return [
        Route("/", page),
        Route("/static/{file}", static),
        Route("/page/state", show),
        *(Route(f"/page/{verb}", _doing(act), methods=["POST"]) for verb, act in acts.items()),
    ]


def _doing(act: Callable[[Mapping[str, Any]], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def do(request: Request) -> Response:
        """Take JSON alone: another site's form cannot send that without asking first."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "send JSON"}, status_code=415)
        try:
            given = json.loads(await request.body())
            if not isinstance(given, dict):
                raise ValueError("send an object")
            done = await run_in_threadpool(act, given)
        except (ValueError, KeyError) as error:
            return JSONResponse({"error": str(error)}, status_code=422, headers=HEADERS)
        return JSONResponse({} if done is None else done, headers=HEADERS)

    return do


def _page(name: str, title: str) -> str:
    style = f'<link rel="stylesheet" href="static/{name}.css">' if (FOLDER / f"{name}.css").is_file() else ""
    return Template((FOLDER / "_page.html").read_text("utf-8")).substitute(
        name=name,
        title=escape(title),
        letter=escape(title[:1]),
        style=style,
        body=(FOLDER / f"{name}.html").read_text("utf-8"),
    )


class Drawer:
    """Keeps the calls over the wire that a page shows in its drawer, and counts what changed."""

    def __init__(self) -> None:
        self.version = 0
        """Of what there is to see; it grows."""
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._exchanges: list[dict[str, Any]] = []

    def _note(self, way: str, what: str, status: str, sent: str, answered: str, ok: bool) -> None:
        with self._lock:
            row = {"id": next(self._numbers), "at": time.time() * 1000, "way": way, "what": what, "status": status,
                   "ok": ok, "sent": sent[:MOST], "answered": answered[:MOST]}  # fmt: skip
            self._exchanges = [row, *self._exchanges][:50]
            self.version += 1
