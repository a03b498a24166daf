"""Passwords: what one must be, whose one is, and how often it may be guessed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from sqlalchemy import select

from caseward.core.errors import BadInput
from caseward.store import guesses, people, sessions
from caseward.store.db import execute, transaction
from caseward.store.people import Person
from caseward.store.tables import people as rows

MINIMUM = 12
"""Characters a password must have; length protects, rules about kinds of characters do not."""
DIFFERENT = 5
"""Different characters among them, so that it is not one key held down."""
REST = 6
"""Characters that must be left when the e-mail address and the name of whoever it is for are taken out."""
WINDOW: timedelta = guesses.WINDOW
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


def make(password: str, *, person: Person | None = None) -> str:
    """Return the hash of a password; raise BadInput when it is too short, or easily guessed by who knows the person."""
    if len(password) < MINIMUM:
        raise BadInput(f"a password needs at least {MINIMUM} characters; this one has {len(password)}")
    if len(set(password)) < DIFFERENT:
        raise BadInput(f"this password has fewer than {DIFFERENT} different characters; choose another")
    if person is not None and len(_without(password, person)) < REST:
        raise BadInput("this password is little more than the name or the e-mail address; choose another")
    with _one_at_a_time:
        return _hasher().hash(password)


def check(email: str, password: str, *, address: str, now: datetime) -> Person | None:
    """Return whose e-mail and password these are, or None; raise TooMany after too many failures.

    Opens its own short transactions: the costly hash runs outside them.
    """
    email = email.strip().lower()
    limits = {f"{email} {address}": FAILURES_PER_PAIR, address: FAILURES_PER_ADDRESS, email: FAILURES_PER_EMAIL}
    with transaction():
        claimed = guesses.claim(limits, now=now)
        found = people.credentials(email)

    person, stored = found if found else (None, "")
    with _one_at_a_time:
        right = _hasher().verify(password, stored or _nobody())

    if not (person and stored and right):
        return None
    with transaction():
        guesses.right(claimed)
    return person


def fits(person_id: str, password: str) -> bool:
    """Return whether this is a person's password. Costly: call it outside a transaction, behind `guesses`."""
    with transaction():
        hashed = stored(person_id)
    with _one_at_a_time:
        return _hasher().verify(password, hashed or _nobody()) and bool(hashed)


def stored(person_id: str) -> str:
    """Return the hash of a person's password; empty where they have none."""
    return str(execute(select(rows.c.password_hash).where(rows.c.id == person_id)).scalar() or "")


def set_for(person_id: str, password_hash: str, *, now: datetime, keep: str = "") -> None:
    """Give a person another password; end every session they have but the one of id `keep`, and the links that were
    made to choose one. Raise NotFound."""
    people.keep_password(person_id, password_hash)
    sessions.end_all(person_id, now=now, but=keep)
    people.drop_links(person_id)


def _without(password: str, person: Person) -> str:
    """Return the letters and digits of a password that are not of the person's name or address."""
    left = _plain(password)
    known = (person.email, person.email.partition("@")[0], person.name, *person.name.split())
    for each in sorted(map(_plain, known), key=len, reverse=True):
        left = left.replace(each, "") if len(each) > 3 else left
    return left


def _plain(words: str) -> str:
    return re.sub(r"[\W_]+", "", words.casefold())
