"""Who is on WhatsApp, and what their chats with the business hold."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True, kw_only=True)
class Said:
    """One message of a chat, as both ends see it."""

    id: str
    """The `wamid`."""
    by: str
    """`customer`, `business` (over the API) or `phone` (a person of the business, from the app)."""
    text: str
    at: datetime
    kind: str = "text"
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What stood in the request, of the business's; of the customer's what stood in the webhook."""
    key: str = ""
    """`biz_opaque_callback_data`."""
    state: str = ""
    """`sent`, `delivered`, `read` or `failed`, of the business's; `read` of the customer's when it was marked so."""
    choices: list[dict[str, str]] = field(default_factory=list)
    reply_to: str = ""
    reactions: dict[str, str] = field(default_factory=dict)
    """`customer` or `business` → emoji."""
    edited: bool = False
    gone: bool = False
    file: str = ""
    """Id of its file."""


@dataclass(slots=True, kw_only=True)
class Phone:
    """One person on WhatsApp."""

    number: str
    """Digits."""
    user_id: str
    """Business-scoped."""
    name: str
    hidden: bool = False
    """Whether the number is kept from the business: webhooks carry the scoped id alone."""
    heard_at: datetime | None = None
    """When they last wrote: the window is open for 24 hours after."""
    typing_until: datetime | None = None
    """The business is writing."""
    stopped: bool = False
    """Whether they want no marketing."""
    chat: list[Said] = field(default_factory=list)
    quota: float = 0
    """Messages that may be sent to them at once, at `quota_at`."""
    quota_at: datetime | None = None

    def ids(self) -> dict[str, str]:
        """Return how a webhook names them as the one who wrote."""
        return {"from_user_id": self.user_id, **({} if self.hidden else {"from": self.number})}

    def contact(self) -> dict[str, Any]:
        """Return the entry of a webhook's `contacts`."""
        known = {} if self.hidden else {"wa_id": self.number}
        return {"profile": {"name": self.name}, "user_id": self.user_id, **known}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a customer sent, as Meta keeps it."""

    content: bytes
    mime: str


class Ids:
    """Ids that look like Meta's and come in order, the same in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def wamid(self, number: str) -> str:
        """Return an id of a message."""
        return "wamid." + base64.b64encode(f"HB{number}S{next(self._numbers):012d}".encode()).decode().rstrip("=")

    def number(self) -> str:
        """Return an id of anything else."""
        return f"8{next(self._numbers):014d}"
