"""The case file: one id, one status, one owner at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from caseward.core.ids import CaseId, ContactId, ConversationId
from caseward.core.policy import Tier


class CaseStatus(StrEnum):
    """Where a case stands (SUP-7)."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_APPROVAL = "waiting_approval"
    WAITING_EXECUTION = "waiting_execution"
    PENDING_VERIFICATION = "pending_verification"
    RESOLVED = "resolved"
    CLOSED = "closed"


OURS = frozenset({CaseStatus.NEW, CaseStatus.OPEN, CaseStatus.WAITING_APPROVAL, CaseStatus.WAITING_EXECUTION})
"""Statuses in which the next move is ours, so the clocks run."""

DESK = "desk"
"""Owner of a case that the pipeline carries."""
DONE = frozenset({CaseStatus.RESOLVED, CaseStatus.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A contact's matter, from the first message to the last word."""

    id: CaseId
    number: int
    conversation_id: ConversationId
    contact_id: ContactId | None
    channel: str
    status: CaseStatus
    owner: str
    """A person's id, or `desk` while the pipeline carries the case."""
    language: str
    intent: str
    category: str
    severity: str
    """P1 (urgent) to P4."""
    tier: Tier | None
    questions: int
    """Clarifying questions asked so far; the pack caps them."""
    turns: int
    pending: Mapping[str, Any] = field(default_factory=dict)
    """What we asked the contact and wait for: `{"ask": "identity"}`, `{"ask": "slot", "options": [...]}`."""
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    reopened: int = 0
    """How often it was taken up again after it was settled, `reopened_at` for the last time."""
    reopened_at: datetime | None = None
    version: int = 1
    disposition: str = ""
    woken: tuple[str, ...] = ()
    """Break-glass triggers that woke a person for it, in the order in which they held."""
    reach: str = ""
    """`channel:address` to which replies go, where somebody said so; else they go where the contact wrote last."""
    merged: CaseId | None = None
    """The case that this one is part of now; its number means that one."""
    lease_until: datetime | None = None
    """Until when a person who answers outside the desk keeps it."""
    snoozed_until: datetime | None = None
    """Until when nobody wants to see it; its clocks run on."""

    def leased(self, now: datetime) -> bool:
        """Return whether a person answers outside the desk, so that the desk itself says nothing."""
        return self.lease_until is not None and now < self.lease_until


class IdentityState(StrEnum):
    """How surely we know who writes: the values of the `identity` fact."""

    VERIFIED = "verified"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person outside."""

    id: ContactId
    name: str
    email: str
    phone: str
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who writes, as far as we can prove it."""

    state: IdentityState
    contact: Contact | None = None
    """Set only when verified."""
    method: str = ""
    """How it was proved: `channel` or `invoice+email`."""
    at: datetime | None = None
    claimed: ContactId | None = None
    """Whose proofs were given, where only the registered address itself can prove it (`formal`)."""
    insists: bool = False
    """An unverified person has used up the attempts or goes on without proof."""
