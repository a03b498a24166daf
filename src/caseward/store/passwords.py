"""Passwords and the attempts to guess them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from sqlalchemy import func, insert, select

from caseward.core.errors import BadInput, Refused
from caseward.store import people
from caseward.store.db import execute, transaction
from caseward.store.people import Person
from caseward.store.tables import sign_in_attempts

MINIMUM = 12
"""Characters a password must have; length protects, rules about kinds of characters do not."""
WINDOW = timedelta(minutes=15)
FAILURES_PER_PAIR = 5
"""Of one e-mail from one address within the window."""
FAILURES_PER_ADDRESS = 30
FAILURES_PER_EMAIL = 100
"""Over all addresses: high, so that a stranger cannot lock a person out by guessing badly."""

_one_at_a_time = BoundedSemaphore(1)
"""A hash takes 64 MiB; a burst of sign-ins must not take gigabytes."""


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """Return the hash checked for an unknown e-mail, so that the answer takes as long as for a known one."""
    return _hasher().hash("nobody has this password")


def make(password: str) -> str:
    """Return the hash of a password; raise BadInput when it is too short."""
    if len(password) < MINIMUM:
        raise BadInput(f"a password needs at least {MINIMUM} characters; this one has {len(password)}")
    with _one_at_a_time:
        return _hasher().hash(password)


def check(email: str, password: str, *, address: str, now: datetime) -> Person | None:
    """Return whose e-mail and password these are, or None; raise Refused after too many failures.

    Opens its own short transactions: the costly hash runs outside them.
    """
    email = email.strip().lower()
    pair = f"{email} {address}"
    with transaction():
        _refuse_guessing({pair: FAILURES_PER_PAIR, address: FAILURES_PER_ADDRESS, email: FAILURES_PER_EMAIL}, now)
        found = people.credentials(email)

    person, stored = found if found else (None, "")
    with _one_at_a_time:
        right = _hasher().verify(password, stored or _nobody())

    ok = bool(person and stored and right)
    with transaction():
        rows = [{"subject": subject, "at": now, "ok": ok} for subject in (pair, address, email)]
        execute(insert(sign_in_attempts), rows)
    return person if ok else None


def _refuse_guessing(limits: dict[str, int], now: datetime) -> None:
    """Raise Refused when one of the subjects has failed too often within the window."""
    attempts = sign_in_attempts
    failures = (
        select(attempts.c.subject, func.count())
        .where(attempts.c.subject.in_(list(limits)), attempts.c.at > now - WINDOW, ~attempts.c.ok)
        .group_by(attempts.c.subject)
    )
    for subject, count in execute(failures):
        if count >= limits[subject]:
            minutes = int(WINDOW.total_seconds() // 60)
            raise Refused(f"too many failed sign-ins; wait {minutes} minutes and try again")
