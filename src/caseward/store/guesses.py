"""Attempts to guess a password or a code: counted before the answer is known, so that many at once are counted too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update

from caseward.core.errors import Refused
from caseward.store.db import execute
from caseward.store.tables import sign_in_attempts as attempts

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""


class TooMany(Refused):
    """There were too many failures; `until` is when the next attempt is taken."""

    code = "too_many"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"too many failed sign-ins; try again at {until:%Y-%m-%d %H:%M %Z}")
        self.until = until


def claim(limits: Mapping[str, int], *, now: datetime) -> Sequence[int]:
    """Count an attempt as failed for each subject and return what `right` takes if it was not.

    Args:
        limits: whoever is guarded against guessing, such as an address → failures of theirs within the window.
        now: when it is tried.

    Raises:
        TooMany: one of them has reached its limit; nothing is counted then.
    """
    for subject in sorted(limits):  # in one order, so that two attempts never wait for each other
        execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-in {subject}", 0))))
    held = [until for subject, limit in limits.items() if (until := _until(subject, limit, now))]
    if held:
        raise TooMany(max(held))
    rows = [{"subject": subject, "at": now, "ok": False} for subject in limits]
    return list(execute(insert(attempts).returning(attempts.c.id), rows).scalars())


def right(claimed: Sequence[int]) -> None:
    """Take an attempt back that was no failure."""
    execute(update(attempts).where(attempts.c.id.in_(list(claimed))).values(ok=True))


def _until(subject: str, limit: int, now: datetime) -> datetime | None:
    """Return until when a subject has to wait; None when it need not."""
    failures = (
        select(attempts.c.at)
        .where(attempts.c.subject == subject, attempts.c.at > now - WINDOW, ~attempts.c.ok)
        .order_by(attempts.c.at.desc())
    )
    at = execute(failures.offset(limit - 1).limit(1)).scalar()
    return None if at is None else at + WINDOW
