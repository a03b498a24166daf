"""Whether the log is whole, found out a stretch at a time beside the desk's work, so that no page waits for it.

A walk begins at the first entry every day and goes on from where it was; `caseward log verify` walks all of it at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store import db
from caseward.store import log as log_
from caseward.store.tables import log, log_head, log_payloads, log_signatures
from caseward.store.tables_console import log_checks as table

STRETCH = 5_000
"""Entries of one look, which takes a tenth of a second."""
EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far the log was walked, and what was found."""

    length: int
    walked: int
    """Entries that were found whole in the walk that is under way."""
    at: datetime | None
    """When it was walked last; None before the first time."""
    whole_at: datetime | None
    """When a walk last came to the end with nothing wrong."""
    broken: int | None
    """The first entry that does not fit."""
    why: str
    sealed: int
    """The newest entry whose hash is signed; 0 for none."""
    sealed_at: datetime | None


def standing() -> Standing:
    """Return what is known, without walking."""
    row = db.execute(select(table)).mappings().first() or {}
    length = db.execute(select(log_head.c.seq)).scalar() or 0
    seal = db.execute(
        select(log_signatures.c.seq, log_signatures.c.at).order_by(log_signatures.c.seq.desc()).limit(1)
    ).first()
    return Standing(
        length=length,
        walked=row.get("seq", 0),
        at=row.get("at"),
        whole_at=row.get("whole_at"),
        broken=row.get("broken"),
        why=row.get("why", ""),
        sealed=seal.seq if seal else 0,
        sealed_at=seal.at if seal else None,
    )


def walk_on(now: datetime, *, limit: int = STRETCH) -> None:
    """Walk the next stretch, in one process at a time; what was found broken stays so until a new walk begins."""
    db.execute(upsert(table).values(id=1).on_conflict_do_nothing())
    at = db.execute(select(table).with_for_update(skip_locked=True)).first()
    if at is None:
        return
    seq, last, began = at.seq, at.hash or log_.GENESIS, at.began_at
    if began is None or (now - began >= EVERY and (at.broken is not None or at.whole_at is not None)):
        seq, last, began = 0, log_.GENESIS, now
    elif at.broken is not None:
        return
    head = db.execute(select(log_head.c.seq, log_head.c.hash)).first()
    end = head.seq if head else 0
    rows = db.execute(
        select(log, log_payloads.c.payload)
        .outerjoin(log_payloads, log_payloads.c.seq == log.c.seq)
        .where(log.c.seq > seq, log.c.seq <= end)
        .order_by(log.c.seq)
        .limit(limit)
    ).mappings()
    broken, why = None, ""
    for row in rows:
        why = _wrong(dict(row), seq + 1, last)
        if why:
            broken = seq + 1
            break
        seq, last = row["seq"], row["hash"]
    if broken is None and seq < end and not _more(seq, end):
        broken, why = seq + 1, f"entry {seq + 1} is missing"
    if broken is None and head is not None and seq == end and end and last != head.hash:
        broken, why = seq, "the log's head says something else than its last entry"
    whole = now if broken is None and seq >= end else at.whole_at
    values = {"seq": seq, "hash": last, "at": now, "began_at": began, "whole_at": whole, "broken": broken, "why": why}
    db.execute(update(table).values(**values))


def _wrong(row: dict[str, object], expected: int, last: str) -> str:
    """Return what is wrong with an entry, or nothing."""
    if row["seq"] != expected:
        return f"entry {expected} is missing"
    if row["payload"] is not None and hashlib.sha256(str(row["payload"]).encode()).hexdigest() != row["payload_hash"]:
        return "its payload was changed"
    return "" if log_.link(row, last) == row["hash"] else "its columns were changed, or the entry before it was"


def _more(after: int, end: int) -> bool:
    return db.execute(select(log.c.seq).where(log.c.seq > after, log.c.seq <= end).limit(1)).first() is not None
