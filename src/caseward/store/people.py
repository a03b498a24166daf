"""People of the house: who they are, what they may be, and the links by which they come in.

Tokens and passwords are never stored, only their hashes.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.errors import NotFound
from caseward.core.roles import Role
from caseward.store import db, tokens
from caseward.store.db import execute
from caseward.store.hashes import digest
from caseward.store.tables import people, sign_in_links

HELD = "people"
"""Under which a transaction remembers who there is, until somebody is changed."""


class Kind(StrEnum):
    """What a link is for."""

    SIGN_IN = "sign-in"
    INVITE = "invite"
    """Somebody new: choose a password, or come by way of the identity provider."""
    RESET = "reset"
    """Choose another password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who may sign in to the console."""

    id: str
    name: str
    role: Role
    email: str = ""
    sample: bool = False
    """Made by the demo; sample people sign in by link as often as they like."""
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Whom a link lets in, and for what."""

    person: Person
    kind: Kind


def add(person: Person, *, now: datetime, password_hash: str = "") -> None:
    """Store a person, or replace name, role and e-mail of one with the same id; an empty hash keeps the old one."""
    values = {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "email": person.email.strip().lower() or None,
        "sample": person.sample,
        "disabled": person.disabled,
    }
    if password_hash:
        values["password_hash"] = password_hash
    db.current().pending.pop(HELD, None)
    execute(
        upsert(people)
        .values(**values, created_at=now)
        .on_conflict_do_update(index_elements=[people.c.id], set_={k: v for k, v in values.items() if k != "id"})
    )


def get(person_id: str) -> Person:
    """Return a person; raise NotFound."""
    row = execute(select(people).where(people.c.id == person_id)).mappings().first()
    if row is None:
        raise NotFound(f"no person {person_id!r}")
    return person_of(row)


def known(person_id: str) -> Person | None:
    """Return a person, or None for an id that is no person's, such as a token's."""
    everybody: dict[str, Person] | None = db.current().pending.get(HELD)
    if everybody is not None:
        return everybody.get(person_id)
    row = execute(select(people).where(people.c.id == person_id)).mappings().first()
    return None if row is None else person_of(row)


def in_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the people who have one of the roles and are not disabled."""
    query = select(people.c.id).where(people.c.role.in_(list(roles)), ~people.c.disabled).order_by(people.c.id)
    return tuple(execute(query).scalars())


def roles_of(ids: Collection[str], *, now: datetime) -> dict[str, str]:
    """Return id → role of the people and tokens among `ids` that may still act."""
    persons = select(people.c.id, people.c.role).where(people.c.id.in_(list(ids)), ~people.c.disabled)
    return {row.id: row.role for row in execute(persons)} | tokens.roles_of(ids, now=now)


def every() -> Sequence[Person]:
    """Return all people, by role and name; read once a transaction."""
    held = db.current().pending
    if HELD not in held:
        rows = execute(select(people).order_by(people.c.role, people.c.name)).mappings()
        held[HELD] = {row["id"]: person_of(row) for row in rows}
    known: dict[str, Person] = held[HELD]
    return list(known.values())


def names() -> dict[str, str]:
    """Return person id → name."""
    return {each.id: each.name for each in every()}


def keep_password(person_id: str, password_hash: str) -> None:
    """Give a person another password; raise NotFound. passwords.set_for does what goes with it."""
    _change(person_id, password_hash=password_hash)


def rename(person_id: str, name: str) -> None:
    """Give a person another name; raise NotFound."""
    _change(person_id, name=name)


def set_role(person_id: str, role: Role) -> None:
    """Give a person another role; raise NotFound."""
    _change(person_id, role=role)


def set_available(person_id: str, available: bool) -> None:
    """Say whether a person is given cases in turn; raise NotFound."""
    _change(person_id, available=available)


def is_available(person_id: str) -> bool:
    """Return whether a person is given cases in turn."""
    return bool(execute(select(people.c.available).where(people.c.id == person_id)).scalar())


def disable(person_id: str, disabled: bool) -> None:
    """Shut a person out, at once and everywhere, or let them in again; raise NotFound."""
    _change(person_id, disabled=disabled)


def administrators() -> frozenset[str]:
    """Return the ids of the administrators who may sign in, and keep that from changing until the commit."""
    query = select(people.c.id).where(people.c.role == Role.ADMIN, ~people.c.disabled).with_for_update()
    return frozenset(execute(query).scalars())


def of_subject(subject: str) -> Person | None:
    """Return who somebody is whom the identity provider knows by `subject`, disabled or not."""
    row = execute(select(people).where(people.c.subject == subject)).mappings().first()
    return None if row is None else person_of(row)


def unlinked(email: str) -> Person | None:
    """Return who has an e-mail address and was never signed in by the identity provider."""
    query = select(people).where(
        people.c.email == email.strip().lower(), people.c.subject.is_(None), ~people.c.disabled
    )
    row = execute(query).mappings().first()
    return None if row is None else person_of(row)


def has_email(email: str) -> bool:
    """Return whether somebody has an e-mail address, disabled or not."""
    return execute(select(people.c.id).where(people.c.email == email.strip().lower())).first() is not None


def link_subject(person_id: str, subject: str | None) -> None:
    """Remember, or forget, by which name the identity provider knows a person; raise NotFound."""
    _change(person_id, subject=subject)


def _change(person_id: str, **values: Any) -> None:
    db.current().pending.pop(HELD, None)
    if execute(update(people).where(people.c.id == person_id).values(**values)).rowcount == 0:
        raise NotFound(f"no person {person_id!r}")


def credentials(email: str) -> tuple[Person, str] | None:
    """Return the person with that e-mail and the hash of their password; None when there is none or it is disabled."""
    query = select(people).where(people.c.email == email.strip().lower(), ~people.c.disabled)
    row = execute(query).mappings().first()
    return (person_of(row), row["password_hash"]) if row else None


# --- sign-in links ----------------------------------------------------------------------------------------------------


def link(person_id: str, *, expires_at: datetime, kind: Kind = Kind.SIGN_IN) -> str:
    """Store a sign-in link for a person and return its token."""
    token = secrets.token_urlsafe(32)
    execute(
        insert(sign_in_links).values(token_hash=digest(token), person_id=person_id, expires_at=expires_at, kind=kind)
    )
    return token


def drop_links(person_id: str) -> None:
    """Make the links useless by which a person could choose a password."""
    kinds = (Kind.INVITE, Kind.RESET)
    execute(
        delete(sign_in_links).where(
            sign_in_links.c.person_id == person_id, sign_in_links.c.kind.in_(kinds), sign_in_links.c.used_at.is_(None)
        )
    )


def linked(token: str, *, now: datetime) -> Link:
    """Return what a link would do, without using it; raise NotFound when it is unknown, used up or expired."""
    query = (
        select(people, sign_in_links.c.used_at, sign_in_links.c.kind)
        .join(sign_in_links, sign_in_links.c.person_id == people.c.id)
        .where(sign_in_links.c.token_hash == digest(token), sign_in_links.c.expires_at > now, ~people.c.disabled)
    )
    row = execute(query).mappings().first()
    again = row is not None and row["sample"] and row["kind"] == Kind.SIGN_IN
    if row is None or (row["used_at"] is not None and not again):
        raise NotFound("this sign-in link is unknown, used or expired; ask for a new one")
    return Link(person=person_of(row), kind=Kind(row["kind"]))


def use_link(token: str, *, now: datetime) -> Link:
    """Use a link up and return what it does; a sample person's sign-in link stays usable until it expires."""
    found = linked(token, now=now)
    claim = update(sign_in_links).where(sign_in_links.c.token_hash == digest(token)).values(used_at=now)
    if not (found.person.sample and found.kind is Kind.SIGN_IN):
        claim = claim.where(sign_in_links.c.used_at.is_(None))
    if execute(claim.returning(sign_in_links.c.person_id)).first() is None:
        raise NotFound("this sign-in link was used a moment ago; ask for a new one")
    return found


def person_of(row: Any) -> Person:
    """Return the person that a row of their table is."""
    return Person(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        email=row["email"] or "",
        sample=row["sample"],
        disabled=row["disabled"],
    )
