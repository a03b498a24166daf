"""What a channel tells the desk: messages, and everything else that happens on it.

A channel's `parse` turns one webhook body, or one fetched mail, into these. They carry what the vendor asserts and
nothing that was concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from caseward.core.messages import Inbound


class Delivery(StrEnum):
    """How far a reply has come. It only moves forward; failed sticks."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"

    def follows(self, earlier: Delivery | None) -> bool:
        """Return whether a reply that was `earlier` is now this: statuses come late, twice and out of order."""
        order = (None, Delivery.SENT, Delivery.DELIVERED, Delivery.READ)
        if Delivery.FAILED in (self, earlier):
            return self is Delivery.FAILED and earlier in (None, Delivery.SENT)
        return order.index(self) > order.index(earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The vendor says what became of something we sent."""

    channel: str
    provider_id: str
    """The vendor's id of our message."""
    key: str = ""
    """Our own key of it, where the vendor gives it back: settles a sending whose outcome was unknown."""
    state: Delivery
    at: datetime
    error: str = ""
    """The vendor's code and words, for a failure."""
    closed: bool = False
    """Whether it failed because the vendor takes only wording that it approved beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A person of the house answered from the vendor's own app: a second speaker, who takes the case."""

    channel: str
    address: str
    """The contact's."""
    provider_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A contact changed the words of a message, or took it back."""

    channel: str
    address: str
    provider_id: str
    """Of the message that was sent before."""
    text: str
    """The new words; empty when it was taken back."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An address passed to another number, or to another person: nothing proved of it holds any longer."""

    channel: str
    address: str
    now: str = ""
    """The new address, where there is one."""
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced:
    """What we sent came back: the address takes nothing."""

    channel: str
    address: str
    provider_id: str = ""
    """Of our message, where the bounce names it."""
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A contact allows or forbids messages that they did not ask for."""

    channel: str
    address: str
    wanted: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """Somebody in an ops lane pressed a button."""

    channel: str
    person: str
    """The vendor's id of who pressed: what authorises is the person, not the chat."""
    token: str
    """What the button carried."""
    message: str
    """The vendor's id of the message that carries the button."""
    callback: str
    """What to answer, so that the vendor stops waiting."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Somebody wrote something where the team reads: in a group, or to the desk as one of the team."""

    channel: str
    person: str
    """The vendor's id of who wrote."""
    chat: str
    """Where: the vendor's id of the group, or of the person for a direct message."""
    text: str
    reply_to: str = ""
    """The vendor's id of the message that it answers: what a typed verdict is about."""
    message: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The vendor reports an error of its own, about nothing that we could name."""

    channel: str
    code: str
    text: str
    at: datetime


Event: TypeAlias = Inbound | Status | Echo | Edited | Moved | Bounced | Preference | Pressed | Typed | Trouble
