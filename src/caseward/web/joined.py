"""What putting two cases or two contacts together would do, told before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caseward.core.case import Case, CaseStatus, Contact
from caseward.core.errors import NotFound
from caseward.core.ids import ContactId
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.store import casefile, contacts, merges, search
from caseward.store.merges import Merge
from caseward.store.people import Person
from caseward.web import words

FOUND = 12
"""Cases or contacts that a search offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A case or a contact that may be chosen."""

    id: str
    name: str
    number: int = 0
    """Of a case."""
    tier: Tier | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of two."""

    kept: Candidate
    gone: Candidate
    swap: str
    """Which one to keep instead: `this` or `other`."""
    moves: Sequence[str]
    """What happens, a sentence each."""
    stops: str
    """Why it cannot be done; empty when it can."""
    reason: bool
    """Whether a reason must be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was put together or taken apart just now, and can be undone."""

    id: str
    text: str


def cases(case: Case, query: str, pack: Pack) -> list[Candidate]:
    """Return the cases that answer a search; without one, the others of the same contact."""
    if not query:
        others = casefile.read(case.id, last=1).earlier
        return [candidate(each, pack) for each in others if each.merged is None]
    found = casefile.named(search.cases(query, limit=FOUND))
    return [_candidate(each, name, pack) for each, name in found if each.id != case.id and each.merged is None]


def candidate(case: Case, pack: Pack) -> Candidate:
    """Return a case as it is offered."""
    contact = contacts.get(case.contact_id) if case.contact_id else None
    return _candidate(case, contact.name if contact else "", pack)


def _candidate(case: Case, name: str, pack: Pack) -> Candidate:
    text = words.joined([words.matter(pack, case.intent), words.status(case.status)[0], words.channel(case.channel)])
    return Candidate(id=case.id, name=name or words.NOBODY, number=case.number, tier=case.tier, text=text)


def of_cases(one: Case, other: Case, *, keep: str, person: Person, pack: Pack) -> Preview:
    """Return what putting two cases together would do; `keep` is `this` or `other`."""
    whole, part = (other, one) if keep == "other" else (one, other)
    weight, into = merges.weigh(part.id), f"#{whole.number}"
    moves = [
        f"{_counted(weight.messages, 'message')} and {_counted(weight.notes, 'note')} move to {into}",
        f"#{part.number} is closed, keeps its history, and its number means {into} from then on",
        f"What comes in where #{part.number} began belongs to {into}",
    ]
    if weight.requests:
        moves.append(f"{_counted(weight.requests, 'request')} about #{part.number} is withdrawn, undone")
    contradict = None not in (whole.contact_id, part.contact_id) and whole.contact_id != part.contact_id
    return Preview(
        kept=candidate(whole, pack),
        gone=candidate(part, pack),
        swap="this" if keep == "other" else "other",
        moves=moves,
        stops=_stops(whole, part) or _lacks(person, pack, contradict=contradict, whose="cases of two contacts"),
        reason=contradict,
    )


def _stops(whole: Case, part: Case) -> str:
    if whole.status is CaseStatus.CLOSED:
        return f"#{whole.number} is closed. Keep #{part.number} instead, or reopen it first."
    why = merges.in_work(part.id)
    return f"Not now: {why}. Try again in a moment." if why else ""


def _lacks(person: Person, pack: Pack, *, contradict: bool, whose: str) -> str:
    lanes = words.lanes_of(pack, person)
    strongest = pack.policy.lanes[-1]
    if contradict and strongest not in lanes:
        return f"These are {whose} who are proved to be different people. Only {words.deciders(pack, strongest)} may say that they are one."  # noqa: E501
    return "" if lanes else "Your role does not decide in any lane, so it does not merge."


def contact_of(contact_id: str) -> Contact:
    """Return a contact; raise NotFound when there is none."""
    found = contacts.get(ContactId(contact_id))
    if found is None:
        raise NotFound(f"there is no contact {contact_id}")
    return found


def people(contact: Contact, query: str) -> list[Candidate]:
    """Return the contacts that answer a search."""
    found = search.contacts(query, limit=FOUND) if query else ()
    return [person(contact_of(each.id)) for each in found if each.id != contact.id]


def person(contact: Contact) -> Candidate:
    """Return a contact as it is offered."""
    held = merges.belongings(contact.id)
    text = words.joined(
        [
            words.masked_number(contact.phone),
            words.masked_email(contact.email),
            _counted(held.cases, "case"),
            _counted(held.addresses, "address", "addresses"),
        ]
    )
    return Candidate(id=contact.id, name=contact.name or words.NOBODY, text=text)


def of_contacts(one: Contact, other: Contact, *, keep: str, visitor: Person, pack: Pack) -> Preview:
    """Return what putting two contacts together would do; `keep` is `this` or `other`."""
    whole, part = (other, one) if keep == "other" else (one, other)
    held = merges.belongings(part.id)
    moves = [
        f"{_counted(held.cases, 'case')} and {_counted(held.addresses, 'proved address', 'proved addresses')} of "
        f"{part.name} count as {whole.name}’s",
        f"Who writes from there is {whole.name} from then on",
        f"What the systems say of {part.name}’s record is put away until this is undone",
    ]
    contradict = contacts.is_proved(one.id) and contacts.is_proved(other.id)
    merged = next((each for each in (whole, part) if contacts.stands_for(each.id) != each.id), None)
    return Preview(
        kept=person(whole),
        gone=person(part),
        swap="this" if keep == "other" else "other",
        moves=moves,
        stops=f"{merged.name} is part of another contact already."
        if merged
        else _lacks(visitor, pack, contradict=contradict, whose="two contacts"),
        reason=contradict,
    )


def done(merge_id: str) -> Done | None:
    """Return what stands of something that was put together or taken apart just now; None for nothing."""
    try:
        made = merges.get(merge_id) if merge_id else None
    except NotFound:
        return None
    return Done(id=made.id, text=_told(made)) if made is not None and made.undone_at is None else None


def _told(made: Merge) -> str:
    if made.kind == "contact":
        kept, gone = contact_of(made.kept), contact_of(made.gone)
        return f"{gone.name} counts as {kept.name} now"
    numbers = casefile.numbers([made.kept, made.gone])
    kept_, gone_ = f"#{numbers[made.kept]}", f"#{numbers[made.gone]}"
    return f"{gone_} became part of {kept_}" if made.kind == "case" else f"{gone_} was split off {kept_}"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}" if number else f"no {many or one + 's'}"
