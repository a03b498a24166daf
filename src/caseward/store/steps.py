"""Between the first proof and a session: the second step of a sign-in, and the way to an identity provider and back.

Neither is a session: whoever holds such a token can do nothing with it but take that one step.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from caseward.store import vault
from caseward.store.db import execute
from caseward.store.hashes import digest
from caseward.store.people import Person, person_of
from caseward.store.tables import people
from caseward.store.tables_console import oidc_states, sign_in_steps

LASTS = timedelta(minutes=10)
FAILURES = 5
"""Wrong codes after which one begins again."""
SET_UP = "set-up"
"""The method of a step that somebody takes who is signed in already; it opens no session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A sign-in that waits for its second proof."""

    person: Person
    method: str
    """How the first was given."""
    next: str
    secret: str
    """A second factor that is being set up; empty where there is one already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Somebody who was sent to the identity provider."""

    nonce: str
    verifier: str
    next: str


def begin(person_id: str, *, method: str, next: str, secret: str = "", now: datetime) -> str:
    """Store a sign-in that waits for its second proof and return its token."""
    execute(delete(sign_in_steps).where(sign_in_steps.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    execute(
        insert(sign_in_steps).values(
            token_hash=digest(token),
            person_id=person_id,
            method=method,
            next=next,
            secret=vault.seal(secret),
            expires_at=now + LASTS,
        )
    )
    return token


def find(token: str, *, now: datetime) -> Step | None:
    """Return the sign-in that waits; None when it is over, failed too often, or its person is shut out."""
    rows = sign_in_steps
    query = (
        select(people, rows.c.method, rows.c.next, rows.c.secret)
        .join(rows, rows.c.person_id == people.c.id)
        .where(
            rows.c.token_hash == digest(token),
            rows.c.expires_at > now,
            rows.c.failures < FAILURES,
            ~people.c.disabled,
        )
    )
    row = execute(query).mappings().first()
    if row is None:
        return None
    return Step(person=person_of(row), method=row["method"], next=row["next"], secret=vault.open_(row["secret"]))


def fail(token: str) -> None:
    """Count a wrong code."""
    rows = sign_in_steps
    execute(update(rows).where(rows.c.token_hash == digest(token)).values(failures=rows.c.failures + 1))


def finish(token: str) -> bool:
    """Use a step up; return False where another request did."""
    return bool(execute(delete(sign_in_steps).where(sign_in_steps.c.token_hash == digest(token))).rowcount)


def send_off(*, next: str, now: datetime) -> tuple[str, Errand]:
    """Store that somebody is sent to the identity provider; return the token they bring back, and what goes with it."""
    execute(delete(oidc_states).where(oidc_states.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    errand = Errand(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), next=next)
    execute(
        insert(oidc_states).values(
            state_hash=digest(token),
            nonce=errand.nonce,
            verifier=errand.verifier,
            next=next,
            expires_at=now + LASTS,
        )
    )
    return token, errand


def come_back(token: str, *, now: datetime) -> Errand | None:
    """Return what goes with a token that was brought back, once; None when it is unknown, used or too old."""
    rows = oidc_states
    statement = delete(rows).where(rows.c.state_hash == digest(token)).returning(rows)
    row = execute(statement).mappings().first()
    if row is None or row["expires_at"] <= now:
        return None
    return Errand(nonce=row["nonce"], verifier=row["verifier"], next=row["next"])
