"""What comes in and what was understood of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseward.core.ids import ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or the like that a message carries; fetched later, or never."""

    ref: str
    """The vendor's reference, by which it is fetched; empty for what is whole in the message, such as a location."""
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
    """Only where the receiving server found the mail authentic (SPF or DKIM, aligned by DMARC); empty otherwise."""

    def wrote_from(self, address: str) -> bool:
        """Return whether a message is surely from its address: anybody can write any name on a mail."""
        return "@" not in address or self.email.casefold() == address.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing a contact may pick by a button."""

    id: str
    """What comes back when it is picked."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Wording that a vendor approved beforehand, with what fills its places."""

    name: str
    language: str
    """The vendor's code, such as `en_US`."""
    values: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Wording as its vendor keeps it."""

    name: str
    language: str
    """The vendor's code, such as `en_US`."""
    status: str
    """The vendor's word in lower case: `approved`, `pending`, `rejected`, `paused` and more."""
    text: str
    """With places such as `{{1}}`."""
    why: str = ""
    """Of one that was rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is to be said on a channel, before the channel gives it its shape."""

    text: str
    choices: Sequence[Choice] = ()
    approved: Approved | None = None
    """Said in place of the text, where the vendor takes no free words now."""
    subject: str = ""
    """Of a mail."""
    reply_to: str = ""
    """The vendor's id of the message it answers."""
    thread: Sequence[str] = ()
    """Ids of the earlier messages of a mail's thread, oldest first."""
    case: str = ""
    """The number of the case that it belongs to: a mail's token."""


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
    subject: str = ""
    """Of a mail."""
    case: str = ""
    """The number of a case that the message names as ours: a mail's token. A hint, no proof."""
    automatic: bool = False
    """Whether a machine wrote it: an auto-reply or a list's mail, which is stored and never answered."""


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
    provider_id: str = ""
    """The channel's own id of it, for what came in."""
    choice: str = ""
    """Id of the choice that was picked by a button."""
    via: str = ""
    """`channel:address` through which it came, where that is another than its conversation's own."""
    sender: Sender = field(default_factory=Sender)
    choices: Sequence[Choice] = ()
    """What the contact may pick as an answer, for what the desk said."""

    @property
    def words(self) -> str:
        """What it says; nothing where its text only names what it is, such as `[image]` or `[document] invoice.pdf`.

        An order says what is wanted, whether a word stands beside it or not.
        """
        if self.kind in ("text", "choice", "order"):
            return self.text
        return "" if (_FILE if self.kind == "media" else _NAMED).fullmatch(self.text) else self.text


_NAMED = re.compile(r"\[[^\[\]\n]*\][^\n]*")
_FILE = re.compile(r"\[(?:image|audio|voice|video|document|sticker|media)\][^\n]*|\[forwarded\]")
"""A file's own text is its caption, which may begin with a bracket as well."""


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
