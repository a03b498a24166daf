"""A Slack workspace on loopback: the Web API's methods that post and change messages, and the Events API and
interactivity that call the app, as https://docs.slack.dev documents them.

Anybody of the workspace may be played: `say` and `press` call the app as Slack would, signed and, if so set, more than
once. What Slack would refuse is refused here, by the same names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caseward.simulators import _slack_blocks, showing
from caseward.simulators._slack_blocks import Refusal

PEOPLE = {"U0ANA": "Ana", "U0BUDI": "Budi"}
CHANNELS = {"C0OPS": "ops", "C0APPROVALS": "approvals", "C0INCIDENTS": "incidents"}
BOT = "U0DESK"
TOKEN = "xoxb-simulator"  # noqa: S105 - of no real workspace
SIGNING_SECRET = "slack-simulator"  # noqa: S105
MOST_TEXT = 40_000


@dataclass(slots=True, kw_only=True)
class Message:
    """A message of the workspace."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    thread: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    edited: int = 0
    """How often the app changed it."""

    def words(self) -> str:
        """Return every word that people see of it."""
        return "\n".join(_slack_blocks.words(self.blocks)) if self.blocks else self.text


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next calls of a method."""

    error: str = ""
    status: int = 200
    wait: int = 0
    """Seconds that are told to wait."""
    done: bool = False
    """Whether the call is carried out all the same, and only its answer is lost."""
    times: int = 1


class Slack(showing.Drawer):
    """One workspace with one app in it."""

    def __init__(self, *, token: str = TOKEN, secret: str = SIGNING_SECRET, hook: str = "", copies: int = 1) -> None:
        """Set up a workspace.

        Args:
            token: what the app must show.
            secret: with which the workspace signs.
            hook: the app's address for events and interactivity; nothing is sent while empty.
            copies: how often each event is sent, as after a lost answer.
        """
        super().__init__()
        self.token, self.secret, self.hook, self.copies = token, secret, hook, copies
        self.base = ""
        """Address of the simulator itself, which the app is given to answer a pressed button."""
        self.messages: list[Message] = []
        self.whispers: list[tuple[str, str, str]] = []
        """Person, line and channel of what only they were shown."""
        self.faults: dict[str, Fault] = {}
        self._answers: dict[str, tuple[str, str]] = {}
        self._http = httpx2.Client(timeout=10)
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self._called, methods=["GET", "POST"]),
                Route("/answers/{id}", self._answered, methods=["POST"]),
                *showing.routes("slack", "Slack", state=self.state, acts={"say": self._say, "press": self._press}),
            ]
        )

    # --- people ---

    def register(self) -> bool:
        """Ask the app whether the address is its own, as on saving it; return whether it answered rightly."""
        challenge = hashlib.sha256(str(next(self._numbers)).encode()).hexdigest()
        body = json.dumps({"token": "unused", "challenge": challenge, "type": "url_verification"}).encode()
        answer = self.send(body)
        return bool(answer and answer.status_code == 200 and challenge in answer.text)

    def say(self, user: str, channel: str, text: str, *, thread: str = "") -> str:
        """Have somebody write in a channel, or to the app when `channel` is their own id; return the message's ts."""
        room = f"D{user[1:]}" if channel == user else channel
        with self._lock:
            message = self._keep(Message(ts=self._ts(), channel=room, user=user, text=_escape(text), thread=thread))
        self.send(json.dumps(self._event(message)).encode())
        return message.ts

    def press(self, user: str, ts: str, label: str) -> None:
        """Have somebody press the button of that label under a message; ValueError when it has none."""
        message = self._message(ts)
        button = next((each for each in _slack_blocks.buttons(message.blocks) if each["text"]["text"] == label), None)
        if button is None:
            raise ValueError(f"the message has no button {label!r}")
        answer = f"answer{next(self._numbers)}"
        self._answers[answer] = (user, message.channel)
        action = {"type": "button", "action_id": button["action_id"], "block_id": "row0", "text": button["text"],
                  "action_ts": self._ts(), **({"value": button["value"]} if button.get("value") else {})}  # fmt: skip
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": PEOPLE.get(user, user), "team_id": "T0SIM"},
            "api_app_id": "A0SIM",
            "container": {"type": "message", "message_ts": ts, "channel_id": message.channel, "is_ephemeral": False},
            "trigger_id": f"{next(self._numbers)}.1.sim",
            "channel": {"id": message.channel, "name": CHANNELS.get(message.channel, "directmessage")},
            "message": {"ts": ts, "text": message.text},
            "response_url": f"{self.base}/answers/{answer}",
            "actions": [action],
        }
        self.send(urlencode({"payload": json.dumps(payload)}).encode(), form=True)

    def shown(self, channel: str) -> list[Message]:
        """Return what stands in a channel, oldest first; for a person's id, in their direct conversation."""
        room = f"D{channel[1:]}" if channel.startswith("U") else channel
        with self._lock:
            return [each for each in self.messages if each.channel == room]

    # --- calling the app ---

    def headers(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """Return the headers with which a body is sent, signed as of `at`, in Unix seconds."""
        stamp = str(int(time.time() if at is None else at))
        signed = hmac.new(self.secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signed}"}

    def send(self, body: bytes, *, form: bool = False) -> httpx2.Response | None:
        """Call the app, `copies` times with the same body, and return its last answer."""
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        answer = None
        for n in range(self.copies if self.hook else 0):
            retry = {"X-Slack-Retry-Num": str(n), "X-Slack-Retry-Reason": "http_timeout"} if n else {}
            sent = {**self.headers(body), "Content-Type": kind, **retry}
            try:
                answer = self._http.post(self.hook, content=body, headers=sent)
                self._note("to the app", kind, f"{answer.status_code}", body.decode(), answer.text, answer.is_success)
            except httpx2.HTTPError as error:
                self._note("to the app", kind, type(error).__name__, body.decode(), "", False)
        return answer

    def _event(self, message: Message) -> dict[str, Any]:
        event = {
            "type": "message",
            "user": message.user,
            "text": message.text,
            "ts": message.ts,
            "channel": message.channel,
            "channel_type": "im" if message.channel.startswith("D") else "channel",
            "event_ts": message.ts,
            **({"thread_ts": message.thread} if message.thread else {}),
        }
        return {
            "token": "unused",
            "team_id": "T0SIM",
            "api_app_id": "A0SIM",
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):08}",
            "event_time": int(float(message.ts)),
            "authorizations": [{"team_id": "T0SIM", "user_id": BOT, "is_bot": True}],
            "event": event,
        }

    # --- the Web API ---

    async def _called(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._call, request, body)

    def _call(self, request: Request, body: bytes) -> Response:
        method = request.path_params["method"]
        given = dict(request.query_params) if request.method == "GET" else json.loads(body or b"{}")
        fault = self._fault(method)
        answer: dict[str, Any] = {"ok": False, "error": fault.error} if fault else {}
        if fault is None or fault.done:
            try:
                if request.headers.get("authorization") != f"Bearer {self.token}":
                    raise Refusal("invalid_auth")
                act = _METHODS.get(method)
                if act is None:
                    raise Refusal("unknown_method")
                with self._lock:
                    answer = {"ok": True, **act(self, given)}
            except Refusal as refusal:
                answer = {"ok": False, "error": str(refusal)}
        status = fault.status if fault else 200
        headers = {"Retry-After": str(fault.wait)} if fault and fault.wait else {}
        said = json.dumps(answer)
        self._note("from the app", method, str(answer.get("error", status)), body.decode(), said, bool(answer["ok"]))
        return Response(said, status, headers, media_type="application/json")

    def _fault(self, method: str) -> Fault | None:
        with self._lock:
            fault = self.faults.get(method)
            if fault is None:
                return None
            fault.times -= 1
            if fault.times <= 0:
                del self.faults[method]
            return fault

    def _post(self, given: Mapping[str, Any]) -> dict[str, Any]:
        blocks = given.get("blocks") or ()
        _slack_blocks.require(blocks)
        if not given.get("text") and not blocks:
            raise Refusal("no_text")
        if len(str(given.get("text", ""))) > MOST_TEXT:
            raise Refusal("msg_too_long")
        room = self._room(str(given.get("channel", "")))
        message = Message(
            ts=self._ts(), channel=room, user=BOT, text=given.get("text", ""), blocks=blocks,
            thread=given.get("thread_ts", ""), metadata=given.get("metadata") or {},
        )  # fmt: skip
        self._keep(message)
        return {"channel": room, "ts": message.ts, "message": {"text": message.text, "ts": message.ts}}

    def _update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        room = self._room(str(given.get("channel", "")))
        found = [each for each in self.messages if (each.channel, each.ts) == (room, given.get("ts"))]
        if not found:
            raise Refusal("message_not_found")
        if found[0].user != BOT:
            raise Refusal("cant_update_message")
        _slack_blocks.require(given.get("blocks") or ())
        found[0].text, found[0].blocks = given.get("text", ""), given.get("blocks") or ()
        found[0].edited += 1
        self.version += 1
        return {"channel": room, "ts": found[0].ts, "text": found[0].text}

    def _open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        user = str(given.get("users", ""))
        if user not in PEOPLE:
            raise Refusal("user_not_found")
        return {"channel": {"id": f"D{user[1:]}"}}

    def _history(self, given: Mapping[str, Any]) -> dict[str, Any]:
        room = self._room(str(given.get("channel", "")))
        kept = [each for each in self.messages if each.channel == room and not each.thread]
        newest = kept[::-1][: int(given.get("limit", 100))]
        tagged = given.get("include_all_metadata") == "true"
        rows = [
            {"ts": each.ts, "text": each.text, **({"metadata": each.metadata} if tagged else {})} for each in newest
        ]
        return {"messages": rows, "has_more": len(kept) > len(newest)}

    def _test(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"url": "https://sim.slack.com/", "team": "Simulator", "user_id": BOT, "bot_id": "B0DESK"}

    async def _answered(self, request: Request) -> Response:
        pressed = self._answers.get(request.path_params["id"])
        if pressed is None:
            return JSONResponse({"ok": False, "error": "used_url"}, 404)
        given = await request.json()
        with self._lock:
            self.whispers.append((pressed[0], str(given.get("text", "")), pressed[1]))
            self.version += 1
        return JSONResponse({"ok": True})

    # --- keeping ---

    def _room(self, channel: str) -> str:
        direct = channel.startswith("D") and f"U{channel[1:]}" in PEOPLE
        if channel not in CHANNELS and not direct:
            raise Refusal("channel_not_found")
        return channel

    def _message(self, ts: str) -> Message:
        with self._lock:
            found = [each for each in self.messages if each.ts == ts]
        if not found:
            raise ValueError(f"there is no message {ts}")
        return found[0]

    def _keep(self, message: Message) -> Message:
        self.messages.append(message)
        self.version += 1
        return message

    def _ts(self) -> str:
        return f"{int(time.time())}.{next(self._numbers):06}"

    # --- the page ---

    def state(self, after: int) -> dict[str, Any] | None:
        """Return what the page shows, if it changed since version `after`."""
        with self._lock:
            if self.version == after:
                return None
            direct = [{"id": f"D{id[1:]}", "name": f"{name}, direct", "person": id} for id, name in PEOPLE.items()]
            return {
                "version": self.version,
                "rooms": [*({"id": id, "name": f"#{name}"} for id, name in CHANNELS.items()), *direct],
                "people": [{"id": id, "name": name} for id, name in PEOPLE.items()],
                "messages": [_shown(each) for each in self.messages[-200:]],
                "notes": [
                    {"room": room, "text": f"Only {PEOPLE.get(user, user)} is shown: {line}"}
                    for user, line, room in self.whispers[-5:]
                ],
                "exchanges": self._exchanges,
            }

    def _say(self, given: Mapping[str, Any]) -> None:
        text = str(given.get("text", "")).strip()
        if not text:
            raise ValueError("write something first")
        user, room = str(given["user"]), str(given["room"])
        if room.startswith("D"):
            user = room = f"U{room[1:]}"
        self.say(user, room, text, thread=str(given.get("thread", "")))

    def _press(self, given: Mapping[str, Any]) -> None:
        self.press(str(given["user"]), str(given["message"]), str(given["label"]))


_METHODS = {
    "chat.postMessage": Slack._post,
    "chat.update": Slack._update,
    "conversations.open": Slack._open,
    "conversations.history": Slack._history,
    "auth.test": Slack._test,
}


def _shown(message: Message) -> dict[str, Any]:
    return {
        "id": message.ts,
        "room": message.channel,
        "by": PEOPLE.get(message.user, "Desk"),
        "ours": message.user == BOT,
        "text": message.words(),
        "thread": message.thread,
        "edited": bool(message.edited),
        "at": float(message.ts) * 1000,
        "buttons": [
            {"label": each["text"]["text"], "url": each.get("url", "")}
            for each in _slack_blocks.buttons(message.blocks)
        ],
    }


def _escape(text: str) -> str:
    """Return text as an event carries it; whoever types `@desk` mentions the app."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("@desk", f"<@{BOT}>")
