"""A Telegram of our own: the Bot API as https://core.telegram.org/bots/api documents it, and people to talk to its bot.

A test plays people by `write`, `press`, `forward` and the like (_telegram_people.py); by hand one does the same on the
page at `/`. Users and chats are named by id or by name. Every method may be called from any thread.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from caseward.simulators import serving, showing
from caseward.simulators._telegram_delivery import Courier
from caseward.simulators._telegram_inputs import Refusal
from caseward.simulators._telegram_methods import LIMITED, METHODS
from caseward.simulators._telegram_page import acts, state
from caseward.simulators._telegram_people import People, seeded
from caseward.simulators._telegram_world import Fault, World

TOKEN = "7000000001:simulator"  # noqa: S105 of no real bot
PEOPLE = {1001: "Ana", 1002: "Budi", 1003: "Dewi", 2001: "Citra"}
"""Who there is at first: three of the team, and a contact."""
TEAM = (1001, 1002, 1003)
GROUPS = {-1001000000001: "Ops queue", -1001000000002: "Approvals", -1001000000003: "Incidents"}
_LATER = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 502: "Bad Gateway"}


class Telegram(People):
    """One bot's Telegram."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        bot: str = "Desk",
        clock: Callable[[], datetime] | None = None,
        people: Mapping[int, str] = MappingProxyType(PEOPLE),
        team: Collection[int] = TEAM,
    ) -> None:
        """Set up a Telegram.

        Args:
            token: what the bot must show.
            bot: what it is called.
            clock: gives the dates of messages.
            people: id → name of everybody there is at first.
            team: those of them who are in the groups.
        """
        super().__init__(World(token, bot, clock or (lambda: datetime.now(UTC))))
        seeded(self, people, GROUPS, team)
        self._courier = Courier(self.world, self.call)
        self.app = Starlette(
            lifespan=self._lifespan,
            routes=[
                Route("/bot{token}/{method}", self._called, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._fetched),
                *showing.routes("telegram", "Telegram", state=lambda after: state(self, after), acts=acts(self)),
            ],
        )

    @contextmanager
    def running(self, *, port: int = 0) -> Iterator[str]:
        """Serve it and yield its address. At the end whoever waits for updates gets an answer at once."""
        with serving.running(self.app, port=port) as url:
            try:
                yield url
            finally:
                self.world.over = True
                self.world.touch()

    # --- what goes wrong ---

    def duplicate(self, times: int) -> None:
        """Send each update to the webhook so many times more, as after lost answers."""
        self.world.duplicates = times

    def shuffle(self, seed: int | None) -> None:
        """Send updates to the webhook in any order and side by side; None for each chat's own order again."""
        self.world.shuffled = None if seed is None else random.Random(seed)  # noqa: S311 an order, no secret

    def delay(self, seconds: float) -> None:
        """Hold back what happens from now on for so long."""
        self.world.delay_seconds = seconds

    def limit(self, *, chat_seconds: float) -> None:
        """Take one message to a chat in so many seconds, and answer 429 to any more."""
        self.world.chat_seconds = chat_seconds

    def fail(self, times: int, code: int, *, method: str = "", retry_after: int = 0) -> None:
        """Answer the next calls (of one method) with an error, and do nothing."""
        fault = Fault(code=code, method=method.lower(), retry_after=retry_after)
        with self.world.changed:
            self.world.faults.extend([fault] * times)

    def drop(self, times: int, *, method: str = "sendMessage") -> None:
        """Do what the next calls of a method ask, and cut the connection before answering."""
        with self.world.changed:
            self.world.dropped.extend([method.lower()] * times)

    def calls(self, method: str) -> list[dict[str, Any]]:
        """Return what the bot asked for by a method, in order."""
        with self.world.changed:
            return [given for name, given in self.world.calls if name == method.lower()]

    # --- the Bot API ---

    def call(self, method: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Carry out a method; return the HTTP status and the answer."""
        world, name = self.world, method.lower()
        with world.changed:
            world.calls.append((name, given))
            world.changed.notify_all()
            try:
                self._hinder(name, given)
                if name not in METHODS:
                    raise Refusal(404, "Not Found: method not found")
                answer: dict[str, Any] = {"ok": True, "result": METHODS[name](world, given)}
                status = 200
            except Refusal as refusal:
                answer = {"ok": False, "error_code": refusal.code, "description": refusal.description}
                answer |= {"parameters": refusal.parameters} if refusal.parameters else {}
                status = refusal.code
        if name != "getupdates":  # which comes every half minute and says nothing
            world.exchanged("from the bot", method, status, given, answer)
        return status, answer

    def _hinder(self, name: str, given: Mapping[str, Any]) -> None:
        world = self.world
        fault = next((each for each in world.faults if each.method in ("", name)), None)
        if fault is not None:
            world.faults.remove(fault)
            if fault.code == 429:
                raise Refusal(429, f"Too Many Requests: retry after {fault.retry_after}", retry_after=fault.retry_after)
            raise Refusal(fault.code, f"{_LATER.get(fault.code, 'Error')}: as was asked for on this simulator")
        if world.chat_seconds and name in LIMITED:
            chat, now = str(given.get("chat_id")), time.monotonic()
            left = world.last_sent.get(chat, float("-inf")) + world.chat_seconds - now
            if left > 0:
                raise Refusal(429, f"Too Many Requests: retry after {int(left) + 1}", retry_after=int(left) + 1)
            world.last_sent[chat] = now

    def _known(self, token: str) -> None:
        if token != self.world.token:
            raise Refusal(401, "Unauthorized") if ":" in token else Refusal(404, "Not Found")

    async def _called(self, request: Request) -> Response:
        method = request.path_params["method"]
        try:
            self._known(request.path_params["token"])
            given = await _parameters(request)
        except Refusal as refusal:
            answer = {"ok": False, "error_code": refusal.code, "description": refusal.description}
            return JSONResponse(answer, refusal.code)
        status, answer = await run_in_threadpool(self.call, method, given)
        with self.world.changed:
            if method.lower() in self.world.dropped and status == 200:
                self.world.dropped.remove(method.lower())
                return _Cut()
        return JSONResponse(answer, status)

    async def _fetched(self, request: Request) -> Response:
        path = request.path_params["path"]
        found = [content for where, content in self.world.files.values() if where == path]
        if request.path_params["token"] != self.world.token or not found:
            return JSONResponse({"ok": False, "error_code": 404, "description": "Not Found"}, 404)
        return Response(found[0], media_type="application/octet-stream")

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.world.over = False
        self._courier.start()
        yield
        self.world.over = True
        self.world.touch()


class _Cut(Response):
    """An answer that never comes: the connection ends in its middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a body, and send none of it."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _parameters(request: Request) -> dict[str, Any]:
    """Return what a method is asked with: in the address, as JSON or as a form, where structures are JSON again."""
    given: dict[str, Any] = {name: _read(value) for name, value in request.query_params.items()}
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise Refusal(400, "Bad Request: can't parse JSON object") from None
        return given | body if isinstance(body, dict) else given
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    given[name] = (value.filename or "file", await value.read())
                else:
                    given[name] = _read(value)
    return given


def _read(value: str) -> Any:
    if value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
