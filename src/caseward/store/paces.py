"""How fast messages go out: each reserves its time, so that no number of workers is faster than a vendor allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from caseward.store import db

_RESERVE: Final = """
    insert into paces (name, free_at) values (%(name)s, %(at)s + %(span)s)
    on conflict (name) do update set free_at = greatest(paces.free_at, %(at)s) + %(span)s
    returning free_at - %(span)s as slot
"""


def free_at(name: str) -> datetime | None:
    """Return from when on something is free; None for what was never reserved."""
    row = db.run("select free_at from paces where name = %(name)s", {"name": name}).fetchone()
    return None if row is None else row.free_at


def reserve(name: str, span: timedelta, at: datetime) -> datetime:
    """Take something for `span`, from `at` or as soon afterwards as it is free, and return from when on."""
    slot: datetime = db.run(_RESERVE, {"name": name, "span": span, "at": at}).fetchall()[0].slot
    return slot
