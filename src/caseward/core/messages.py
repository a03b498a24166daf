"""What comes in and what was understood of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from caseward.core.ids import ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One message that came in on a channel, before anything is decided about it."""

    channel: str
    provider_id: str
    """The channel's own id of the message: the same id again is the same message."""
    address: str
    """Where the contact is reached on that channel."""
    text: str
    at: datetime
    kind: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored message of a conversation."""

    id: str
    seq: int
    """Increases over the whole store; what a page polls after."""
    conversation_id: ConversationId
    inbound: bool
    author: str
    """`customer`, `desk`, or a person's id for an internal note."""
    kind: str
    """`text`, or `note` for an internal one that no contact ever sees."""
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What a message means, as far as the local brain and the pack's detectors can tell (SUP-2)."""

    intent: str
    category: str
    severity: str
    sentiment: str
    """`negative`, `neutral` or `positive`."""
    language: str
    entities: Mapping[str, tuple[str, ...]]
    """Entity kind → the values found, in order: email, phone, money, date, time, and the pack's own."""
    signals: tuple[str, ...]
    """Names of the pack's deterministic detectors that fired."""
    confidence: float
    """Of the intent, 0 to 1."""
    flags: Mapping[str, bool] = field(default_factory=dict)
    """Boolean facts that the signals settle, each present and explicit."""
    runner_up: str = ""
