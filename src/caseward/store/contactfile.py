"""All that is known of one contact, as a person reads it: addresses, wishes, cases, words and ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.core.case import Case, Contact
from caseward.core.errors import NotFound
from caseward.core.ids import CaseId, ContactId
from caseward.store import cases, contacts, db, merges, ratings
from caseward.store.contacts import Proved
from caseward.store.merges import Merge
from caseward.store.ratings import Rating

CASES, WORDS, RATINGS, ADDRESSES = 50, 50, 10, 50
"""How many of each a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an address last said of messages that it did not ask for."""

    wanted: bool
    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An address at which a case of the contact's goes on."""

    channel: str
    address: str
    case_id: CaseId
    number: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message of one of the contact's cases."""

    seq: int
    case_id: CaseId
    number: int
    channel: str
    """By which it came or went."""
    inbound: bool
    author: str
    kind: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFile:
    """Everything one page about a contact may need."""

    contact: Contact
    whole: Contact | None
    """As whom they count, where they were put together with another."""
    proofs: Sequence[Proved]
    wishes: Mapping[tuple[str, str], Wish]
    """Channel and address → what was said there."""
    doors: Sequence[Door]
    cases: Sequence[Case]
    """Newest first."""
    words: Sequence[Words]
    """Oldest first."""
    earlier: int
    """Number before which earlier words are to be asked for; 0 when there are none."""
    ratings: Sequence[Rating]
    merges: Sequence[Merge]
    """Those that stand, of this contact and another."""


def read(contact_id: str, *, before: int = 0) -> ContactFile:
    """Return what is known of a contact, with their last words or the last before a number; raise NotFound."""
    contact = contacts.get(ContactId(contact_id))
    if contact is None:
        raise NotFound(f"there is no contact {contact_id}")
    whole = contacts.stands_for(contact.id)
    proofs = contacts.proved(contact.id)[-ADDRESSES:]
    own = cases.of_contact(contact.id, limit=CASES)
    rows = db.run(_WORDS, {"contact": contact.id, "before": before or None, "limit": WORDS + 1}).fetchall()
    said = [
        Words(
            seq=row.seq,
            case_id=CaseId(row.case_id),
            number=row.number,
            channel=(row.via or row.channel).partition(":")[0],
            inbound=row.inbound,
            author=row.author,
            kind=row.kind,
            text=row.text,
            at=row.at,
        )
        for row in rows[:WORDS][::-1]
    ]
    return ContactFile(
        contact=contact,
        whole=contacts.get(whole) if whole != contact.id else None,
        proofs=proofs,
        wishes=_wishes(proofs),
        doors=_doors([each.id for each in own]),
        cases=own,
        words=said,
        earlier=said[0].seq if len(rows) > WORDS else 0,
        ratings=ratings.of_contact(contact.id, limit=RATINGS),
        merges=merges.standing("contact", of=contact.id),
    )


_WORDS: Final = """
    select messages.seq, messages.case_id, cases.number, cases.channel, messages.via, messages.inbound, messages.author,
        messages.kind, messages.text, messages.at
    from cases cross join lateral (
        select * from messages where messages.case_id = cases.id
            and (%(before)s::bigint is null or messages.seq < %(before)s)
        order by messages.seq desc limit %(limit)s
    ) as messages
    where cases.contact_id = %(contact)s
    order by messages.seq desc limit %(limit)s
"""


def _wishes(proofs: Sequence[Proved]) -> dict[tuple[str, str], Wish]:
    given = {"channels": [each.channel for each in proofs], "addresses": [each.address for each in proofs]}
    return {
        (row.channel, row.address): Wish(wanted=row.wanted, source=row.source, at=row.at)
        for row in db.run(_WISHES, given)
    }


_WISHES: Final = """
    select * from preferences
    where (channel, address) in (select * from unnest(%(channels)s::text[], %(addresses)s::text[]))
"""


def _doors(case_ids: Sequence[str]) -> list[Door]:
    return [
        Door(
            channel=row.channel,
            address=row.address,
            case_id=CaseId(row.case_id),
            number=row.number,
            opened_at=row.opened_at,
        )
        for row in db.run(_DOORS, {"cases": list(case_ids)})
    ]


_DOORS: Final = """
    select doors.*, cases.number from doors join cases on cases.id = doors.case_id
    where case_id = any(%(cases)s) and closed_at is null order by opened_at
"""
