"""One contact as the page shows it: who they are, where they are reached and how that is proved, cases and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from caseward.core.case import DONE
from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.store import casefile, contactfile, people
from caseward.store.contactfile import ContactFile, Words
from caseward.store.people import Person
from caseward.web import dossier, joined, masking, thread, words
from caseward.web.dossier import Marked, Other, Private, Rated
from caseward.web.joined import Done

PROOFS: Mapping[str, str] = {
    "channel": "Vouched for by the channel",
    "person": "On a person’s word",
    "email reply": "Answered from the registered address",
}
"""How an address was proved, in words; other methods name what matched."""


TAKEN_BACK = "Taken back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One proved address."""

    channel: str
    private: Private
    proof: str
    at: datetime
    wish: Marked
    """What was said there of messages that nobody asked for."""
    wished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message."""

    at: datetime
    who: str
    ours: bool
    note: bool
    channel: str
    case_id: str
    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One rating, and of which case."""

    case_id: str
    number: int
    rated: Rated


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """An address at which a case goes on."""

    channel: str
    address: str
    case_id: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Another contact, put together with this one."""

    id: str
    """Of the merge."""
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """Everything the contact template prints."""

    id: str
    name: str
    href: str
    language: str
    whole_id: str
    """As whom they count; empty for themselves."""
    whole_name: str
    private: Sequence[Private]
    addresses: Sequence[Address]
    doors: Sequence[Linked]
    open: Sequence[Other]
    earlier: Sequence[Other]
    lines: Sequence[Line]
    earlier_href: str
    latest_href: str
    ratings: Sequence[Scored]
    merges: Sequence[Joined]
    joins: bool
    """Whether the reader may put this contact together with another."""
    undoes: bool
    """Whether the reader may undo that."""
    done: Done | None


def build(
    contact_id: str, *, person: Person, pack: Pack, before: int = 0, reveal: str = "", done: str = ""
) -> ContactPage:
    """Return a contact as `person` may see them, with what was just revealed; raise NotFound. Needs a transaction."""
    file = contactfile.read(contact_id, before=before)
    hidden, names = person.role is Role.ADMIN, people.names()
    name = (words.masked_name(file.contact.name) if hidden else file.contact.name) or words.NOBODY
    joins = person.role in dossier.WORK_ON_CASES and bool(words.lanes_of(pack, person))
    href = f"/contacts/{file.contact.id}"
    others = [(each.status in DONE, dossier.other(each, pack)) for each in file.cases]
    page = ContactPage(
        id=file.contact.id,
        name=name,
        href=href,
        language=words.language(file.contact.locale.replace("_", "-").partition("-")[0]),
        whole_id=file.whole.id if file.whole else "",
        whole_name=_named(file.whole.name, hidden) if file.whole else "",
        private=dossier.private_of(file.contact, person, reveal),
        addresses=_addresses(file, person, reveal),
        doors=[
            Linked(channel=words.channel(each.channel), address=words.masked_address(each.address),
                   case_id=each.case_id, number=each.number, at=each.opened_at)
            for each in file.doors
        ],
        open=[each for settled, each in others if not settled],
        earlier=[each for settled, each in others if settled],
        lines=[_line(each, name, names) for each in sorted(file.words, key=lambda each: each.at)],
        earlier_href=f"{href}?before={file.earlier}" if file.earlier else "",
        latest_href=href if before else "",
        ratings=_ratings(file),
        merges=[
            Joined(id=each.id, text=_told(each.kept, each.gone, file, hidden), by=words.who(each.by, names), at=each.at)
            for each in file.merges
        ],
        joins=joins and file.whole is None,
        undoes=joins,
        done=joined.done(done) if joins else None,
    )  # fmt: skip
    return masking.masked(page, file.contact.name, pack) if hidden else page


def _addresses(file: ContactFile, person: Person, reveal: str) -> list[Address]:
    allowed, found = person.role in dossier.WORK_ON_CASES, []
    for number, each in enumerate(file.proofs):
        wish, shown = file.wishes.get((each.channel, each.address)), f"at-{number}"
        masked = words.masked_address(each.address)
        found.append(
            Address(
                channel=words.channel(each.channel),
                private=Private(
                    label=f"{words.channel(each.channel)} address",
                    field=shown,
                    value=each.address if allowed and reveal == shown else masked,
                    revealable=allowed and reveal != shown,
                    shown=allowed and reveal == shown,
                ),
                proof=PROOFS.get(each.method) or dossier.proved(each.method),
                at=each.at,
                wish=_wish(wish),
                wished_at=wish.at if wish else None,
            )
        )
    return found


def _wish(wish: contactfile.Wish | None) -> Marked:
    if wish is None:
        return Marked(text="Said nothing of messages they did not ask for")
    if wish.wanted:
        return Marked(text="Wants messages they did not ask for", level="ok", icon="check")
    return Marked(text="Wants no messages they did not ask for", level="warn", icon="x")


def _line(each: Words, name: str, names: Mapping[str, str]) -> Line:
    who = name if each.inbound else thread.DESK if each.author in words.AGENTS else words.who(each.author, names)
    return Line(
        at=each.at,
        who=who,
        ours=not each.inbound,
        note=each.kind == "note",
        channel=words.channel(each.channel),
        case_id=each.case_id,
        number=each.number,
        text=TAKEN_BACK if each.kind == thread.WITHDRAWN else each.text,
    )


def _ratings(file: ContactFile) -> list[Scored]:
    numbers = casefile.numbers([each.case_id for each in file.ratings])
    told = [(each.case_id, dossier.rated(each)) for each in file.ratings]
    return [Scored(case_id=id, number=numbers[id], rated=rated) for id, rated in told if rated]


def _told(kept: str, gone: str, file: ContactFile, hidden: bool) -> str:
    other = kept if gone == file.contact.id else gone
    name = _named(joined.contact_of(other).name, hidden)
    return f"Counts as {name}" if gone == file.contact.id else f"{name} counts as this contact"


def _named(name: str, hidden: bool) -> str:
    return (words.masked_name(name) if hidden else name) or words.NOBODY
