"""The case file beside a case: who, how surely, what the systems said, what became of the last request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from caseward.core.approval import AGREED, ApprovalState
from caseward.core.case import IdentityState
from caseward.core.checks import facts_of
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.core.task import Draft
from caseward.store.casefile import CaseFile
from caseward.store.people import Person
from caseward.web import words

WORK_ON_CASES = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})
"""Who answers, writes notes, and may see a whole number or address; each such look is logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Words with an icon and the level they are drawn in."""

    text: str
    level: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """Something personal, masked unless it was just revealed."""

    label: str
    field: str
    value: str
    revealable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a system said about the contact, and how old that is."""

    label: str
    value: str
    read_at: datetime
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another case of the same contact."""

    id: str
    number: int
    matter: str
    tier: Tier | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A name and a value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the last request."""

    icon: str
    level: str
    title: str
    at: datetime
    text: str


def identity(file: CaseFile) -> Marked:
    """Return how surely we know who writes."""
    facts = {fact.name: fact for fact in facts_of(file.decided[0].body)} if file.decided else {}
    state = str(facts["identity"].value) if "identity" in facts else ""
    if file.contact or state == IdentityState.VERIFIED:
        return Marked(text=_proved(file.method), level="ok", icon="user-check")
    if state == IdentityState.MISMATCH:
        return Marked(text="Does not match", level="bad", icon="user-x")
    return Marked(text="Not proved", level="warn", icon="user-x")


def _proved(method: str) -> str:
    """Return in words how somebody was verified; `order+email` names what matched."""
    if method == "channel":
        return "Address on record"
    proofs = [words.humane(each).replace("Email", "E-mail") for each in method.split("+") if "+" in method]
    return f"{' and '.join(proofs[:1] + [each.lower() for each in proofs[1:]])} match" if proofs else "Verified"


def private(file: CaseFile, person: Person, reveal: str) -> list[Private]:
    """Return what is personal, masked unless it was just revealed to somebody who may see it."""
    fields = (
        ("Number", "phone", file.contact.phone if file.contact else "", words.masked_number),
        ("E-mail", "email", file.contact.email if file.contact else "", words.masked_email),
    )
    allowed = person.role in WORK_ON_CASES
    return [
        Private(
            label=label,
            field=field,
            value=value if allowed and reveal == field else mask(value),
            revealable=allowed and reveal != field,
        )
        for label, field, value, mask in fields
        if value
    ]


def owner(file: CaseFile, person: Person, names: Mapping[str, str]) -> str:
    """Return who has the case."""
    return "You" if file.case.owner == person.id else words.who(file.case.owner, names)


def outcome(file: CaseFile, names: Mapping[str, str]) -> Outcome | None:
    """Return what became of the last request; None when nobody was ever asked."""
    if not file.requests:
        return None
    last = file.requests[0]
    consented = [vote.person for vote in file.votes.get(last.id, ())] if last.state in AGREED else []
    who = words.everybody(consented or [last.decided_by], names) if last.decided_by else "Policy"
    icon, level, title = {
        ApprovalState.APPROVED: ("circle-check", "ok", f"{who} approved this"),
        ApprovalState.EDITED: ("circle-check", "ok", f"{who} approved this with other words"),
        ApprovalState.DENIED: ("circle-x", "bad", f"{who} denied this"),
        ApprovalState.ESCALATED: ("arrow-up-right", "warn", f"{who} escalated this"),
        ApprovalState.EXPIRED: ("clock", "bad", "Nobody decided in time, so this counts as denied"),
    }.get(last.state, ("circle-dot", "", last.state))
    text = words.joined([last.question, last.reason, f"Condition: {last.conditions}" if last.conditions else ""])
    return Outcome(icon=icon, level=level, title=title, at=last.decided_at or last.expires_at, text=text)


def readings(file: CaseFile, pack: Pack, now: datetime) -> list[Reading]:
    """Return what systems said about the contact, stale or not."""
    return [
        Reading(
            label=words.humane(each.name),
            value=words.reading(pack, each.values, now),
            read_at=each.read_at,
            stale=each.expires_at <= now,
        )
        for each in file.readings
    ]


def effort(file: CaseFile, draft: Draft | None) -> list[Pair]:
    """Return what the case has taken so far."""
    pairs = [Pair(label="Turns", value=str(file.case.turns))]
    if draft:
        pairs.append(Pair(label="Drafted by", value=f"Template {draft.template}" if draft.template else "A person"))
    if file.case.reopened:
        pairs.append(Pair(label="Reopened", value=f"{file.case.reopened} times"))
    return pairs
