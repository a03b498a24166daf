"""Who is let in where not everybody is: whom the team admitted or refused, who asks to be, and codes that admit."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store import db
from caseward.store.tables_channels import admissions, codes

ASKED, ADMITTED, REFUSED = "asked", "admitted", "refused"
LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Of codes: none looks like another."""
LONG = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How an address stands on a channel."""

    channel: str
    address: str
    state: str
    by: str
    """Who decided; whoever made the code that was used."""
    at: datetime
    """When it was decided, or when they last asked."""
    tries: int
    """Codes of theirs that were none."""


def of(channel: str, address: str) -> Admission | None:
    """Return how an address stands; None when it was never heard of."""
    row = db.execute(select(admissions).where(admissions.c.channel == channel, admissions.c.address == address)).first()
    return None if row is None else _admission(row)


def listed(channel: str = "", state: str = "", *, limit: int | None = None) -> list[Admission]:
    """Return addresses, those heard of last first; of one channel or in one state where it is named."""
    query = select(admissions).order_by(admissions.c.at.desc(), admissions.c.address).limit(limit)
    if channel:
        query = query.where(admissions.c.channel == channel)
    if state:
        query = query.where(admissions.c.state == state)
    return [_admission(row) for row in db.execute(query)]


def ask(channel: str, address: str, *, wrong_code: bool, now: datetime) -> None:
    """Note that an address wants to be let in, and whether it gave a code that is none."""
    db.execute(
        upsert(admissions)
        .values(channel=channel, address=address, state=ASKED, at=now, tries=int(wrong_code))
        .on_conflict_do_update(
            index_elements=["channel", "address"],
            set_={"at": now, "tries": admissions.c.tries + int(wrong_code)},
            where=admissions.c.state == ASKED,
        )
    )


def decide(channel: str, address: str, state: str, *, by: str, now: datetime) -> None:
    """Record that an address is admitted or refused."""
    said = {"state": state, "by": by, "at": now, "tries": 0}
    db.execute(
        upsert(admissions)
        .values(channel=channel, address=address, **said)
        .on_conflict_do_update(index_elements=["channel", "address"], set_=said)
    )


def tell(channel: str, address: str, *, now: datetime, since: datetime, most: int) -> bool:
    """Note that an address is told it is not let in; False when it was told before, or `most` were told since then."""
    told = select(func.count()).where(admissions.c.channel == channel, admissions.c.told_at >= since).scalar_subquery()
    changed = db.execute(
        update(admissions)
        .where(
            admissions.c.channel == channel,
            admissions.c.address == address,
            admissions.c.told_at.is_(None),
            told < most,
        )
        .values(told_at=now)
    )
    return bool(changed.rowcount)


def new_code(channel: str, *, by: str, now: datetime, expires_at: datetime) -> str:
    """Store a code that admits one address, and return it; it is shown once and never again."""
    code = "".join(secrets.choice(LETTERS) for _ in range(LONG))
    db.execute(
        insert(codes).values(
            digest=_digest(code), purpose="admit", channel=channel, by=by, created_at=now, expires_at=expires_at
        )
    )
    return f"{code[:5]}-{code[5:]}"


def use_code(code: str, channel: str, address: str, *, now: datetime) -> str | None:
    """Use a code up and return who made it; None when it is unknown, used, expired, or of another channel."""
    row = db.execute(
        update(codes)
        .where(
            codes.c.digest == _digest(code),
            codes.c.purpose == "admit",
            codes.c.channel == channel,
            codes.c.used_at.is_(None),
            codes.c.expires_at > now,
        )
        .values(used_at=now, used_by=address)
        .returning(codes.c.by)
    ).first()
    return None if row is None else str(row.by)


def _digest(code: str) -> str:
    plain = "".join(char for char in code.upper() if char in LETTERS)
    return hashlib.sha256(plain.encode()).hexdigest()


def _admission(row: object) -> Admission:
    names = ("channel", "address", "state", "by", "at", "tries")
    return Admission(**{name: getattr(row, name) for name in names})
