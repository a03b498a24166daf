"""Consent to exactly one draft."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from caseward.core.errors import NotApproved
from caseward.core.ids import CaseId
from caseward.core.task import Draft


class ApprovalState(StrEnum):
    """Where a request for consent stands. All but `open` are final."""

    OPEN = "open"
    APPROVED = "approved"
    EDITED = "edited"
    DENIED = "denied"
    ESCALATED = "escalated"
    EXPIRED = "expired"


class Word(StrEnum):
    """What a person may say to a request (SUP-8)."""

    APPROVE = "approve"
    EDIT = "edit"
    DENY = "deny"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approver's consent to one draft, for one case, until `expires_at`."""

    case_id: CaseId
    approver: str
    """A person's id, or `policy` where the pack lets the tier go out unattended."""
    digest: str
    """SHA-256 of the draft: one changed letter needs a new approval."""
    expires_at: datetime
    """Timezone-aware, UTC."""

    @classmethod
    def of(cls, draft: Draft, *, approver: str, expires_at: datetime) -> Approval:
        """Return consent to exactly `draft`."""
        return cls(case_id=draft.case_id, approver=approver, digest=draft.digest, expires_at=expires_at)

    def require(self, draft: Draft, *, case_id: CaseId, now: datetime) -> None:
        """Return if this approval covers `draft`; raise NotApproved if it does not."""
        if (self.case_id, self.digest) != (case_id, draft.digest) or draft.case_id != case_id:
            raise NotApproved(f"{self.approver} approved something else, not this draft of case {case_id}")
        if now >= self.expires_at:
            raise NotApproved(f"the approval of case {case_id} expired at {self.expires_at:%Y-%m-%d %H:%M %Z}")
