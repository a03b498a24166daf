"""Discord's gateway: one socket on which what people write comes in, kept alive by heartbeats, taken up where it broke.

As of https://docs.discord.com/developers/events/gateway. Without a privileged intent Discord shows the words of direct
messages and of those that mention the bot; nothing else is kept.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from threading import Event as Signal
from typing import Any, Final

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from caseward.adapters.channels._picking import part, rows, word
from caseward.core.errors import SystemDown

INTENTS: Final = 1 << 9 | 1 << 12
"""Messages of servers, and direct messages."""
LARGEST = 4 * 1024 * 1024
LOOK_SECONDS = 0.5
"""How soon it is noticed that listening is over."""
KEPT = ("MESSAGE_CREATE", "MESSAGE_UPDATE")
_LOST = frozenset({4003, 4007, 4009})
"""Closing codes after which a session cannot be taken up again."""
_LEAVING = 4000
"""Closing with another code than 1000 and 1001 lets the session be taken up again."""


class Op(IntEnum):
    """What goes over the socket."""

    DISPATCH = 0
    BEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID = 9
    HELLO = 10
    ACK = 11


class Gateway:
    """One bot's session, over however many connections."""

    def __init__(self, token: str) -> None:
        """Prepare; nothing is connected yet."""
        self._token = token
        self._session, self._address, self._own = "", "", ""
        self._seq: int | None = None

    def listen(self, address: str, hear: Callable[[bytes], None], over: Signal) -> None:
        """Hand each message to `hear` until `over` is set; raise SystemDown when the connection is lost.

        The place in the session moves on only after `hear` has returned, so that a message it could not store comes
        again.
        """
        where = self._address if self._session and self._address else address
        try:
            with connect(f"{where}/?v=10&encoding=json", max_size=LARGEST, ping_interval=None) as socket:
                try:
                    self._follow(socket, hear, over)
                finally:
                    socket.close(code=_LEAVING)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 0
            if code in _LOST:
                self._forget()
            raise SystemDown("discord", f"the gateway closed the connection ({code or 'without a word'})") from closed
        except (OSError, WebSocketException) as error:
            raise SystemDown("discord", f"no connection to the gateway ({type(error).__name__})") from error

    def _follow(self, socket: ClientConnection, hear: Callable[[bytes], None], over: Signal) -> None:
        beat, due, answered = 0.0, float("inf"), True
        while not over.is_set():
            if time.monotonic() >= due:
                if not answered:
                    raise SystemDown("discord", "the gateway does not answer its heartbeat")
                self._send(socket, Op.BEAT, self._seq)
                answered, due = False, time.monotonic() + beat
            try:
                said = _object(socket.recv(timeout=min(LOOK_SECONDS, max(0.0, due - time.monotonic()))))
            except TimeoutError:
                continue
            match said.get("op"):
                case Op.HELLO:
                    beat = max(0.05, float(part(said, "d", "heartbeat_interval") or 41250) / 1000)
                    due = time.monotonic() + beat * random.random()  # noqa: S311 - spreads those that reconnect
                    self._introduce(socket)
                case Op.DISPATCH:
                    self._dispatched(said, hear)
                case Op.BEAT:
                    self._send(socket, Op.BEAT, self._seq)
                case Op.ACK:
                    answered = True
                case Op.RECONNECT:
                    raise SystemDown("discord", "the gateway asks to connect anew")
                case Op.INVALID:
                    if said.get("d") is not True:
                        self._forget()
                    raise SystemDown("discord", "the gateway does not know the session")

    def _introduce(self, socket: ClientConnection) -> None:
        if self._session:
            self._send(socket, Op.RESUME, {"token": self._token, "session_id": self._session, "seq": self._seq})
            return
        about = {"os": "linux", "browser": "caseward", "device": "caseward"}
        self._send(socket, Op.IDENTIFY, {"token": self._token, "intents": INTENTS, "properties": about})

    def _dispatched(self, said: Mapping[str, Any], hear: Callable[[bytes], None]) -> None:
        kind, data = said.get("t"), said.get("d")
        if kind == "READY":
            self._session, self._address = word(data, "session_id"), word(data, "resume_gateway_url")
            self._own = word(data, "user", "id")
        elif kind in KEPT and self._is_for_us(data):
            hear(json.dumps({"t": kind, "d": data, "own": self._own}).encode())
        if isinstance(said.get("s"), int):
            self._seq = said["s"]

    def _is_for_us(self, message: object) -> bool:
        author = word(message, "author", "id")
        mentioned = any(word(each, "id") == self._own for each in rows(message, "mentions"))
        return author != self._own and (not part(message, "guild_id") or mentioned)

    def _forget(self) -> None:
        self._session, self._address, self._seq = "", "", None

    @staticmethod
    def _send(socket: ClientConnection, op: int, data: object) -> None:
        socket.send(json.dumps({"op": op, "d": data}))


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
