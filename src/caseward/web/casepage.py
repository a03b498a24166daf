"""One case as the page shows it: conversation, card, case file, history and trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from caseward.core.case import DESK, DONE, Case, CaseStatus
from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.desk import macros, notes
from caseward.store import casefile, conversation, merges, people, ratings, trail
from caseward.store.casefile import CaseFile
from caseward.store.conversation import Stretch
from caseward.store.people import Person
from caseward.web import card, citations, dossier, entries, joined, masking, thread, times, trying, words
from caseward.web.card import Card, Composed, Notice, Typed
from caseward.web.citations import Evidence
from caseward.web.entries import Told
from caseward.web.thread import Item, Reader
from caseward.web.times import Clock
from caseward.web.trace import Drafted, Step, drafts, work
from caseward.web.turns import Turn, turns

TABS = {"file": "Case file", "history": "History", "trace": "Trace"}
HEARD = "acknowledgement"
"""Template that says that we heard, and no more."""
HISTORY = 100
"""Entries that one page of the History tab shows."""
LAST = 50
"""Drafts, requests and pieces of work that a page knows of."""
CONTACT_ROLES = dossier.WORK_ON_CASES | {Role.ADMIN}
"""Who sees whole contacts, not only the cases that concern them."""


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
    thread: Sequence[Item]
    earlier_href: str
    """Where what was said before can be read; empty when nothing was."""
    latest_href: str
    """Where what was said last can be read; empty when it is here."""
    merged: dossier.Other | None
    """The case that this one is part of."""
    done: joined.Done | None
    """What was put together or taken apart just now."""
    outcome: dossier.Outcome | None
    composer: Composer
    tab: str
    tabs: Sequence[Tab]
    file_href: str
    """Where the evidence is; empty when it is here."""
    identity: dossier.Marked
    private: Sequence[dossier.Private]
    owner: str
    status: dossier.Marked
    snoozed_until: datetime | None
    woken: Notice | None
    """What broke the glass for it."""
    matter: str
    disposition: str
    """As what it was settled; empty before."""
    contact_href: str
    reaches: Sequence[dossier.Reach]
    """Where the contact can be answered."""
    deadlines: Sequence[dossier.Deadline]
    rating: dossier.Rated | None
    readings: Sequence[dossier.Reading]
    evidence: Sequence[Evidence]
    earlier: Sequence[dossier.Other]
    effort: Sequence[dossier.Pair]
    history: Sequence[Told]
    history_older: str
    """Where the History tab goes on; empty at its end."""
    history_latest: str
    """Where it begins, where this is not it."""
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
class Choice:
    """One thing to choose."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Where a person writes in their own words."""

    reply: bool
    note: bool
    resolve: bool
    """Whether the person may settle the case here."""
    hand_back: bool
    """Whether a person holds the case, so that it can be given back to the desk."""
    reopen: bool
    """Whether the person may take the settled case up again."""
    join: bool
    """Whether the person may put cases together and take them apart."""
    macros: Mapping[str, Sequence[Choice]]
    """Heading → the templates that can be taken into the reply."""
    dispositions: Sequence[Choice]
    people: Sequence[str]
    """Names that a note can call upon."""
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
    before: int = 0
    """Number before which the conversation is shown; 0 for its end."""
    older: int = 0
    """Entry before which the History tab begins; 0 for the latest."""
    done: str = ""
    """The merge or split that was just done."""
    typed: Typed = field(default_factory=Typed)
    composed: Composed = field(default_factory=Composed)
    reveal: str = ""
    """The private field that was just revealed."""
    focus: bool = False
    reading: bool = False
    """Whether the facts behind the request are being read anew."""


def build(case: Case, *, person: Person, pack: Pack, now: datetime, wish: Wish) -> tuple[CasePage, Card | None]:
    """Return a case and its card as `person` may see them; raise NotFound for a case that is not theirs to see.

    Needs an open transaction.
    """
    file = casefile.read(case, last=LAST)
    require_readable(person, file)
    hidden = person.role is Role.ADMIN
    full_name = file.contact.name if file.contact else ""
    name = (words.masked_name(full_name) if hidden else full_name) or words.NOBODY
    everybody = people.every()
    names = {each.id: each.name for each in everybody}
    joins = person.role in dossier.WORK_ON_CASES and bool(words.lanes_of(pack, person))
    said = conversation.stretch(file.case.id, before=wish.before)
    reader = Reader(
        name=name,
        names=names,
        calls=notes.names(names.values()),
        language=file.case.language,
        zone=pack.hours.zone,
        now=now,
        may_open=person.role in dossier.WORK_ON_CASES,
        number=file.case.number,
    )
    logged, more = _history(file.case, names, wish.older) if wish.tab == "history" else ((), 0)
    history_at = with_query(wish.href, tab="history")
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
        thread=thread.thread(
            said.said,
            _events(file.case, said, names, joins=joins),
            reader,
            acknowledged=_acknowledged(pack, file, said),
        ),
        earlier_href=with_query(wish.href, before=said.earlier) if said.earlier else "",
        latest_href=wish.href if said.later else "",
        merged=_merged(pack, file.case),
        done=joined.done(wish.done) if joins else None,
        outcome=None if request else dossier.outcome(file, names),
        composer=_composer(file, person, pack, wish.composed, everybody),
        tab=wish.tab if wish.tab in TABS else "file",
        tabs=_tabs(wish),
        file_href="" if wish.tab not in TABS or wish.tab == "file" else with_query(wish.href, tab="file"),
        identity=dossier.identity(file),
        private=dossier.private(file, person, wish.reveal),
        owner=dossier.owner(file, person, names),
        status=dossier.Marked(text=words.status(file.case.status)[0], level=words.status(file.case.status)[1]),
        snoozed_until=file.case.snoozed_until,
        woken=_woken(file, pack),
        matter=words.matter(pack, file.case.intent),
        disposition=_title(file.case.disposition) if file.case.status in DONE else "",
        contact_href=f"/contacts/{file.contact.id}" if file.contact and person.role in CONTACT_ROLES else "",
        reaches=dossier.reaches(file, may_change=joins),
        deadlines=dossier.deadlines(file, pack),
        rating=dossier.rated(ratings.of(file.case.id)),
        readings=dossier.readings(file, pack, now),
        evidence=citations.evidence_of(draft),
        earlier=[dossier.other(each, pack) for each in file.earlier],
        effort=dossier.effort(file, draft),
        history=logged,
        history_older=f"{history_at}&older={more}#file" if more else "",
        history_latest=f"{history_at}#file" if wish.older else "",
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
            reading=wish.reading,
        )
    return masking.masked((page, made), full_name, pack) if hidden else (page, made)


def require_readable(person: Person, file: CaseFile) -> None:
    """Return if `person` may read the case; raise NotFound if not. On-call reads what an outside system holds up."""
    if person.role is Role.ON_CALL and not _affected(file):
        raise NotFound(f"no case {file.case.id!r}")


def callable_people(case: Case, everybody: Sequence[Person]) -> dict[str, str]:
    """Return id → name of those whom a note in a case can call upon: who may read it."""
    affected = case.status is CaseStatus.PENDING_VERIFICATION
    return {
        each.id: each.name for each in everybody if not each.disabled and (affected or each.role is not Role.ON_CALL)
    }


def _composer(file: CaseFile, person: Person, pack: Pack, composed: Composed, everybody: Sequence[Person]) -> Composer:
    """Return the composer: notes of whoever works on cases, replies while nobody is asked to decide."""
    case = file.case
    works = person.role in dossier.WORK_ON_CASES
    decides = works and bool(words.lanes_of(pack, person))
    may_reply = decides and file.request is None and case.merged is None
    replies = may_reply and case.status is not CaseStatus.CLOSED
    return Composer(
        reply=replies,
        note=works,
        resolve=may_reply and case.status not in DONE,
        hand_back=may_reply and case.owner != DESK and case.status not in DONE,
        reopen=decides and case.status in DONE and case.merged is None,
        join=decides and case.merged is None,
        macros=_macros(case) if replies else {},
        dispositions=_dispositions(pack, case) if may_reply else (),
        people=sorted({name for id, name in callable_people(case, everybody).items() if id != person.id})
        if works
        else (),
        text=composed.text,
        notice=composed.notice,
        open=bool(composed.text or composed.notice),
    )


def _macros(case: Case) -> dict[str, list[Choice]]:
    offered = macros.offered(case)
    groups = {"For this matter": True, "Others": False}
    found = {
        heading: [Choice(value=each.id, label=_title(each.id)) for each in offered if each.fits is fits]
        for heading, fits in groups.items()
    }
    return {heading: choices for heading, choices in found.items() if choices}


def _dispositions(pack: Pack, case: Case) -> list[Choice]:
    """Return how the pack settles matters, those of this case's kind first."""
    own = pack.intents.get(case.intent)
    ordered = [*(own.plans if own else ()), *(plan for each in pack.intents.values() for plan in each.plans)]
    known = dict.fromkeys(plan.disposition for plan in ordered if plan.disposition)
    return [Choice(value=each, label=_title(each)) for each in known]


def _title(code: str) -> str:
    return words.humane(code.replace("-", "_"))


def _events(case: Case, said: Stretch, names: Mapping[str, str], *, joins: bool) -> list[Told]:
    """Return what happened between the messages that are shown, as the conversation tells it."""
    entries_ = conversation.happened(case.id, entries.BETWEEN_MESSAGES, since=said.since, until=said.until)
    kinds: Sequence[merges.Kind] = ("case", "split") if any(each.kind == "link" for each in entries_) and joins else ()
    standing = {merge.id for kind in kinds for merge in merges.standing(kind, of=case.id)}
    pairs = [(entries.told(each, names=names, numbers={}), each.payload) for each in entries_]
    told_ = [
        entries.spoken(told, payload, channel=case.channel, names=names, standing=standing)
        for told, payload in _changes(pairs)
        if entries.in_conversation(told)
    ]
    if told_ and entries.is_opening(pairs[0][1]) and said.said:
        began = min(each.message.at for each in said.said)  # the first words come in before there is a case for them
        told_[0] = replace(told_[0], at=min(told_[0].at, began - timedelta.resolution))
    return told_


def _changes(pairs: Sequence[tuple[Told, Mapping[str, Any] | None]]) -> list[tuple[Told, Mapping[str, Any] | None]]:
    """Return the entries without those that say again what a case is already: the desk follows whoever settled it."""
    fresh, status = [], ""
    for told, payload in pairs:
        now = str((payload or {}).get("status") or "").split(" by ")[0] if told.kind == "case" else ""
        if now and now == status and not (payload or {}).get("disposition"):
            continue
        status = now or status
        fresh.append((told, payload))
    return fresh


def _acknowledged(pack: Pack, file: CaseFile, said: Stretch) -> str:
    """Return the id of the first reply if it only says that we heard; empty otherwise."""
    first = next((each.message for each in said.said if not each.message.inbound and each.message.kind == "text"), None)
    if first is None or said.earlier:
        return ""
    heard = {plan.acknowledge for each in pack.intents.values() for plan in each.plans} | {HEARD}
    sent = conversation.happened(file.case.id, ("send",), since=first.at, until=first.at)
    templates = {each.payload.get("template") for each in sent if each.payload}
    return first.id if templates & heard else ""


def _history(case: Case, names: Mapping[str, str], before: int) -> tuple[Sequence[Told], int]:
    """Return what is logged of a case, the latest first, and the entry before which it goes on; 0 at the end."""
    found = trail.page(trail.Filter(case_id=case.id, before=before), limit=HISTORY)
    return [entries.told(entry, names=names, numbers={}) for entry in found.entries], found.more


def _merged(pack: Pack, case: Case) -> dossier.Other | None:
    return dossier.other(casefile.find(case.merged), pack) if case.merged else None


def with_query(href: str, **more: object) -> str:
    """Return an address of ours with further parts of its query."""
    return f"{href}{'&' if '?' in href else '?'}{urlencode(more)}"


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
    current = wish.tab if wish.tab in TABS else "file"
    return [
        Tab(label=label, href=f"{with_query(wish.href, tab=tab)}#file", current=tab == current)
        for tab, label in TABS.items()
    ]
