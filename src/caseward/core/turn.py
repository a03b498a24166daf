"""The unit of work of support, and all that is known when policy is asked about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caseward.core.case import Who
from caseward.core.facts import Value
from caseward.core.ids import ConversationId
from caseward.core.knowledge import Finding
from caseward.core.messages import Message, Understanding

ASK_IDENTITY, ASK_SLOT = "identity", "slot"
"""What a case may wait to hear from its contact (`Case.pending`)."""
SLOT = "slot:"
"""What the id of an offered time begins with; the instant follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The messages of one conversation collected since the last turn."""

    conversation_id: ConversationId
    number: int
    channel: str
    address: str
    messages: Sequence[Message]
    earlier: str = ""
    """What the contact said before we asked something, when this turn answers it."""
    home: str = ""
    """`channel:address` of the conversation itself; `channel` and `address` are where the contact wrote last."""
    reach: str = ""
    """`channel:address` to which replies go, where somebody said so."""

    @property
    def to(self) -> str:
        """`channel:address` to which replies go."""
        return self.reach or f"{self.channel}:{self.address}"

    @property
    def writers(self) -> frozenset[str]:
        """`channel:address` of everybody who wrote in it."""
        here = self.home or f"{self.channel}:{self.address}"
        return frozenset(message.via or here for message in self.messages)

    @property
    def text(self) -> str:
        """Everything said in the turn; what came without words says nothing."""
        return "\n".join(words for message in self.messages if (words := message.words))

    @property
    def picked(self) -> str:
        """Id of the choice that was picked by a button, the last of several; empty for none."""
        return next((message.choice for message in reversed(self.messages) if message.choice), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a system said about a contact (CTX)."""

    name: str
    values: Mapping[str, Any]
    source: str
    """The system."""
    read_at: datetime
    expires_at: datetime
    """From then on it may no longer be relied on."""
    revision: int
    """An older one never overwrites a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact with where it comes from and when it was read."""

    name: str
    value: Value
    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is known when the gate is asked."""

    understanding: Understanding
    finding: Finding
    who: Who
    facts: Mapping[str, Fact]
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the systems said, for plans and templates."""
    readings: Mapping[str, Reading] = field(default_factory=dict)
    degraded: frozenset[str] = frozenset()
    """Systems that are unhealthy now."""
    heard: Mapping[str, str] = field(default_factory=dict)
    """System that was asked → why it did not answer; empty where it did."""

    def plain(self) -> dict[str, Value]:
        """Return fact name → value, as the gate takes them."""
        return {name: fact.value for name, fact in self.facts.items()}
