"""Who writes, as far as it can be proved (SUP-3).

Three things prove it: an address that was proved before, what the channel's vendor vouches for where exactly one record
has it, and the fields that policy names. Proof is of an address, and a mail proves its address only where it is
authentic: a From line is no evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from caseward.core.case import Case, Contact, IdentityState, Who
from caseward.core.errors import NotFound, SystemDown
from caseward.core.ids import ContactId
from caseward.core.messages import Understanding
from caseward.core.task import ResultStatus
from caseward.core.turn import ASK_IDENTITY, Turn
from caseward.desk import tools
from caseward.store import cases, contacts, log, messages

CHANNEL = "channel"
"""How an address is proved by what its vendor vouches for."""


def establish(case: Case, turn: Turn, seen: Understanding) -> tuple[Case, Who]:
    """Return the case with its contact, and who writes.

    Wrong tries are counted by the conversation and by each value that is named, so that a new conversation has no new
    tries at the same record; when they are used up the person is no longer asked, and insists. Whoever was proved
    before goes on. What a vendor vouches for never overrides what was stated and does not match.
    """
    known = _known(case, turn)
    if known is not None:
        return _with(case, known), known

    policy = tools.pack().profile.identity
    asked = case.pending.get("ask") == ASK_IDENTITY
    given: dict[str, str] = {name: values[0] for name in policy.fields if (values := seen.entities.get(name))}
    since = tools.now() - timedelta(minutes=policy.window_minutes)
    vouched = _vouched(case, turn, given, since)
    if vouched is not None:
        return _with(case, vouched), vouched
    if not given and not asked and not tools.pack().intents[seen.intent].account_specific:
        return case, Who(state=IdentityState.UNKNOWN)
    complete = len(given) == len(policy.fields)
    failed = contacts.failed_attempts(case.conversation_id, given if complete else {}, since)
    locked = failed >= policy.attempts
    if not complete:
        insists = locked or 0 < case.questions >= tools.pack().profile.limits.questions
        state = IdentityState.MISMATCH if failed else IdentityState.UNKNOWN
        return case, Who(state=state, insists=insists)
    if locked:
        _record(case, "refused", {"why": "too many tries"})
        return case, Who(state=IdentityState.MISMATCH, insists=True)
    return _by_fields(case, turn, given, failed=failed)


def of(case: Case, to: str = "") -> Who:
    """Return whom a case's words go to, for work that begins without a new message: its contact, where the address `to`
    (the case's own when empty) is proved to be theirs or is the one on their record."""
    row = contacts.get(case.contact_id) if case.contact_id else None
    if row is None or not _reaches(row, to or messages.address(case)):
        return Who(state=IdentityState.UNKNOWN)
    return Who(state=IdentityState.VERIFIED, contact=row, method="record", at=tools.now())


def on_record(contact_id: ContactId) -> Contact | None:
    """Return a contact as the records know them now, and keep it; None for nobody, or while nobody can look."""
    try:
        person = _person(contact_id)
    except SystemDown:
        return None
    if person is not None:
        contacts.keep(person, sample=False, now=tools.now())
    return person


def _known(case: Case, turn: Turn) -> Who | None:
    """Return who writes where every address that wrote was proved before; None where one was not."""
    found = [contacts.identity(*_split(each)) for each in sorted(turn.writers)]
    proved = [each for each in found if each is not None]
    if not proved or len(proved) < len(found) or not _is_authentic(turn):
        return None
    contact, method, at = proved[0]
    if any(each[0].id != contact.id for each in proved) or _belongs_to_another(case, turn, contact):
        _record(case, "mismatch", {"why": "addresses of different people", "addresses": sorted(turn.writers)})
        return Who(state=IdentityState.MISMATCH)
    if turn.reach and not _reaches(contact, turn.reach):
        return Who(state=IdentityState.UNKNOWN)
    return Who(state=IdentityState.VERIFIED, contact=contact, method=method, at=at)


def _vouched(case: Case, turn: Turn, given: Mapping[str, str], since: datetime) -> Who | None:
    """Return who writes by what the vendor vouches for, or that it contradicts what they state; None where it tells
    nothing: not vouched for, of no record, of several, or of an address that passed on."""
    kind = tools.pack().channels.of(turn.channel).proves
    asserted = {getattr(message.sender, kind) for message in turn.messages} - {""} if kind else set()
    if len(asserted) != 1 or len(turn.writers) != 1 or not _is_authentic(turn):
        return None
    if contacts.failed_attempts(case.conversation_id, {}, since):
        return None  # what was stated did not match; only what is stated can mend that
    try:
        match = _whose(case, kind, asserted.pop())
        if match is None or (turn.reach and not _reaches(match, turn.reach)):
            return None
        if contacts.passed_on(turn.channel, turn.address):
            return None  # the record may still have what is somebody else's by now
        own = {name: given[name] for name in ("email", "phone") if name in given}
        stated = len(given) == len(tools.pack().profile.identity.fields)
        other = any(not _is_same(name, value, getattr(match, name)) for name, value in own.items())
        contradicts = other or (stated and _match(given) != match)
    except SystemDown:  # nobody looked
        return None
    if contradicts or _belongs_to_another(case, turn, match):
        contacts.record_attempt(case.conversation_id, given, ok=False, at=tools.now())
        _record(case, "mismatch", {"fields": sorted(given), "why": f"the {kind} is of another record"})
        return Who(state=IdentityState.MISMATCH)
    return _proved(case, turn, match, CHANNEL)


def _by_fields(case: Case, turn: Turn, given: Mapping[str, str], *, failed: int) -> tuple[Case, Who]:
    """Return who writes by what they state, all of it; where a channel's formal lane must confirm it, they are only
    claimed to be that person."""
    policy, now = tools.pack().profile.identity, tools.now()
    try:
        match = _match(given)
    except SystemDown:  # nobody looked, so it is no wrong try
        return case, Who(state=IdentityState.UNKNOWN)
    wrong = match is None or _belongs_to_another(case, turn, match)
    contacts.record_attempt(case.conversation_id, given, ok=not wrong, at=now)
    if match is None or wrong:
        _record(case, "mismatch", {"fields": sorted(given)})
        return case, Who(state=IdentityState.MISMATCH, insists=failed + 1 >= policy.attempts)
    contacts.keep(match, sample=False, now=now)
    formal = tools.pack().channels.of(turn.channel).formal
    if formal and formal != turn.channel and match.email and formal in tools.given().channels:
        _record(case, "claimed", {"contact": match.id, "fields": sorted(given)})
        return case, Who(state=IdentityState.UNKNOWN, claimed=match.id)
    who = _proved(case, turn, match, "+".join(policy.fields))
    others = [contacts.identity(*_split(each)) for each in turn.writers - {f"{turn.channel}:{turn.address}"}]
    if not all(each is not None and each[0].id == match.id for each in others):
        return case, Who(state=IdentityState.UNKNOWN)
    if turn.reach and not _reaches(match, turn.reach):
        return case, Who(state=IdentityState.UNKNOWN)
    return _with(case, who), who


def _proved(case: Case, turn: Turn, match: Contact, method: str) -> Who:
    now = tools.now()
    contacts.keep(match, sample=False, now=now)
    contacts.prove(turn.channel, turn.address, match.id, method=method, now=now)
    _record(case, "verified", {"contact": match.id, "method": method})
    return Who(state=IdentityState.VERIFIED, contact=match, method=method, at=now)


def _with(case: Case, who: Who) -> Case:
    if who.contact is None or case.contact_id == who.contact.id:
        return case
    return cases.change(case, tools.now(), contact_id=who.contact.id)


def _belongs_to_another(case: Case, turn: Turn, contact: Contact) -> bool:
    """Return whether somebody writes through a door into the case of somebody else."""
    return turn.writers != {turn.home or f"{turn.channel}:{turn.address}"} and case.contact_id not in (None, contact.id)


def _is_authentic(turn: Turn) -> bool:
    """Return whether every message is surely from its address."""
    return all(
        message.sender.wrote_from(_split(message.via)[1] if message.via else _split(turn.home)[1])
        for message in turn.messages
    )


def _reaches(contact: Contact, to: str) -> bool:
    """Return whether an address is proved to be a contact's, or is the one on their record."""
    known = contacts.identity(*_split(to))
    registered = "@" in to and contact.email.casefold() == _split(to)[1].casefold()
    return registered or (known is not None and known[0].id == contact.id)


def _is_same(name: str, stated: str, known: str) -> bool:
    """Return whether an address is the one on record; telephone numbers are written with their country or without."""
    if name == "email":
        return stated.casefold() == known.casefold()
    ends = ["".join(char for char in each if char.isdigit())[-8:] for each in (stated, known)]
    return ends[0] == ends[1]


def _split(at: str) -> tuple[str, str]:
    channel, _, address = at.partition(":")
    return channel, address


def _whose(case: Case, kind: str, value: str) -> Contact | None:
    """Return the one person whose record has what a vendor vouches for, or None; that several have it is recorded."""
    try:
        found = tools.skill("find_by").run({kind: value}, key="", now=tools.now())
    except NotFound:  # the systems plugged in cannot be asked so
        return None
    if found.status is not ResultStatus.SUCCESS:
        if found.detail == "ambiguous":
            _record(case, "mismatch", {"why": f"several records have this {kind}"})
        return None
    return _person(str(found.values["contact"]))


def _match(given: Mapping[str, str]) -> Contact | None:
    found = tools.skill("find_person").run(given, key="", now=tools.now())
    return _person(str(found.values["contact"])) if found.status is ResultStatus.SUCCESS else None


def _person(id: str) -> Contact | None:
    """Return a person of the records, as whom they count since their contacts were merged."""
    kept = contacts.stands_for(ContactId(id))
    person = tools.skill("person").run({"contact": kept}, key="", now=tools.now())
    if person.status is not ResultStatus.SUCCESS:
        return None
    values = person.values
    return Contact(
        id=kept,
        name=str(values["name"]),
        email=str(values["email"]),
        phone=str(values.get("phone", "")),
        locale=str(values.get("locale", "")),
    )


def _record(case: Case, outcome: str, more: Mapping[str, object]) -> None:
    log.of_case(case, "identity", "B", {"outcome": outcome, **more}, at=tools.now())
