"""Sessions: who is signed in with which browser, how, and for how long.

A session ends by sign-out, by idleness, by age, or because its person was shut out; all four are read from the row on
every request, so they hold at once in every process.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update

from caseward.core.errors import NotFound
from caseward.store.db import execute
from caseward.store.hashes import digest
from caseward.store.people import Person, person_of
from caseward.store.tables import people, sessions

IDLE = timedelta(hours=2)
"""A session unused for this long is over."""
SHIFT = timedelta(hours=12)
"""How long a session lasts when nothing else is said."""
SEEN_EVERY = timedelta(minutes=1)
"""How often the last use of a session is written down."""
ID = 16
"""Characters of a hash by which a session is named; they open nothing."""
LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser."""

    id: str
    person: Person
    csrf: str
    """What every form of this session must carry."""
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A session that was just ended."""

    person_id: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A session as its person sees it."""

    id: str
    agent: str
    """As the browser calls itself."""
    address: str
    method: str
    """How it was opened: words joined by `+`, such as `password+app`."""
    opened_at: datetime
    seen_at: datetime
    ends_at: datetime


def open_session(
    person: Person,
    *,
    now: datetime,
    lasts: timedelta = SHIFT,
    agent: str = "",
    address: str = "",
    method: str = "",
) -> str:
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
            agent=agent[:LONGEST_AGENT],
            address=address,
            method=method,
        )
    )
    return token


def find(token: str, *, now: datetime, used: bool = True) -> Session | None:
    """Return the live session of a token; None when it is over. That it is in use is noted unless told otherwise."""
    query = (
        select(people, sessions.c.csrf, sessions.c.seen_at, sessions.c.created_at.label("opened_at"))
        .join(sessions, sessions.c.person_id == people.c.id)
        .where(sessions.c.token_hash == digest(token), *live(now), ~people.c.disabled)
    )
    row = execute(query).mappings().first()
    if row is None:
        return None
    if used and now - row["seen_at"] > SEEN_EVERY:
        execute(update(sessions).where(sessions.c.token_hash == digest(token)).values(seen_at=now))
    return Session(id=digest(token)[:ID], person=person_of(row), csrf=row["csrf"], opened_at=row["opened_at"])


def close(token: str, *, now: datetime) -> Closed | None:
    """End a session at once, everywhere; return which it was, None where none was open."""
    statement = update(sessions).where(sessions.c.token_hash == digest(token), sessions.c.revoked_at.is_(None))
    row = execute(statement.values(revoked_at=now).returning(sessions.c.person_id, sessions.c.method)).first()
    return None if row is None else Closed(person_id=row.person_id, method=row.method)


def of(person_id: str, *, now: datetime) -> Sequence[Device]:
    """Return the live sessions of a person, the last used first."""
    query = select(sessions).where(sessions.c.person_id == person_id, *live(now)).order_by(sessions.c.seen_at.desc())
    return [
        Device(
            id=row["token_hash"][:ID],
            agent=row["agent"],
            address=row["address"],
            method=row["method"],
            opened_at=row["created_at"],
            seen_at=row["seen_at"],
            ends_at=min(row["expires_at"], row["seen_at"] + IDLE),
        )
        for row in execute(query).mappings()
    ]


def end(person_id: str, session_id: str, *, now: datetime) -> None:
    """End one session of a person; raise NotFound for one that is not theirs or is over."""
    mine = (sessions.c.person_id == person_id, func.left(sessions.c.token_hash, ID) == session_id)
    if not _revoke(*mine, *live(now), now=now):
        raise NotFound("no such session is open")


def end_all(person_id: str, *, now: datetime, but: str = "") -> int:
    """End every session of a person but the one of id `but`; return how many there were."""
    others = (sessions.c.person_id == person_id, func.left(sessions.c.token_hash, ID) != but)
    return _revoke(*others, *live(now), now=now)


def live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of a session that is not over."""
    return (sessions.c.revoked_at.is_(None), sessions.c.expires_at > now, sessions.c.seen_at > now - IDLE)


def _revoke(*which: ColumnElement[bool], now: datetime) -> int:
    done: Any = execute(update(sessions).where(*which).values(revoked_at=now))
    return int(done.rowcount)
