"""Second factors: the code of an app that counts time (RFC 6238), and recovery codes for when that is lost.

What an app counts with is stored sealed (vault.py). A code counts once: the last time step used is kept, and a recovery
code is used up, both by the statement that checks.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, insert, select, update

from caseward.store import vault
from caseward.store.db import execute
from caseward.store.hashes import digest
from caseward.store.people import Person
from caseward.store.tables import people
from caseward.store.tables_console import recovery_codes

STEP_SECONDS = 30
DRIFT = 1
"""Steps that a phone's clock may be off, either way."""
CODES = 10
GROUPS, LETTERS = 4, 4
LENGTHS = (6, GROUPS * LETTERS)
"""Signs of a code of an app, and of a recovery code."""
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What is not mistaken for something else: a recovery code has 79 random bits."""

LOST = (
    "codes of an app cannot be checked, because this desk has another secret than the one they were sealed with; use a "
    "recovery code, or have an administrator remove the second factor"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """How somebody's second factor stands."""

    on: bool
    codes_left: int


def new_secret() -> str:
    """Return what an app is to count with."""
    return pyotp.random_base32()


def address(secret: str, person: Person, *, house: str) -> str:
    """Return the `otpauth://` address that an app reads from a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.email or person.name, issuer_name=house)


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the time step whose code this is, now or within the drift; None when it is none's."""
    code, here = plain(code), int(now.timestamp()) // STEP_SECONDS
    counter = pyotp.HOTP(secret)
    steps = [step for step in range(here - DRIFT, here + DRIFT + 1) if step >= 0]
    return next((step for step in steps if secrets.compare_digest(counter.at(step).encode(), code.encode())), None)


def of(person_id: str) -> Factor:
    """Return how a person's second factor stands."""
    secret = execute(select(people.c.totp_secret).where(people.c.id == person_id)).scalar()
    left = select(func.count()).where(recovery_codes.c.person_id == person_id, recovery_codes.c.used_at.is_(None))
    return Factor(on=bool(secret), codes_left=execute(left).scalar_one() if secret else 0)


def check(person_id: str, code: str, *, now: datetime) -> str:
    """Use up a code of the app or a recovery code and return which it was, `app` or `recovery`; nothing when it is
    neither, or was used before.

    Raises KeyLost for what is no recovery code while codes of the app cannot be checked.
    """
    stored = execute(select(people.c.totp_secret).where(people.c.id == person_id)).scalar()
    if not stored:
        return ""
    lost = False
    try:
        step = step_of(vault.open_(stored), code, now=now)
    except vault.KeyLost:
        step, lost = None, True
    if step is not None:
        newer = update(people).where(
            people.c.id == person_id, people.c.totp_secret == stored, people.c.totp_step < step
        )
        return "app" if execute(newer.values(totp_step=step)).rowcount else ""
    codes = recovery_codes
    unused = update(codes).where(
        codes.c.person_id == person_id, codes.c.code_hash == _hashed(person_id, code), codes.c.used_at.is_(None)
    )
    if execute(unused.values(used_at=now)).rowcount:
        return "recovery"
    if lost:
        raise vault.KeyLost(LOST)
    return ""


def turn_on(person_id: str, secret: str, *, step: int) -> Sequence[str]:
    """Have a person asked for codes from now on; return new recovery codes. `step` is of the code just shown."""
    execute(update(people).where(people.c.id == person_id).values(totp_secret=vault.seal(secret), totp_step=step))
    return new_codes(person_id)


def turn_off(person_id: str) -> bool:
    """Have a person asked for codes no more; return whether they were."""
    statement = update(people).where(people.c.id == person_id, people.c.totp_secret != "")
    was_on = bool(execute(statement.values(totp_secret="", totp_step=0)).rowcount)
    execute(delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    return was_on


def keep_sealed() -> None:
    """Seal what is stored plain or under the secret before; what none of our secrets opens stays as it is."""
    query = select(people.c.id, people.c.totp_secret).where(people.c.totp_secret != "").with_for_update()
    for row in execute(query).all():
        if not vault.is_current(row.totp_secret) and _opens(row.totp_secret):
            sealed = vault.seal(vault.open_(row.totp_secret))
            execute(update(people).where(people.c.id == row.id).values(totp_secret=sealed))


def lost() -> int:
    """Return how many second factors cannot be opened by any secret of ours."""
    return sum(
        not _opens(each) for each in execute(select(people.c.totp_secret).where(people.c.totp_secret != "")).scalars()
    )


def _opens(stored: str) -> bool:
    try:
        return bool(vault.open_(stored))
    except vault.KeyLost:
        return False


def new_codes(person_id: str) -> Sequence[str]:
    """Make new recovery codes in place of the old ones, and return them: they are shown this once."""
    execute(delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    made = ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES)]
    execute(insert(recovery_codes), [{"person_id": person_id, "code_hash": _hashed(person_id, code)} for code in made])
    return made


def plain(code: str) -> str:
    """Return a code as it is compared: without the spaces and hyphens that people read it by."""
    return "".join(sign for sign in code.upper() if sign.isalnum())[:64]


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))


def _hashed(person_id: str, code: str) -> str:
    return digest(f"{person_id} {plain(code)}")
