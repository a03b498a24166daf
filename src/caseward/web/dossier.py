"""The case file beside a case: who, how surely, what the systems said, what became of the last request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from caseward.core.approval import AGREED, ApprovalState
from caseward.core.case import Case, CaseStatus, Contact, IdentityState
from caseward.core.checks import facts_of
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import WORK_ON_CASES as WORK_ON_CASES
from caseward.core.task import Draft
from caseward.desk import tools
from caseward.store import casefile, contacts, messages
from caseward.store.casefile import CaseFile
from caseward.store.people import Person
from caseward.store.ratings import Rating
from caseward.web import times, words


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
    shown: bool
    """Whether it was just revealed, and stays in sight until the page is left."""


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
    status: str
    at: datetime
    """When it was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A channel on which the contact can be answered."""

    channel: str
    label: str
    address: str
    """Masked."""
    current: bool
    """Replies go there now."""
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One promise of a case: how it stands, and how its time is counted."""

    label: str
    state: str
    level: str
    icon: str
    at: datetime
    due_at: datetime
    started_at: datetime
    left: str
    """Business time that is left of a paused one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """How the contact was served, by their own word."""

    score: int | None
    """1 to 5; None while nobody answered."""
    comment: str
    at: datetime


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
        return Marked(text=proved(file.method), level="ok", icon="user-check")
    if state == IdentityState.MISMATCH:
        return Marked(text="Does not match", level="bad", icon="user-x")
    return Marked(text="Not proved", level="warn", icon="user-x")


def proved(method: str) -> str:
    """Return in words how somebody was verified; `order+email` names what matched."""
    if method == "channel":
        return "Address on record"
    proofs = [words.humane(each).replace("Email", "E-mail") for each in method.split("+") if "+" in method]
    return f"{' and '.join(proofs[:1] + [each.lower() for each in proofs[1:]])} match" if proofs else "Verified"


def private(file: CaseFile, person: Person, reveal: str) -> list[Private]:
    """Return what is personal, masked unless it was just revealed to somebody who may see it."""
    return private_of(file.contact, person, reveal) if file.contact else []


def private_of(contact: Contact, person: Person, reveal: str) -> list[Private]:
    """Return what is personal of a contact, masked unless it was just revealed to somebody who may see it."""
    fields = (
        ("Number", "phone", contact.phone, words.masked_number),
        ("E-mail", "email", contact.email, words.masked_email),
    )
    allowed = person.role in WORK_ON_CASES
    return [
        Private(
            label=label,
            field=field,
            value=value if allowed and reveal == field else mask(value),
            revealable=allowed and reveal != field,
            shown=allowed and reveal == field,
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
        template = words.humane(draft.template.replace("-", "_"))
        pairs.append(Pair(label="Drafted by", value=f"Template “{template}”" if template else "A person"))
    if often := file.case.reopened:
        pairs.append(Pair(label="Reopened", value="Once" if often == 1 else f"{often} times"))
    return pairs


def other(case: Case, pack: Pack) -> Other:
    """Return a case as another one points to it."""
    matter, status = words.matter(pack, case.intent), words.status(case.status)[0]
    return Other(id=case.id, number=case.number, matter=matter, tier=case.tier, status=status, at=case.opened_at)


def reaches(file: CaseFile, *, may_change: bool) -> list[Reach]:
    """Return where the contact can be answered: where replies go now, and the other channels proved to be theirs."""
    here = messages.address(file.case)
    theirs = [f"{each.channel}:{each.address}" for each in contacts.proved(file.contact.id)] if file.contact else []
    found: dict[str, Reach] = {}
    for via in [here, *reversed(theirs)]:
        channel, _, address = via.partition(":")
        masked = words.masked_address(address)
        found.setdefault(
            channel,
            Reach(
                channel=channel,
                label=words.channel(channel),
                address=masked if masked.strip("•") else "",
                current=via == here,
                may_change=may_change and file.case.status is not CaseStatus.CLOSED and _is_called(channel),
            ),
        )
    return [replace(each, may_change=each.may_change and not each.current) for each in found.values()]


def _is_called(channel: str) -> bool:
    """Return whether a channel is connected that brings words to a contact; a web page only shows them."""
    plug = tools.given().channels.get(channel)
    return plug is not None and not plug.pull


def deadlines(file: CaseFile, pack: Pack) -> list[Deadline]:
    """Return the promises of a case, as they stand."""
    return [_deadline(each, pack) for each in file.clocks]


def _deadline(clock: casefile.Deadline, pack: Pack) -> Deadline:
    state, level, icon, at = "Due", "", "clock", clock.due_at
    if clock.breached_at is not None:
        state, level, icon, at = "Missed", "bad", "triangle-alert", clock.breached_at
    elif clock.met_at is not None:
        state, level, icon, at = "Met", "ok", "circle-check", clock.met_at
    elif clock.paused_at is not None:
        state, icon, at = "Paused", "circle-pause", clock.paused_at
    paused = clock.paused_at is not None and clock.met_at is None
    left = pack.hours.between(clock.paused_at, clock.due_at) if paused and clock.paused_at else None
    return Deadline(
        label=times.label(clock.kind),
        state=state,
        level=level,
        icon=icon,
        at=at,
        due_at=clock.due_at,
        started_at=clock.started_at,
        left=times.duration(left) if left is not None else "",
    )


def rated(rating: Rating | None) -> Rated | None:
    """Return what a contact was asked of how they were served; None where they were not asked."""
    if rating is None:
        return None
    return Rated(score=rating.score, comment=rating.comment, at=rating.at or rating.asked_at)
