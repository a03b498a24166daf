"""Who there is on the simulated Telegram, what they wrote, and which updates the bot has yet to take."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

BOT_ID = 7_000_000_001
ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds of update that come only to a bot that asks for them by name."""
KEPT = 60
"""Exchanges that are kept for whoever watches."""

Json = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody with an account."""

    id: int
    name: str
    deactivated: bool = False

    def json(self) -> dict[str, Any]:
        """Return it as the Bot API has it."""
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "en"}


@dataclass(slots=True, kw_only=True)
class Chat:
    """A group, or what one user and the bot say to each other."""

    id: int
    type: str
    title: str
    members: set[int] = field(default_factory=set)
    open: bool = True
    """Whether the bot may write: a user has started it and not blocked it, a group has it in."""
    closed: str = ""
    """Telegram's words for why not."""
    moved_to: int | None = None
    typing: float = 0.0
    """Until when the bot is shown to be writing, by the monotonic clock."""

    def json(self) -> dict[str, Any]:
        """Return it as the Bot API has it."""
        named = {"first_name": self.title} if self.type == "private" else {"title": self.title}
        return {"id": self.id, "type": self.type, **named}


@dataclass(slots=True, kw_only=True)
class Message:
    """Something written in a chat, as it stands now."""

    id: int
    chat: int
    by: int
    """The user, or BOT_ID."""
    at: datetime
    text: str = ""
    entities: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[dict[str, str]]] = field(default_factory=list)
    """Rows of buttons."""
    content: dict[str, Any] = field(default_factory=dict)
    """What it carries besides a text: fields of the Bot API's Message."""
    reply_to: int | None = None
    edited: datetime | None = None
    origin: dict[str, Any] | None = None
    """Of a forwarded one."""
    reactions: dict[int, str] = field(default_factory=dict)
    """User, or BOT_ID → emoji."""

    @property
    def labels(self) -> list[str]:
        """What stands on its buttons, in order."""
        return [button["text"] for row in self.rows for button in row]


@dataclass(slots=True, kw_only=True)
class Update:
    """Something that the bot is to be told."""

    id: int
    chat: int
    body: dict[str, Any]
    due: float
    """When it may go, by the monotonic clock."""
    left: int = 1
    """How often it is still to be sent to a webhook."""
    tries: int = 0
    sending: bool = False


@dataclass(slots=True, kw_only=True)
class Callback:
    """A button that was pressed and waits for an answer."""

    id: str
    user: int
    answer: str | None = None
    """What the user reads; empty for an answer without words."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """An answer that the next call gets, whatever it asks."""

    code: int
    method: str = ""
    """In lower case; empty for any."""
    retry_after: int = 0


class World:
    """All of it. Whoever reads or changes it holds `changed`, a condition on which one may also wait."""

    def __init__(self, token: str, bot: str, clock: Callable[[], datetime]) -> None:
        self.token, self.bot, self.clock = token, bot, clock
        self.changed = threading.Condition(threading.RLock())
        self.version = 0
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[tuple[int, int], Message] = {}
        self.callbacks: dict[str, Callback] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.updates: list[Update] = []
        self.webhook: dict[str, Any] = {}
        self.allowed: frozenset[str] | None = None
        self.privacy = False
        self.over = False
        self.poll = 0
        self.duplicates = 0
        self.shuffled: random.Random | None = None
        self.delay_seconds = 0.0
        self.retry_seconds = 0.2
        self.chat_seconds = 0.0
        self.last_sent: dict[str, float] = {}
        self.faults: deque[Fault] = deque()
        self.dropped: deque[str] = deque()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.exchanges: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.count = itertools.count(1)
        self._update_ids = itertools.count(730_000_001)

    def touch(self) -> None:
        """Tell everybody who waits that something is different."""
        with self.changed:
            self.version += 1
            self.changed.notify_all()

    def tell(self, kind: str, chat: int, content: Json) -> None:
        """Queue an update, if the bot asked for its kind."""
        wanted = kind not in ON_REQUEST if not self.allowed else kind in self.allowed
        if wanted:
            number = next(self._update_ids)
            due = time.monotonic() + self.delay_seconds
            body = {"update_id": number, kind: dict(content)}
            self.updates.append(Update(id=number, chat=chat, body=body, due=due, left=1 + self.duplicates))
        self.touch()

    def keep(self, **fields: Any) -> Message:
        """Store a message, with the next number of its chat."""
        numbers = [number for chat, number in self.messages if chat == fields["chat"]]
        message = Message(id=max(numbers, default=0) + 1, at=self.clock(), **fields)
        self.messages[message.chat, message.id] = message
        self.touch()
        return message

    def json(self, message: Message, *, deep: bool = True) -> dict[str, Any]:
        """Return a message as the Bot API has it; what it answers is not shown to answer anything."""
        shown: dict[str, Any] = {
            "message_id": message.id,
            "from": self.account(message.by),
            "chat": self.chats[message.chat].json(),
            "date": int(message.at.timestamp()),
        }
        if message.origin:
            shown["forward_origin"] = message.origin
        if deep and (answered := self.messages.get((message.chat, message.reply_to or 0))):
            shown["reply_to_message"] = self.json(answered, deep=False)
        if message.edited:
            shown["edit_date"] = int(message.edited.timestamp())
        shown |= message.content
        if message.text:
            shown["caption" if message.content else "text"] = message.text
        if message.entities:
            shown["entities"] = message.entities
        if message.rows:
            shown["reply_markup"] = {"inline_keyboard": message.rows}
        return shown

    def account(self, user: int) -> dict[str, Any]:
        """Return a user, or the bot, as the Bot API has it."""
        if user == BOT_ID:
            return {"id": BOT_ID, "is_bot": True, "first_name": self.bot, "username": f"{self.bot.lower()}_bot"}
        return self.users[user].json()

    def exchanged(self, way: str, what: str, status: int, sent: Any, answered: Any) -> None:
        """Keep what went over the wire, for whoever watches."""
        with self.changed:
            self.exchanges.appendleft({
                "id": next(self.count),
                "at": datetime.now(UTC).isoformat(),
                "way": way,
                "what": what,
                "status": str(status) if status else "no answer",
                "ok": 200 <= status < 300,
                "sent": _shown(sent),
                "answered": _shown(answered),
            })  # fmt: skip
            self.touch()


def _shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
