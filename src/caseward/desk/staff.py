"""The people of the house and the tokens of programs: who looks after them may do what, and all of it is on record.

An administrator does; nobody changes their own role, and the last administrator stays one. What is done holds at the
next request in every process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids
from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.ports import Known
from caseward.core.roles import Role, within
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import db, factors, log, people, sessions, standings, tokens
from caseward.store.people import Kind, Person

INVITED_FOR = timedelta(days=3)
RESET_FOR = timedelta(days=1)
LONGEST_NAME = 100
LONGEST_REASON = 500
LOOKS_AFTER = frozenset({Role.ADMIN})
"""Roles that may change who may do what."""


def invite(name: str, email: str, role: Role, *, by: Person) -> tuple[Person, str]:
    """Add a person and return them with the token of the link by which they come in; raise BadInput."""
    _require(by, "invite")
    name, email = name_of(name), email.strip().lower()
    if "@" not in email.strip("@") or " " in email or not email.isprintable():
        raise BadInput("the e-mail address is not one; give one such as name@example.com")
    if people.has_email(email):
        raise BadInput(f"{email} belongs to somebody already; find them in the list")
    person = Person(id=ids.new("per"), name=name, role=role, email=email)
    people.add(person, now=tools.now())
    _record(by, person, "invited", role=role)
    return person, people.link(person.id, expires_at=tools.now() + INVITED_FOR, kind=Kind.INVITE)


def invite_again(person_id: str, *, by: Person) -> tuple[Person, str]:
    """Return a person who never came in with the token of a new link; the old one is dead."""
    _require(by, "invite")
    standing = standings.of(person_id, now=tools.now())
    if standing.has_password or standing.provider or standing.person.disabled:
        raise Conflict("this person has come in already, or is shut out; a reset link helps who forgot a password")
    people.drop_links(person_id)
    _record(by, standing.person, "invited again")
    return standing.person, people.link(person_id, expires_at=tools.now() + INVITED_FOR, kind=Kind.INVITE)


def change_role(person_id: str, role: Role, *, by: Person) -> None:
    """Give a person another role; their tokens that go beyond it end. Raise BadInput for one's own."""
    _require(by, "change a role")
    person = people.get(person_id)
    if person.id == by.id:
        raise BadInput("nobody changes their own role; ask another administrator")
    if person.role is role:
        return
    _leave_one(person, "has another role")
    people.set_role(person.id, role)
    ended = tokens.revoke_beyond(person.id, within(role), now=tools.now())
    _record(by, person, "role changed", role=role, was=person.role, tokens_ended=len(ended))


def shut_out(person_id: str, *, by: Person) -> None:
    """Let a person in no more: their sessions and links end at once, their tokens rest. Raise BadInput for oneself."""
    _require(by, "shut out")
    person = people.get(person_id)
    if person.id == by.id:
        raise BadInput("nobody shuts themselves out; ask another administrator")
    _leave_one(person, "is shut out")
    people.disable(person.id, True)
    people.drop_links(person.id)
    ended = sessions.end_all(person.id, now=tools.now())
    _record(by, person, "disabled", sessions_ended=ended)


def let_in_again(person_id: str, *, by: Person) -> None:
    """Let a person in again who was shut out."""
    _require(by, "let in again")
    people.disable(person_id, False)
    _record(by, people.get(person_id), "enabled")


def end_sessions(person_id: str, *, by: Person) -> int:
    """End every session of a person and return how many there were."""
    _require(by, "end sessions")
    person = people.get(person_id)
    ended = sessions.end_all(person.id, now=tools.now())
    _record(by, person, "sessions ended", sessions_ended=ended)
    return ended


def reset(person_id: str, *, by: Person) -> tuple[Person, str]:
    """Return a person with the token of a link by which they choose another password. Until they do, the old holds."""
    _require(by, "reset a password")
    person = people.get(person_id)
    if person.disabled:
        raise Conflict("this person is shut out; let them in again first")
    people.drop_links(person.id)
    _record(by, person, "reset link made")
    return person, people.link(person.id, expires_at=tools.now() + RESET_FOR, kind=Kind.RESET)


def remove_factor(person_id: str, reason: str, *, by: Person) -> None:
    """Take a second factor off somebody who lost theirs, and end their sessions; raise BadInput without a reason."""
    _require(by, "remove a second factor")
    reason = clean(reason).strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise BadInput(f"say why in 1 to {LONGEST_REASON} characters, for whoever reads it in the log")
    person = people.get(person_id)
    if not factors.turn_off(person.id):
        raise Conflict("this person has no second factor")
    sessions.end_all(person.id, now=tools.now())
    _record(by, person, "second factor removed", reason=reason)


def come_by_provider(known: Known, *, roles: Mapping[str, Role]) -> Person:
    """Return whom the identity provider's word is taken for; raise Refused where that is nobody.

    The subject counts. Somebody who comes this way for the first time is known by a verified e-mail address, if they
    were invited with it; where `roles` says so, by a value of the provider's claim, they are let in uninvited.
    """
    person = people.of_subject(known.subject)
    if person is not None:
        if person.disabled:
            raise Refused("your access was ended; ask an administrator")
        return person
    if not known.email:
        raise Refused("your account there has no verified e-mail address, and nobody here is linked to it")
    person = people.unlinked(known.email)
    if person is None:
        role = next((role for value, role in roles.items() if value in known.groups), None)
        if role is None or people.has_email(known.email):
            raise Refused(f"nobody invited {known.email}; ask an administrator for an invitation")
        name = clean(known.name).strip()[:LONGEST_NAME] or known.email
        person = Person(id=ids.new("per"), name=name, role=role, email=known.email)
        people.add(person, now=tools.now())
        _record(person, person, "let in by the identity provider", role=role)
    people.link_subject(person.id, known.subject)
    people.drop_links(person.id)
    _record(person, person, "linked to the identity provider")
    return person


# --- tokens -----------------------------------------------------------------------------------------------------------


def make_token(name: str, role: Role, scopes: Sequence[str], *, expires_at: datetime | None, by: Person) -> tokens.New:
    """Make a token that may do no more than who makes it; raise BadInput, Refused."""
    name = name_of(name)
    if role not in within(by.role):
        _refuse(by, "make a token", role=role)
    made = tokens.make(role, name=name, scopes=scopes, now=tools.now(), expires_at=expires_at, made_by=by.id)
    payload = {"what": "made", "token": made.id, "name": name, "role": role, "scopes": list(scopes)}
    log.append("token", by.id, payload, at=tools.now())
    return made


def end_token(token_id: str, *, by: Person) -> None:
    """End a token: one's own, or anybody's for an administrator. Another's does not exist for who may not: NotFound."""
    kept = tokens.get(token_id)
    if by.role not in LOOKS_AFTER and kept.made_by != by.id:
        raise NotFound(f"no API token {token_id!r}")
    tokens.revoke(token_id, now=tools.now())
    log.append("token", by.id, {"what": "ended", "token": token_id, "name": kept.token.name}, at=tools.now())


# --- what they share ------------------------------------------------------------------------------------------------


def name_of(given: str) -> str:
    """Return a name as it is kept; raise BadInput for none, or one that is too long."""
    name = " ".join(clean(given).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput(f"a name has 1 to {LONGEST_NAME} characters")
    return name


def _leave_one(person: Person, how: str) -> None:
    """Raise BadInput if nobody would be left to look after people."""
    if people.administrators() == {person.id}:
        raise BadInput(f"{person.name} is the last administrator; make somebody else one before {person.name} {how}")


def _require(by: Person, what: str) -> None:
    if by.role not in LOOKS_AFTER:
        _refuse(by, what)


def _refuse(by: Person, what: str, **more: str) -> None:
    with db.apart():
        log.append("denied", by.id, {"effect": what, "role": by.role, **more}, at=tools.now())
    raise Refused(f"the role {by.role.replace('_', ' ')} may not {what}")


def _record(by: Person, person: Person, what: str, **more: Any) -> None:
    """Record what `by` did to `person`, who may be the same."""
    log.append("person", by.id, {"what": what, "person": person.id, "name": person.name, **more}, at=tools.now())
