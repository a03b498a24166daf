"""The whole file of one case, as a person reads it: said, decided, asked, done, sent. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from caseward.core.approval import ApprovalState, Vote
from caseward.core.case import Case, Contact
from caseward.core.errors import NotFound
from caseward.core.ids import ApprovalId, CaseId, ContactId
from caseward.core.messages import Message
from caseward.core.policy import Tier
from caseward.core.task import Draft
from caseward.core.turn import Reading
from caseward.store import approvals, cases, contacts, effects, messages, outbox, votes
from caseward.store.approvals import Request
from caseward.store.db import execute
from caseward.store.effects import Task
from caseward.store.outbox import Parcel
from caseward.store.tables import cases as cases_table
from caseward.store.tables import clocks, context, conversations, decisions

TURNS = 10
"""Decisions a page shows."""
DIGITS = 9
"""Most digits a case number has."""
EARLIER = 5
"""Other cases of the contact that a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What the gate made of one turn."""

    turn: int
    at: datetime
    tier: Tier
    release: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A proposed reply with the checks it went through."""

    draft: Draft
    checks: Sequence[Mapping[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One clock of the case."""

    kind: str
    started_at: datetime
    due_at: datetime
    paused_at: datetime | None
    met_at: datetime | None
    breached_at: datetime | None

    @property
    def paused(self) -> bool:
        """Whether it does not run now."""
        return self.paused_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """Everything one page about a case may need."""

    case: Case
    contact: Contact | None
    """None for somebody not identified."""
    method: str
    """How identity was proved; empty when it was not."""
    verified_at: datetime | None
    messages: Sequence[Message]
    """Oldest first, notes included."""
    decided: Sequence[Decided]
    """Newest first."""
    drafted: Sequence[Drafted]
    """Newest first."""
    requests: Sequence[Request]
    """Newest first."""
    votes: Mapping[ApprovalId, Sequence[Vote]]
    """Request → the consents to the words it stands for."""
    tasks: Sequence[Task]
    parcels: Sequence[Parcel]
    clocks: Sequence[Deadline]
    readings: Sequence[Reading]
    """Stale ones too."""
    earlier: Sequence[Case]

    @property
    def request(self) -> Request | None:
        """The open request if there is one, else one whose consent is still held."""
        waiting = [each for each in self.requests if each.state is ApprovalState.OPEN]
        held = [each for each in self.requests if each.held_until is not None]
        return next(iter([*waiting, *held]), None)

    @property
    def deadline(self) -> Deadline | None:
        """The next deadline that still runs, else a paused one."""
        left = [clock for clock in self.clocks if clock.met_at is None]
        return min(left, key=lambda clock: (clock.paused, clock.due_at), default=None)

    def draft(self, draft_id: str) -> Drafted | None:
        """Return a draft of this case."""
        return next((each for each in self.drafted if each.draft.id == draft_id), None)


def read(case: Case | str, *, last: int | None = None) -> CaseFile:
    """Return the file of a case, or of the one of an id or number, with all that was said, drafted, asked and sent, or
    with the last of each; raise NotFound."""
    case = find(case) if isinstance(case, str) else case
    address = execute(select(conversations.c.address).where(conversations.c.id == case.conversation_id)).scalar_one()
    proof = contacts.identity(case.channel, address)
    proved = proof if proof and proof[0].id == case.contact_id else None
    requests = approvals.of_case(case.id, last=last)
    drafted = [
        Drafted(draft=draft, checks=checks, at=at) for draft, checks, at in approvals.drafts_of(case.id, last=last)
    ]
    return CaseFile(
        case=case,
        contact=contacts.get(case.contact_id) if case.contact_id else None,
        method=proved[1] if proved else "",
        verified_at=proved[2] if proved else None,
        messages=messages.of_case(case.id, last=last),
        decided=_decided(case.id),
        drafted=drafted[::-1],
        requests=requests[::-1],
        votes=votes.of(requests),
        tasks=effects.tasks_of(case.id, last=last),
        parcels=outbox.of_case(case.id, last=last),
        clocks=_clocks(case.id),
        readings=_readings(case.contact_id) if case.contact_id else (),
        earlier=_earlier(case, case.contact_id) if case.contact_id else (),
    )


def find(case_id: str) -> Case:
    """Return a case by what somebody typed for its id or number; raise NotFound for what cannot be one too."""
    if case_id.isdigit() and not (case_id.isascii() and len(case_id) <= DIGITS):
        raise NotFound(f"there is no case {case_id}")
    return cases.get(case_id)


def named(ids: Sequence[str]) -> list[tuple[Case, str]]:
    """Return the cases of some ids in their order, each with its contact's name; empty for somebody not identified."""
    found = {each.id: each for each in cases.some(ids)}
    names = contacts.names([each.contact_id for each in found.values() if each.contact_id])
    listed = [found[CaseId(id)] for id in ids if CaseId(id) in found]
    return [(each, names.get(each.contact_id or "", "")) for each in listed]


def numbers(ids: Sequence[str]) -> dict[str, int]:
    """Return case id → number for the ids that exist."""
    rows = execute(select(cases_table.c.id, cases_table.c.number).where(cases_table.c.id.in_(list(ids))))
    return {row.id: row.number for row in rows}


def _decided(case_id: CaseId) -> Sequence[Decided]:
    query = select(decisions).where(decisions.c.case_id == case_id).order_by(decisions.c.id.desc()).limit(TURNS)
    return [
        Decided(turn=row.turn, at=row.at, tier=Tier(row.tier), release=row.release, body=row.body)
        for row in execute(query)
    ]


def _clocks(case_id: CaseId) -> Sequence[Deadline]:
    return [
        Deadline(
            kind=row.kind,
            started_at=row.started_at,
            due_at=row.due_at,
            paused_at=row.paused_at,
            met_at=row.met_at,
            breached_at=row.breached_at,
        )
        for row in execute(select(clocks).where(clocks.c.case_id == case_id).order_by(clocks.c.started_at))
    ]


def _readings(contact_id: ContactId) -> Sequence[Reading]:
    query = select(context).where(context.c.contact_id == contact_id).order_by(context.c.reading)
    return [
        Reading(
            name=row.reading,
            values=row.values,
            source=row.source,
            read_at=row.read_at,
            expires_at=row.expires_at,
            revision=row.revision,
        )
        for row in execute(query)
    ]


def _earlier(case: Case, contact_id: ContactId) -> Sequence[Case]:
    return [other for other in cases.of_contact(contact_id, limit=EARLIER + 1) if other.id != case.id][:EARLIER]
