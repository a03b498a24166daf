"""One case as the page shows it: conversation, card, case file, history and trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseward.core.case import DESK, DONE, CaseStatus
from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import casefile, people, trail
from caseward.store.casefile import CaseFile
from caseward.store.people import Person
from caseward.web import card, citations, dossier, entries, masking, thread, times, trying, words
from caseward.web.card import Card, Composed, Notice, Typed
from caseward.web.citations import Evidence
from caseward.web.entries import Told
from caseward.web.thread import Item
from caseward.web.times import Clock
from caseward.web.trace import Drafted, Step, drafts, work
from caseward.web.turns import Turn, turns

TABS = {"file": "Case file", "history": "History", "trace": "Trace"}
HISTORY = 200
"""Entries the History tab shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A tab, a view."""

    label: str
    href: str
    current: bool
    count: int = 0


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
    outcome: dossier.Outcome | None
    composer: Composer
    tab: str
    tabs: Sequence[Tab]
    identity: dossier.Marked
    private: Sequence[dossier.Private]
    owner: str
    status: dossier.Marked
    woken: Notice | None
    """What broke the glass for it."""
    matter: str
    readings: Sequence[dossier.Reading]
    evidence: Sequence[Evidence]
    earlier: Sequence[dossier.Other]
    effort: Sequence[dossier.Pair]
    history: Sequence[Told]
    audit_href: str
    trace: Sequence[Turn]
    may_try: bool
    """Whether the person may try the rules on other facts."""
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
    resolve: bool
    """Whether the person may settle the case here."""
    hand_back: bool
    """Whether a person holds the case, so that it can be given back to the desk."""
    text: str
    notice: Notice | None
    open: bool


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
    hidden = person.role is Role.ADMIN
    full_name = file.contact.name if file.contact else ""
    name = (words.masked_name(full_name) if hidden else full_name) or words.NOBODY
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
        thread=thread.thread(file, events, name=name, names=names),
        outcome=None if request else dossier.outcome(file, names),
        composer=_composer(file, person, pack, wish.composed),
        tab=wish.tab if wish.tab in TABS else "file",
        tabs=_tabs(wish),
        identity=dossier.identity(file),
        private=dossier.private(file, person, wish.reveal),
        owner=dossier.owner(file, person, names),
        status=dossier.Marked(text=words.status(file.case.status)[0], level=words.status(file.case.status)[1]),
        woken=_woken(file, pack),
        matter=words.matter(pack, file.case.intent),
        readings=dossier.readings(file, pack, now),
        evidence=citations.evidence_of(draft),
        earlier=[
            dossier.Other(id=each.id, number=each.number, matter=words.matter(pack, each.intent), tier=each.tier)
            for each in file.earlier
        ],
        effort=dossier.effort(file, draft),
        history=told if wish.tab == "history" else (),
        audit_href=f"/audit?case={file.case.number}",
        trace=turns(pack, file) if wish.tab == "trace" else (),
        may_try=person.role in trying.READERS,
        drafts=drafts(file) if wish.tab == "trace" else (),
        work=work(file, names) if wish.tab == "trace" else (),
    )
    made = None
    if request is not None:
        made = card.build(
            file,
            request,
            pack=pack,
            person=person,
            now=now,
            href=wish.href,
            origin=wish.origin,
            typed=wish.typed,
            names=names,
            focus=wish.focus,
        )
    return masking.masked((page, made), full_name, pack) if hidden else (page, made)


def require_readable(person: Person, file: CaseFile) -> None:
    """Return if `person` may read the case; raise NotFound if not. On-call reads what an outside system holds up."""
    if person.role is Role.ON_CALL and not _affected(file):
        raise NotFound(f"no case {file.case.id!r}")


def _composer(file: CaseFile, person: Person, pack: Pack, composed: Composed) -> Composer:
    """Return the composer: notes of whoever works on cases, replies while nobody is asked to decide."""
    works = person.role in dossier.WORK_ON_CASES
    may_reply = works and bool(words.lanes_of(pack, person)) and file.request is None
    return Composer(
        reply=may_reply and file.case.status is not CaseStatus.CLOSED,
        note=works,
        resolve=may_reply and file.case.status not in DONE,
        hand_back=may_reply and file.case.owner != DESK and file.case.status not in DONE,
        text=composed.text,
        notice=composed.notice,
        open=bool(composed.text),
    )


def _woken(file: CaseFile, pack: Pack) -> Notice | None:
    because = {trigger.id: trigger.because for trigger in pack.policy.triggers}
    told = " ".join(because.get(each, "") for each in file.case.woken)
    return Notice(level="bad", title=words.woken(file.case.woken), text=told) if file.case.woken else None


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
