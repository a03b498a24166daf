"""Proofs besides the first: the second step of a sign-in, and showing again that one is who one is. Each is counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from caseward.store import factors, guesses, passwords
from caseward.store.db import transaction

FRESH = timedelta(minutes=10)
"""How long a sign-in is proof enough for who has neither a password nor a second factor."""
FAILURES_PER_PAIR = 5
"""Wrong codes of one person from one address within the window."""
FAILURES_PER_PERSON = 10
"""Over all addresses: three of a million codes fit at a time, and whoever guesses knows the password already."""


def code(person_id: str, given: str, *, address: str, now: datetime) -> str:
    """Use up a code and return which it was, `app` or `recovery`; nothing when it is neither. Raise TooMany."""
    with transaction():
        claimed = guesses.claim(_limits(person_id, address), now=now)
    with transaction():
        kind = factors.check(person_id, given, now=now)
        if kind:
            guesses.right(claimed)
    return kind


def again(person_id: str, given: str, *, signed_in_at: datetime, address: str, now: datetime) -> bool:
    """Return whether somebody who is signed in has shown once more who they are: by password or code, or, having
    neither, by having just signed in. Raise TooMany."""
    with transaction():
        has_password = bool(passwords.stored(person_id))
        factor = factors.of(person_id)
    if not has_password and not factor.on:
        return now - signed_in_at <= FRESH
    if factor.on and len(factors.plain(given)) in factors.LENGTHS and code(person_id, given, address=address, now=now):
        return True
    if not has_password:
        return False
    with transaction():
        claimed = guesses.claim(_limits(person_id, address), now=now)
    if not passwords.fits(person_id, given):
        return False
    with transaction():
        guesses.right(claimed)
    return True


def _limits(person_id: str, address: str) -> dict[str, int]:
    return {f"proof {person_id} {address}": FAILURES_PER_PAIR, f"proof {person_id}": FAILURES_PER_PERSON}
