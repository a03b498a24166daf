"""A Discord on loopback: direct messages with one bot, its HTTP API, its gateway and signed interactions, as
https://docs.discord.com/developers documents version 10.

Anybody may be played: `write` says something to the bot, in private or in the server, `press` a button under a message.
What Discord would refuse is refused here, by the same codes; the gateway can be cut, and made to forget.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from caseward.simulators import showing

PEOPLE = {"2001": "Kirana", "2002": "Bagus"}
BOT, SERVER, LOBBY = "1000", "3000", "3001"
TOKEN = "discord-simulator"  # noqa: S105 - of no real bot
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(b"discord simulator, of no account"[:32])
PUBLIC_KEY = PRIVATE_KEY.public_key().public_bytes_raw().hex()
MOST_TEXT, MOST_LABEL, MOST_ID = 2000, 80, 100
EPOCH_MS = 1420070400000
POLL_SECONDS = 0.01


class Refusal(Exception):
    """What Discord answers with an error: status, its own code, words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(slots=True, kw_only=True)
class Message:
    """A message with the bot."""

    id: str
    room: str
    author: str
    text: str
    nonce: str = ""
    reply_to: str = ""
    components: Sequence[Mapping[str, Any]] = ()
    reactions: list[str] = field(default_factory=list)
    flags: int = 0


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next calls of a path."""

    status: int
    code: int = 0
    wait: float = 0
    everything: bool = False
    """Whether all calls are to wait."""
    done: bool = False
    """Whether the call is carried out all the same, and only its answer is lost."""
    times: int = 1


class Discord(showing.Drawer):
    """One server with one bot, and the people who write to it."""

    def __init__(self, *, token: str = TOKEN, hook: str = "", beat: float = 41.25) -> None:
        """Set up.

        Args:
            token: what the bot must show.
            hook: the app's address for interactions; nothing is sent while empty.
            beat: seconds between heartbeats that the gateway asks for.
        """
        super().__init__()
        self.token, self.hook, self.beat = token, hook, beat
        self.base = ""
        """Address of the simulator itself, from which the gateway's follows."""
        self.copies = 1
        """How often each message is told, as after a session that was taken up too early."""
        self.messages: list[Message] = []
        self.shut: set[str] = set()
        """People who take no direct messages."""
        self.typing: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.sessions = 0
        """How often the bot introduced itself anew."""
        self.resumed = 0
        self.beats = 0
        self.deaf = False
        """Whether heartbeats are left unanswered."""
        self._told: list[dict[str, Any]] = []
        self._session = ""
        self._cut = 0
        self._http = httpx2.Client(timeout=10)
        self.app = Starlette(
            routes=[
                Route("/api/v10/{path:path}", self._called, methods=["GET", "POST", "PUT"]),
                WebSocketRoute("/gateway/", self._connected),
                *showing.routes("discord", "Discord", state=self.state, acts={"say": self._say, "press": self._press}),
            ]
        )

    # --- people ---

    def write(self, person: str, text: str, *, mention: bool = False, answer_to: str = "", **more: Any) -> str:
        """Have somebody write to the bot, in the server when they `mention` it; return the message's id.

        `more` is put into the message as the gateway tells it.
        """
        room = LOBBY if mention else f"9{person}"
        text = f"<@{BOT}> {text}" if mention else text
        with self._lock:
            message = self._keep(Message(id=self._id(), room=room, author=person, text=text, reply_to=answer_to))
            self._tell("MESSAGE_CREATE", {**self._as_told(message), **more})
        return message.id

    def edit(self, id: str, text: str) -> None:
        """Have somebody change the words of their message."""
        with self._lock:
            message = self._message(id)
            message.text = text
            self.version += 1
            edited = {"edited_timestamp": datetime.now(UTC).isoformat()}
            self._tell("MESSAGE_UPDATE", {**self._as_told(message), **edited})

    def press(self, person: str, id: str, label: str) -> httpx2.Response | None:
        """Have somebody press the button of that label; ValueError when the message has none."""
        message = self._message(id)
        buttons = [each for row in message.components for each in row["components"]]
        button = next((each for each in buttons if each["label"] == label), None)
        if button is None:
            raise ValueError(f"the message has no button {label!r}")
        return self.send(
            {
                "id": self._id(),
                "application_id": BOT,
                "type": 3,
                "token": "interaction",
                "version": 1,
                "channel_id": message.room,
                "user": self._user(person),
                "message": {"id": id, "components": message.components, "content": message.text},
                "data": {"custom_id": button["custom_id"], "component_type": 2},
            }
        )

    def register(self) -> bool:
        """Ping the app's address, as on saving it; return whether it answered rightly."""
        answer = self.send({"id": self._id(), "application_id": BOT, "type": 1, "token": "ping", "version": 1})
        return answer is not None and answer.status_code == 200 and answer.json() == {"type": 1}

    def shown(self, person: str) -> list[Message]:
        """Return what stands in the direct conversation with somebody, oldest first."""
        with self._lock:
            return [each for each in self.messages if each.room == f"9{person}"]

    # --- calling the app ---

    def headers(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """Return the headers with which a body is sent, signed as of `at`, in Unix seconds."""
        stamp = str(int(time.time() if at is None else at))
        return {
            "X-Signature-Timestamp": stamp,
            "X-Signature-Ed25519": PRIVATE_KEY.sign(stamp.encode() + body).hex(),
        }

    def send(self, interaction: Mapping[str, Any]) -> httpx2.Response | None:
        """Call the app with an interaction and return its answer."""
        if not self.hook:
            return None
        body = json.dumps(interaction).encode()
        sent = {**self.headers(body), "Content-Type": "application/json"}
        try:
            answer = self._http.post(self.hook, content=body, headers=sent)
        except httpx2.HTTPError as error:
            self._note("to the app", "interaction", type(error).__name__, body.decode(), "", False)
            return None
        self._note("to the app", "interaction", str(answer.status_code), body.decode(), answer.text, answer.is_success)
        return answer

    # --- the gateway ---

    def cut(self, *, forget: bool = False) -> None:
        """Break the gateway's connections; the session can be taken up again unless it is to `forget`."""
        with self._lock:
            self._cut += 1
            if forget:
                self._session = ""

    async def _connected(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": int(self.beat * 1000)}, "s": None, "t": None})
        place: list[int] = []
        reading = asyncio.create_task(self._read(socket, place))
        cut = self._cut
        try:
            while not reading.done():
                if self._cut != cut:
                    await socket.close(code=4000)
                    return
                while place and place[0] < len(self._told):
                    place[0] += 1
                    await socket.send_json({**self._told[place[0] - 1], "s": place[0]})
                await asyncio.sleep(POLL_SECONDS)
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            reading.cancel()

    async def _read(self, socket: WebSocket, place: list[int]) -> None:
        try:
            while True:
                said = json.loads(await socket.receive_text())
                data = said.get("d")
                if said["op"] == 1:
                    self.beats += 1
                    if not self.deaf:
                        await socket.send_json({"op": 11})
                elif said["op"] in (2, 6) and data.get("token") != self.token:
                    await socket.close(code=4004)
                elif said["op"] == 2:
                    self.sessions += 1
                    self._session = f"session{next(self._numbers)}"
                    self._note("gateway", "IDENTIFY", "ready", json.dumps({"intents": data["intents"]}), "", True)
                    ready = {"v": 10, "session_id": self._session, "user": self._user(BOT),
                             "resume_gateway_url": self._gateway()}  # fmt: skip
                    self._told = [{"op": 0, "t": "READY", "d": ready}]
                    place[:] = [0]
                elif said["op"] == 6 and data["session_id"] == self._session:
                    self.resumed += 1
                    place[:] = [int(data["seq"] or 0)]
                    await socket.send_json({"op": 0, "t": "RESUMED", "d": {}, "s": place[0]})
                elif said["op"] == 6:
                    await socket.send_json({"op": 9, "d": False})
        except (WebSocketDisconnect, RuntimeError):
            return

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        self._told += [{"op": 0, "t": kind, "d": dict(data)}] * self.copies
        self._note("gateway", kind, "told", json.dumps(data), "", True)

    def _gateway(self) -> str:
        return f"{self.base.replace('http', 'ws', 1)}/gateway"

    # --- the HTTP API ---

    async def _called(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._call, request, body)

    def _call(self, request: Request, body: bytes) -> Response:
        path = request.path_params["path"]
        fault = self._fault(path)
        status, answer = 200, dict[str, Any]()
        headers = {}
        if fault is not None:
            status, answer = fault.status, {"code": fault.code, "message": "as it was set to"}
            if fault.wait:
                answer = {
                    "message": "You are being rate limited.",
                    "retry_after": fault.wait,
                    "global": fault.everything,
                }
                headers["Retry-After"] = str(int(fault.wait) + 1)
        if fault is None or fault.done:
            try:
                if request.headers.get("authorization") != f"Bot {self.token}":
                    raise Refusal(401, 0, "401: Unauthorized")
                with self._lock:
                    done = self._do(request.method, path.split("/"), json.loads(body or b"{}"))
                if fault is None:
                    status, answer = (204, {}) if done is None else (200, done)
            except Refusal as refusal:
                status, answer = refusal.status, {"code": refusal.code, "message": str(refusal)}
        self._note(
            "from the app", f"{request.method} {path}", str(status), body.decode(), json.dumps(answer), status < 400
        )
        if status == 204:
            return Response(status_code=204)
        return Response(json.dumps(answer), status, headers, media_type="application/json")

    def _do(self, method: str, path: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any] | None:
        match [method, *path]:
            case ["GET", "gateway", "bot"]:
                return {"url": self._gateway(), "shards": 1}
            case ["POST", "users", "@me", "channels"]:
                if given.get("recipient_id") not in PEOPLE:
                    raise Refusal(400, 50033, "Invalid Recipient(s)")
                return {"id": f"9{given['recipient_id']}", "type": 1}
            case ["POST", "channels", room, "messages"]:
                return self._post(self._room(room), given)
            case ["POST", "channels", room, "typing"]:
                self.typing.append(self._room(room))
                return None
            case ["PUT", "channels", room, "messages", id, "reactions", emoji, "@me"]:
                found = [each for each in self.messages if (each.room, each.id) == (self._room(room), id)]
                if not found:
                    raise Refusal(404, 10008, "Unknown Message")
                found[0].reactions.append(emoji)
                self.version += 1
                return None
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _post(self, room: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if room[1:] in self.shut:
            raise Refusal(403, 50007, "Cannot send messages to this user")
        text, nonce = str(given.get("content", "")), str(given.get("nonce", ""))
        if not text.strip():
            raise Refusal(400, 50006, "Cannot send an empty message")
        if len(text) > MOST_TEXT or len(nonce) > 25 or not _fit(given.get("components") or ()):
            raise Refusal(400, 50035, "Invalid Form Body")
        if nonce and given.get("enforce_nonce"):
            same = [each for each in self.messages if each.nonce == nonce]
            if same:
                return self._as_told(same[0])
        reference = given.get("message_reference") or {}
        if reference and reference.get("fail_if_not_exists", True) is not False:
            self._message(str(reference.get("message_id")))
        message = Message(
            id=self._id(), room=room, author=BOT, text=text, nonce=nonce, flags=int(given.get("flags", 0)),
            reply_to=str(reference.get("message_id", "")), components=given.get("components") or (),
        )  # fmt: skip
        self._tell("MESSAGE_CREATE", {**self._as_told(self._keep(message)), "nonce": nonce})
        return {**self._as_told(message), "nonce": nonce}

    def _fault(self, path: str) -> Fault | None:
        with self._lock:
            name = next((each for each in self.faults if path.endswith(each)), None)
            if name is None:
                return None
            fault = self.faults[name]
            fault.times -= 1
            if fault.times <= 0:
                del self.faults[name]
            return fault

    # --- keeping ---

    def _as_told(self, message: Message) -> dict[str, Any]:
        reference = {"message_reference": {"message_id": message.reply_to}} if message.reply_to else {}
        server = {"guild_id": SERVER} if message.room == LOBBY else {}
        mentions = [self._user(BOT)] if f"<@{BOT}>" in message.text else []
        made = datetime.fromtimestamp(((int(message.id) >> 22) + EPOCH_MS) / 1000, UTC)
        return {
            "id": message.id,
            "channel_id": message.room,
            "author": self._user(message.author),
            "content": message.text,
            "timestamp": made.isoformat(),
            "edited_timestamp": None,
            "type": 19 if message.reply_to else 0,
            "mentions": mentions,
            "attachments": [],
            "components": list(message.components),
            **reference,
            **server,
        }

    def _user(self, id: str) -> dict[str, Any]:
        name = PEOPLE.get(id, "desk")
        return {"id": id, "username": name.lower(), "global_name": name, **({"bot": True} if id == BOT else {})}

    def _room(self, room: str) -> str:
        if room[1:] not in PEOPLE:
            raise Refusal(404, 10003, "Unknown Channel")
        return room

    def _message(self, id: str) -> Message:
        with self._lock:
            found = [each for each in self.messages if each.id == id]
        if not found:
            raise ValueError(f"there is no message {id}")
        return found[0]

    def _keep(self, message: Message) -> Message:
        self.messages.append(message)
        self.version += 1
        return message

    def _id(self) -> str:
        return str((int(time.time() * 1000) - EPOCH_MS) << 22 | next(self._numbers) & 0xFFF)

    # --- the page ---

    def state(self, after: int) -> dict[str, Any] | None:
        """Return what the page shows, if it changed since version `after`."""
        with self._lock:
            if self.version == after:
                return None
            rooms = [{"id": f"9{id}", "name": f"{name}, direct", "person": id} for id, name in PEOPLE.items()]
            return {
                "version": self.version,
                "rooms": [*rooms, {"id": LOBBY, "name": "Server: #lobby"}],
                "people": [{"id": id, "name": name} for id, name in PEOPLE.items()],
                "messages": [_shown(each) for each in self.messages[-200:]],
                "notes": [],
                "exchanges": self._exchanges,
            }

    def _say(self, given: Mapping[str, Any]) -> None:
        text = str(given.get("text", "")).strip()
        if not text:
            raise ValueError("write something first")
        self.write(
            str(given["user"]), text, mention=str(given["room"]) == LOBBY, answer_to=str(given.get("thread", ""))
        )

    def _press(self, given: Mapping[str, Any]) -> None:
        self.press(str(given["user"]), str(given["message"]), str(given["label"]))


def _fit(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether Discord would show these buttons."""
    buttons = [each for row in rows for each in row["components"]]
    return (
        len(rows) <= 5
        and all(row["type"] == 1 and 0 < len(row["components"]) <= 5 for row in rows)
        and all(0 < len(each["label"]) <= MOST_LABEL and 0 < len(each["custom_id"]) <= MOST_ID for each in buttons)
        and len({each["custom_id"] for each in buttons}) == len(buttons)
    )


def _shown(message: Message) -> dict[str, Any]:
    buttons = [each for row in message.components for each in row["components"]]
    return {
        "id": message.id,
        "room": message.room,
        "by": PEOPLE.get(message.author, "Desk"),
        "ours": message.author == BOT,
        "text": message.text + "".join(f" {each}" for each in message.reactions),
        "thread": message.reply_to,
        "edited": False,
        "at": (int(message.id) >> 22) + EPOCH_MS,
        "buttons": [{"label": each["label"], "url": ""} for each in buttons],
    }
