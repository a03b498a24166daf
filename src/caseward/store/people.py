"""People of the house: who they are, how they sign in, and for how long.

Tokens and passwords are never stored, only their hashes. A session ends by sign-out, by idleness, by age, or because
its person was disabled; all four are read from the row on every request, so they hold at once in every process.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core import ids
from caseward.core.errors import BadInput, NotFound
from caseward.core.roles import Role
from caseward.store.db import execute
from caseward.store.tables import api_tokens, people, sessions, sign_in_links

IDLE = timedelta(hours=2)
"""A session unused for this long is over."""
SHIFT = timedelta(hours=12)
"""How long a session lasts when nothing else is said."""
SEEN_EVERY = timedelta(minutes=1)
"""How often the last use of a session is written down."""


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
class Session:
    """A signed-in browser."""

    person: Person
    csrf: str
    """What every form of this session must carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What an API call may do."""

    id: str
    name: str
    role: str
    scopes: tuple[str, ...]


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
    return _person(row)


def known(person_id: str) -> Person | None:
    """Return a person, or None for an id that is no person's, such as a token's."""
    row = execute(select(people).where(people.c.id == person_id)).mappings().first()
    return None if row is None else _person(row)


def in_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the people who have one of the roles and are not disabled."""
    query = select(people.c.id).where(people.c.role.in_(list(roles)), ~people.c.disabled).order_by(people.c.id)
    return tuple(execute(query).scalars())


def roles_of(ids: Collection[str], *, now: datetime) -> dict[str, str]:
    """Return id → role of the people and tokens among `ids` that may still act."""
    persons = select(people.c.id, people.c.role).where(people.c.id.in_(list(ids)), ~people.c.disabled)
    tokens = select(api_tokens.c.id, api_tokens.c.role).where(api_tokens.c.id.in_(list(ids)), *_live(now))
    return {row.id: row.role for query in (persons, tokens) for row in execute(query)}


def every() -> Sequence[Person]:
    """Return all people, by role and name."""
    rows = execute(select(people).order_by(people.c.role, people.c.name)).mappings()
    return [_person(row) for row in rows]


def names() -> dict[str, str]:
    """Return person id → name."""
    return {row.id: row.name for row in execute(select(people.c.id, people.c.name))}


def set_password(person_id: str, password_hash: str, *, now: datetime) -> None:
    """Give a person another password, and end every session they have; raise NotFound."""
    _require(execute(update(people).where(people.c.id == person_id).values(password_hash=password_hash)), person_id)
    execute(
        update(sessions)
        .where(sessions.c.person_id == person_id, sessions.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def disable(person_id: str, disabled: bool) -> None:
    """Shut a person out, at once and everywhere, or let them in again; raise NotFound."""
    _require(execute(update(people).where(people.c.id == person_id).values(disabled=disabled)), person_id)


def _require(done: Any, person_id: str) -> None:
    if done.rowcount == 0:
        raise NotFound(f"no person {person_id!r}")


def credentials(email: str) -> tuple[Person, str] | None:
    """Return the person with that e-mail and the hash of their password; None when there is none or it is disabled."""
    query = select(people).where(people.c.email == email.strip().lower(), ~people.c.disabled)
    row = execute(query).mappings().first()
    return (_person(row), row["password_hash"]) if row else None


# --- sign-in links ----------------------------------------------------------------------------------------------------


def link(person_id: str, *, expires_at: datetime) -> str:
    """Store a sign-in link for a person and return its token."""
    token = secrets.token_urlsafe(32)
    execute(insert(sign_in_links).values(token_hash=digest(token), person_id=person_id, expires_at=expires_at))
    return token


def linked(token: str, *, now: datetime) -> Person:
    """Return whom a link would sign in, without using it; raise NotFound when it is unknown, used up or expired."""
    query = (
        select(people, sign_in_links.c.used_at)
        .join(sign_in_links, sign_in_links.c.person_id == people.c.id)
        .where(sign_in_links.c.token_hash == digest(token), sign_in_links.c.expires_at > now, ~people.c.disabled)
    )
    row = execute(query).mappings().first()
    if row is None or (row["used_at"] is not None and not row["sample"]):
        raise NotFound("this sign-in link is unknown, used or expired; ask for a new one")
    return _person(row)


def use_link(token: str, *, now: datetime) -> Person:
    """Use a link up and return whom it signs in; a sample person's link stays usable until it expires."""
    person = linked(token, now=now)
    claim = update(sign_in_links).where(sign_in_links.c.token_hash == digest(token)).values(used_at=now)
    if not person.sample:
        claim = claim.where(sign_in_links.c.used_at.is_(None))
    if execute(claim.returning(sign_in_links.c.person_id)).first() is None:
        raise NotFound("this sign-in link was used a moment ago; ask for a new one")
    return person


# --- sessions ---------------------------------------------------------------------------------------------------------


def open_session(person: Person, *, now: datetime, lasts: timedelta = SHIFT) -> str:
    """Open a session, over after `lasts` however busy, and return its token, which is new at every sign-in."""
    token = secrets.token_urlsafe(32)
    execute(
        insert(sessions).values(
            token_hash=digest(token),
            person_id=person.id,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            expires_at=now + lasts,
        )
    )
    return token


def session(token: str, *, now: datetime) -> Session | None:
    """Return the live session of a token and note its use; None when it is over."""
    query = (
        select(people, sessions.c.csrf, sessions.c.seen_at)
        .join(sessions, sessions.c.person_id == people.c.id)
        .where(
            sessions.c.token_hash == digest(token),
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - IDLE,
            ~people.c.disabled,
        )
    )
    row = execute(query).mappings().first()
    if row is None:
        return None
    if now - row["seen_at"] > SEEN_EVERY:
        execute(update(sessions).where(sessions.c.token_hash == digest(token)).values(seen_at=now))
    return Session(person=_person(row), csrf=row["csrf"])


def close_session(token: str, *, now: datetime) -> None:
    """End a session at once, everywhere."""
    execute(update(sessions).where(sessions.c.token_hash == digest(token)).values(revoked_at=now))


# --- API tokens -------------------------------------------------------------------------------------------------------


def new_token(
    role: str, *, name: str = "", scopes: Sequence[str] = (), now: datetime, expires_at: datetime | None = None
) -> str:
    """Store an API token and return it; it is shown once and never again."""
    if expires_at is not None and expires_at <= now:
        raise BadInput(f"the token would expire at {expires_at}, which is past; give a later time")
    token = "cw_" + secrets.token_urlsafe(32)
    execute(
        insert(api_tokens).values(
            id=ids.new("tok"),
            token_hash=digest(token),
            name=name,
            role=role,
            scopes=list(scopes),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token


def api_token(token: str, *, now: datetime) -> ApiToken | None:
    """Return what a token may do; None when it is unknown, expired or revoked."""
    query = select(api_tokens).where(api_tokens.c.token_hash == digest(token), *_live(now))
    row = execute(query).mappings().first()
    if row is None:
        return None
    return ApiToken(id=row["id"], name=row["name"], role=row["role"], scopes=tuple(row["scopes"]))


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at.is_(None) | (api_tokens.c.expires_at > now))


def revoke_token(token_id: str, *, now: datetime) -> None:
    """End an API token; raise NotFound when there is none of that id."""
    statement = update(api_tokens).where(api_tokens.c.id == token_id).values(revoked_at=now).returning(api_tokens.c.id)
    if execute(statement).first() is None:
        raise NotFound(f"no API token {token_id!r}")


def digest(token: str) -> str:
    """Return what is stored of a token. A token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _person(row: Any) -> Person:
    return Person(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        email=row["email"] or "",
        sample=row["sample"],
        disabled=row["disabled"],
    )
