"""What comes in and what was understood of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseward.core.ids import ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or the like that a message carries; fetched later, or never."""

    ref: str
    """The vendor's reference, by which it is fetched."""
    kind: str
    """`image`, `audio`, `voice`, `video`, `document`, `sticker`, `location` or `contact`."""
    mime: str = ""
    name: str = ""
    size: int | None = None
    """Bytes, where the vendor says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a channel says of who wrote: asserted by the vendor, proof of nothing else."""

    name: str = ""
    phone: str = ""
    """E.164, where the vendor vouches for the number; empty where it tells none."""
    email: str = ""
    handle: str = ""
    authenticated: bool = True
    """Whether the vendor vouches for the address itself; a mail's From line alone does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing a contact may pick by a button."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is to be said on a channel, before the channel gives it its shape."""

    text: str
    choices: Sequence[Choice] = ()
    template: str = ""
    """Id of the pack's template, for vendors that want wording approved beforehand outside their window."""
    language: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """The template's places as printed, in its order."""
    subject: str = ""
    reply_to: str = ""
    """The vendor's id of the message it answers."""


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
    """`text`, `media`, `location`, `contact`, `choice`, `order`, `reaction`, `system` or `unsupported`."""
    attachments: Sequence[Attachment] = ()
    reply_to: str = ""
    """The vendor's id of the message it answers."""
    choice: str = ""
    """Id of the choice that was picked by a button."""
    sender: Sender = field(default_factory=Sender)


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
