"""Consent to exactly one draft: by how many, by whom, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from caseward.core.errors import NotApproved
from caseward.core.ids import CaseId
from caseward.core.pack import Lane, Profile
from caseward.core.policy import Decision
from caseward.core.task import Draft


class ApprovalState(StrEnum):
    """Where a request for consent stands. All but `open` are final, unless consent is taken back while it is held."""

    OPEN = "open"
    APPROVED = "approved"
    EDITED = "edited"
    DENIED = "denied"
    ESCALATED = "escalated"
    EXPIRED = "expired"


AGREED = frozenset({ApprovalState.APPROVED, ApprovalState.EDITED})
"""States of a request that was consented to."""


class Word(StrEnum):
    """What a person may say to a request (SUP-8)."""

    APPROVE = "approve"
    EDIT = "edit"
    DENY = "deny"
    ESCALATE = "escalate"


REASONS: Mapping[Word, tuple[str, ...]] = {
    Word.DENY: (
        "Outside policy",
        "The facts do not support it",
        "The reply is wrong or unclear",
        "Another answer is better",
    ),
    Word.ESCALATE: (
        "Chargeback or legal threat",
        "Safety",
        "Harassment or discrimination",
        "High value",
        "Outside policy",
        "Personal data",
        "A system hides the state",
        "Not sure enough",
        "Sources are missing or disagree",
        "The customer asks for a person",
    ),
}
"""Reasons a person can pick (SUP-9) where the pack names none; their own words may follow."""


def reasons(profile: Profile, word: Word) -> tuple[str, ...]:
    """Return the reasons that a person can pick for a verdict; none for one that needs no reason."""
    own = {Word.DENY: profile.reasons.get("deny"), Word.ESCALATE: profile.reasons.get("escalate")}.get(word)
    return own or REASONS.get(word, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What consent takes, as the approval matrix asks for it."""

    needs: int = 1
    """How many people must consent to the same words."""
    hold_seconds: int = 0
    """How long consent can be taken back before anything is done."""
    expires_minutes: int | None = None
    """Business minutes to decide in, and minutes that consent lasts; the lane's own when None."""

    @classmethod
    def of(cls, decision: Decision) -> Terms:
        """Return what a decision of the gate asks for."""
        return cls(needs=decision.needs, hold_seconds=decision.hold_seconds, expires_minutes=decision.expires_minutes)

    @classmethod
    def recorded(cls, body: Mapping[str, Any]) -> Terms:
        """Return what a stored decision asked for; the plain terms for one that says nothing of it."""
        return cls(**{each.name: body[each.name] for each in fields(cls) if each.name in body})

    @property
    def hold(self) -> timedelta:
        """How long consent can be taken back."""
        return timedelta(seconds=self.hold_seconds)


PLAIN = Terms()
"""One person of the lane, and at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """Who could decide when the request was opened: what roles become later does not widen it."""

    roles: tuple[str, ...]
    only: tuple[str, ...] = ()
    """Ids of the only people who could; empty for everybody in the roles."""
    people: tuple[str, ...] = ()
    """Ids of the people of the house who had one of the roles."""

    def had(self, voter: str, *, of_the_house: bool) -> bool:
        """Return whether somebody could decide then; a program's role never changes, so its token is not listed."""
        return (voter in self.people or not of_the_house) and (not self.only or voter in self.only)


def in_lane(lane: Lane, voter: str, role: str) -> bool:
    """Return whether somebody of that role may decide in a lane, as it is now."""
    return role in lane.roles and (not lane.people or voter in lane.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's consent to the words of a request."""

    person: str
    role: str
    word: Word
    """`approve`, or `edit` by who wrote the words."""
    at: datetime
    conditions: str = ""


def agreed(votes: Iterable[Vote]) -> ApprovalState:
    """Return the state of a request that these votes settle."""
    return ApprovalState.EDITED if any(vote.word is Word.EDIT for vote in votes) else ApprovalState.APPROVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Consent to one draft, for one case, until `expires_at`."""

    case_id: CaseId
    approvers: tuple[str, ...]
    """People's ids in the order in which they consented, or `policy` where the pack lets the tier go out unattended."""
    needs: int = 1
    """How many different ones it takes."""
    digest: str
    """SHA-256 of the draft: one changed letter needs a new approval."""
    expires_at: datetime
    """Timezone-aware, UTC."""

    @classmethod
    def of(cls, draft: Draft, *, approver: str, expires_at: datetime) -> Approval:
        """Return one approver's consent to exactly `draft`."""
        return cls(case_id=draft.case_id, approvers=(approver,), digest=draft.digest, expires_at=expires_at)

    def require(self, draft: Draft, *, case_id: CaseId, now: datetime) -> None:
        """Return if this approval covers `draft`; raise NotApproved if it does not."""
        if (self.case_id, self.digest) != (case_id, draft.digest) or draft.case_id != case_id:
            who = " and ".join(self.approvers) or "nobody"
            raise NotApproved(f"{who} approved something else, not this draft of case {case_id}")
        given = len(set(self.approvers))
        if given < max(self.needs, 1):
            raise NotApproved(f"{given} of {self.needs} who are needed have approved this draft of case {case_id}")
        if now >= self.expires_at:
            raise NotApproved(f"the approval of case {case_id} expired at {self.expires_at:%Y-%m-%d %H:%M %Z}")
