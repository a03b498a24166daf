"""One case as the page shows it: conversation, card, case file, history and trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from caseward.core.approval import ApprovalState
from caseward.core.case import CaseStatus, IdentityState
from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.core.task import Draft
from caseward.store import casefile, people, trail
from caseward.store.approvals import Request
from caseward.store.casefile import CaseFile
from caseward.store.people import Person
from caseward.web import card, entries, masking, thread, times, words
from caseward.web.card import Card, Composed, Evidence, Notice, Typed
from caseward.web.checks import facts_of
from caseward.web.entries import Told
from caseward.web.thread import Item
from caseward.web.times import Clock
from caseward.web.trace import Drafted, Step, Turn, drafts, turns, work

TABS = {"file": "Case file", "history": "History", "trace": "Trace"}
HISTORY = 200
"""Entries the History tab shows."""


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
class Tab:
    """A tab, a view."""

    label: str
    href: str
    current: bool
    count: int = 0


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
class CasePage:
    """Everything the case templates print."""

    id: str
    href: str
    number: int
    name: str
    tier: Tier | None
    channel: str
    clock: Clock | None
    cut: bool
    thread: Sequence[Item]
    outcome: Outcome | None
    composer: Composer
    tab: str
    tabs: Sequence[Tab]
    identity: Marked
    private: Sequence[Private]
    owner: str
    status: Marked
    matter: str
    readings: Sequence[Reading]
    evidence: Sequence[Evidence]
    earlier: Sequence[Other]
    effort: Sequence[Pair]
    history: Sequence[Told]
    audit_href: str
    trace: Sequence[Turn]
    drafts: Sequence[Drafted]
    work: Sequence[Step]

    @property
    def tab_label(self) -> str:
        """The open tab's name."""
        return TABS[self.tab]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Where a person writes in their own words."""

    reply: bool
    note: bool
    text: str
    notice: Notice | None
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the last request."""

    icon: str
    level: str
    title: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a visitor wants to see a case."""

    href: str
    """Address of this view without tab and act."""
    origin: str = "case"
    tab: str = "file"
    typed: Typed = field(default_factory=Typed)
    composed: Composed = field(default_factory=Composed)
    reveal: str = ""
    """The private field that was just revealed."""
    focus: bool = False


def build(case_id: str, *, person: Person, pack: Pack, now: datetime, wish: Wish) -> tuple[CasePage, Card | None]:
    """Return a case and its card as `person` may see them; raise NotFound for a case that is not theirs to see.

    Needs an open transaction.
    """
    file = casefile.read(case_id)
    require_readable(person, file)
    masked = person.role is Role.ADMIN
    full_name = file.contact.name if file.contact else ""
    hide: Callable[[str], str] = masking.masker(full_name) if masked else masking.unmasked
    name = (words.masked_name(full_name) if masked else full_name) or words.NOBODY
    names = people.names()
    told = [
        entries.told(entry, names=names, numbers={})
        for entry in trail.entries(trail.Filter(case_id=file.case.id), limit=HISTORY)
    ]
    events = [entries.spoken(each) for each in reversed(told) if entries.in_conversation(each)]
    request = file.request
    shown = request or (file.requests[0] if file.requests else None)
    drafted = file.draft(shown.draft_id) if shown else next(iter(file.drafted), None)
    draft = drafted.draft if drafted else None
    page = CasePage(
        id=file.case.id,
        href=wish.href,
        number=file.case.number,
        name=name,
        tier=file.case.tier,
        channel=words.channel(file.case.channel),
        clock=_clock(file, pack, now),
        cut=len(file.messages) > thread.MESSAGES,
        thread=[replace(item, text=hide(item.text)) for item in thread.thread(file, events, name=name, names=names)],
        outcome=None if request else _outcome(file.requests, names),
        composer=_composer(file, person, pack, wish.composed),
        tab=wish.tab if wish.tab in TABS else "file",
        tabs=_tabs(wish),
        identity=_identity(file),
        private=_private(file, person, wish.reveal),
        owner=_owner(file, person, names),
        status=Marked(text=words.status(file.case.status)[0], level=words.status(file.case.status)[1]),
        matter=words.matter(pack, file.case.intent),
        readings=_readings(file, pack, now, hide),
        evidence=[replace(each, quote=hide(each.quote)) for each in card.evidence_of(draft)],
        earlier=[
            Other(id=each.id, number=each.number, matter=words.matter(pack, each.intent), tier=each.tier)
            for each in file.earlier
        ],
        effort=_effort(file, draft),
        history=[replace(each, text=hide(each.text)) for each in told] if wish.tab == "history" else (),
        audit_href=f"/audit?case={file.case.number}",
        trace=turns(pack, file) if wish.tab == "trace" else (),
        drafts=[replace(each, text=hide(each.text)) for each in drafts(file)] if wish.tab == "trace" else (),
        work=work(file, names) if wish.tab == "trace" else (),
    )
    if request is None:
        return page, None
    made = card.build(
        file,
        request,
        pack=pack,
        person=person,
        now=now,
        href=wish.href,
        origin=wish.origin,
        typed=wish.typed,
        focus=wish.focus,
    )
    if masked:
        parts = [replace(part, text=hide(part.text)) for part in made.parts]
        made = replace(made, reply=hide(made.reply), parts=parts, others=())
    return page, made


def require_readable(person: Person, file: CaseFile) -> None:
    """Return if `person` may read the case; raise NotFound if not. On-call reads what an outside system holds up."""
    if person.role is Role.ON_CALL and not _affected(file):
        raise NotFound(f"no case {file.case.id!r}")


def _composer(file: CaseFile, person: Person, pack: Pack, composed: Composed) -> Composer:
    """Return the composer: notes of whoever works on cases, replies while nobody is asked to decide."""
    works = person.role in WORK_ON_CASES
    may_reply = works and bool(words.lanes_of(pack, person.role)) and file.request is None
    return Composer(
        reply=may_reply and file.case.status is not CaseStatus.CLOSED,
        note=works,
        text=composed.text,
        notice=composed.notice,
        open=bool(composed.text),
    )


def _affected(file: CaseFile) -> bool:
    return file.case.status is CaseStatus.PENDING_VERIFICATION or any(
        "degraded" in (decided.body.get("hold"), *(decided.body.get("holds") or ())) for decided in file.decided
    )


def _clock(file: CaseFile, pack: Pack, now: datetime) -> Clock | None:
    deadline = file.deadline
    if deadline is None:
        return None
    return times.clock(
        deadline.kind,
        deadline.due_at,
        now=now,
        tier=file.case.tier,
        paused=deadline.paused,
        closed=not pack.hours.is_open(now),
    )


def _tabs(wish: Wish) -> list[Tab]:
    joint = "&" if "?" in wish.href else "?"
    current = wish.tab if wish.tab in TABS else "file"
    return [
        Tab(label=label, href=f"{wish.href}{joint}tab={tab}#file", current=tab == current)
        for tab, label in TABS.items()
    ]


def _identity(file: CaseFile) -> Marked:
    facts = {fact.name: fact for fact in facts_of(file.decided[0].body)} if file.decided else {}
    state = str(facts["identity"].value) if "identity" in facts else ""
    if file.contact or state == IdentityState.VERIFIED:
        how = {"channel": "Address on record", "invoice+email": "Invoice and e-mail match"}
        return Marked(text=how.get(file.method, "Verified"), level="ok", icon="user-check")
    if state == IdentityState.MISMATCH:
        return Marked(text="Does not match", level="bad", icon="user-x")
    return Marked(text="Not proved", level="warn", icon="user-x")


def _private(file: CaseFile, person: Person, reveal: str) -> list[Private]:
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


WORK_ON_CASES = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})
"""Who answers, writes notes, and may see a whole number or address; each such look is logged."""


def _owner(file: CaseFile, person: Person, names: Mapping[str, str]) -> str:
    return "You" if file.case.owner == person.id else words.who(file.case.owner, names)


def _outcome(requests: Sequence[Request], names: Mapping[str, str]) -> Outcome | None:
    if not requests:
        return None
    last = requests[0]
    who = words.who(last.decided_by, names) if last.decided_by else "Policy"
    icon, level, title = {
        ApprovalState.APPROVED: ("circle-check", "ok", f"{who} approved this"),
        ApprovalState.EDITED: ("circle-check", "ok", f"{who} approved this with other words"),
        ApprovalState.DENIED: ("circle-x", "bad", f"{who} denied this"),
        ApprovalState.ESCALATED: ("arrow-up-right", "warn", f"{who} escalated this"),
        ApprovalState.EXPIRED: ("clock", "bad", "Nobody decided in time, so this counts as denied"),
    }.get(last.state, ("circle-dot", "", last.state))
    text = words.joined([last.question, last.reason, f"Condition: {last.conditions}" if last.conditions else ""])
    return Outcome(icon=icon, level=level, title=title, at=last.decided_at or last.expires_at, text=text)


def _readings(file: CaseFile, pack: Pack, now: datetime, hide: Callable[[str], str]) -> list[Reading]:
    return [
        Reading(
            label=words.humane(each.name),
            value=hide(words.reading(pack, each.values, now)),
            read_at=each.read_at,
            stale=each.expires_at <= now,
        )
        for each in file.readings
    ]


def _effort(file: CaseFile, draft: Draft | None) -> list[Pair]:
    pairs = [Pair(label="Turns", value=str(file.case.turns))]
    if draft:
        pairs.append(Pair(label="Drafted by", value=f"Template {draft.template}" if draft.template else "A person"))
    if file.case.reopened:
        pairs.append(Pair(label="Reopened", value=f"{file.case.reopened} times"))
    return pairs
