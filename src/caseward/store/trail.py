"""The action log as the console reads it: newest first, filtered, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from caseward.store.db import execute
from caseward.store.tables import log, log_payloads

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the action log."""

    seq: int
    at: datetime
    kind: str
    actor: str
    case_id: str
    release: str
    hash: str
    payload: Mapping[str, Any] | None
    """None once it was erased; the chain holds all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries; an empty part does not narrow."""

    case_id: str = ""
    actor: str = ""
    kind: str = ""
    before: int = 0
    """Only entries older than this one."""
    actors: Collection[str] | None = None
    """Only what these did: the most a reader may see."""
    kinds: Collection[str] = ()
    """Kinds (up to the first dot) seen besides `actors`."""


def entries(wanted: Filter, *, limit: int = PAGE) -> Sequence[Entry]:
    """Return the entries that fit, newest first."""
    query = select(log, log_payloads.c.payload).outerjoin(log_payloads, log_payloads.c.seq == log.c.seq)
    if wanted.case_id:
        query = query.where(log.c.case_id == wanted.case_id)
    if wanted.actor:
        query = query.where(log.c.actor == wanted.actor)
    if wanted.kind:
        query = query.where(log.c.kind == wanted.kind)
    if wanted.before:
        query = query.where(log.c.seq < wanted.before)
    if wanted.actors is not None:
        allowed = [log.c.actor.in_(list(wanted.actors)), *(log.c.kind.startswith(kind) for kind in wanted.kinds)]
        query = query.where(or_(*allowed))
    rows = execute(query.order_by(log.c.seq.desc()).limit(limit)).mappings()
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        actor=row["actor"],
        case_id=row["case_id"] or "",
        release=row["release"],
        hash=row["hash"],
        payload=json.loads(row["payload"]) if row["payload"] else None,
    )
