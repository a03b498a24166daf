"""The action log as the console reads it: filtered, a page at a time, in a time that does not grow with the log.

One part of a filter is answered by an index; the others look at the next entries that it yields, `SCANNED` of them at
most, and the page says how far it looked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all

from caseward.store.db import execute
from caseward.store.tables import log, log_payloads

PAGE = 50
SCANNED = 1_000
"""Entries that one page looks at to find those that fit."""
AT_ONCE = 500
"""Payloads that are searched at once."""
NEVER = 2**62
"""A number that no entry has."""
STREAMED = 1_000
"""Entries of an export that are read at once."""


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
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    """What the payload contains, letter for letter but for case."""
    unread: Collection[str] = ()
    """Kinds whose words are not looked into: the reader may not see them."""
    before: int = 0
    """Only entries older than this one."""
    after: int = 0
    """Only entries newer than this one."""
    oldest_first: bool = False
    actors: Collection[str] | None = None
    """Only what these did: the most a reader may see."""
    kinds: Collection[str] = ()
    """Kinds seen besides `actors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entries, and how to go on."""

    entries: Sequence[Entry] = field(default_factory=tuple)
    more: int = 0
    """The entry after which the next page begins; 0 where there is none."""
    looked_to: datetime | None = None
    """How far the search went, where it stopped before the page was full."""


def page(wanted: Filter, *, limit: int = PAGE) -> Page:
    """Return the entries that fit, newest first unless the filter says otherwise."""
    primary, rest = _split(wanted)
    rows = execute(_branches(_bounded(wanted), primary, limit=SCANNED if rest else limit + 1)).all()
    fitting = [row for row in rows if all(getattr(row, name) == value for name, value in rest if name != "text")]
    if wanted.text:
        fitting = _saying(wanted.text, [row for row in fitting if row.kind not in wanted.unread], limit + 1)
    found = _entries(fitting[:limit])
    if len(fitting) > limit:
        return Page(entries=found, more=found[-1].seq)
    if rest and len(rows) >= SCANNED:
        return Page(entries=found, more=rows[-1].seq, looked_to=rows[-1].at)
    return Page(entries=found)


def _saying(text: str, rows: Sequence[Any], limit: int) -> list[Any]:
    """Return the first of the rows whose payload contains a text."""
    said = log_payloads.c.payload.icontains(text, autoescape=True)
    found: list[Any] = []
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        query = select(log_payloads.c.seq).where(log_payloads.c.seq.in_([row.seq for row in some]), said)
        fitting = {row.seq for row in execute(query)}
        found += [row for row in some if row.seq in fitting]
        if len(found) >= limit:
            break
    return found


def _entries(rows: Sequence[Any]) -> list[Entry]:
    """Return entries with their payloads."""
    query = select(log_payloads).where(log_payloads.c.seq.in_([row.seq for row in rows]))
    payloads = {row.seq: row.payload for row in execute(query)} if rows else {}
    return [
        Entry(
            seq=row.seq,
            at=row.at,
            kind=row.kind,
            actor=row.actor,
            case_id=row.case_id or "",
            release=row.release,
            hash=row.hash,
            payload=json.loads(payloads[row.seq]) if row.seq in payloads else None,
        )
        for row in rows
    ]


def entries(wanted: Filter, *, limit: int = PAGE) -> Sequence[Entry]:
    """Return the first entries that fit."""
    return page(wanted, limit=limit).entries


def every(wanted: Filter) -> Iterator[Sequence[Entry]]:
    """Yield all entries that fit, a stretch at a time, newest first; each stretch needs an open transaction."""
    before = wanted.before
    while True:
        found = page(replace(wanted, before=before), limit=STREAMED)
        yield found.entries
        if not found.more:
            return
        before = found.more


def _split(wanted: Filter) -> tuple[ColumnElement[bool] | None, list[tuple[str, str]]]:
    """Return the part of a filter that an index answers, and the others: a column or `text`, and what it must be."""
    given = [(name, getattr(wanted, name)) for name in ("case_id", "actor", "kind") if getattr(wanted, name)]
    scoped = wanted.actors is not None
    first = None if scoped or not given else log.c[given[0][0]] == given[0][1]
    rest = given if scoped else given[1:]
    return first, [*rest, *([("text", wanted.text)] if wanted.text else [])]


def _bounded(wanted: Filter) -> Filter:
    """Return the filter with its days as numbers of entries, which are numbered in the order of their time."""
    after, before = wanted.after, wanted.before
    if wanted.since is not None:
        first = _first_from(wanted.since)
        after = max(after, first - 1 if first else NEVER)
    if wanted.until is not None:
        end = _first_from(wanted.until)
        before = min(before or NEVER, end or NEVER)
    return replace(wanted, after=after, before=before)


def _first_from(at: datetime) -> int:
    """Return the number of the first entry from an instant on; 0 where there is none."""
    query = select(log.c.seq).where(log.c.at >= at).order_by(log.c.at, log.c.seq).limit(1)
    return int(execute(query).scalar() or 0)


def _branches(wanted: Filter, primary: ColumnElement[bool] | None, *, limit: int) -> Select[Any]:
    """Return what an index yields of what a reader may see: a branch for each index that is asked."""
    if wanted.actors is None:
        return _branch(wanted, [primary] if primary is not None else [], limit)
    asked = [log.c.actor == each for each in wanted.actors] + [log.c.kind == each for each in wanted.kinds]
    parts = [_branch(wanted, [each], limit).subquery() for each in asked]
    together = union_all(*(select(each) for each in parts)).subquery()
    distinct = select(together).distinct().subquery()
    order = distinct.c.seq.asc() if wanted.oldest_first else distinct.c.seq.desc()
    return select(distinct).order_by(order).limit(limit)


def _branch(wanted: Filter, conditions: list[ColumnElement[bool]], limit: int) -> Select[Any]:
    columns = (log.c.seq, log.c.at, log.c.kind, log.c.actor, log.c.case_id, log.c.release, log.c.hash)
    query = select(*columns).where(*conditions)
    if wanted.before:
        query = query.where(log.c.seq < wanted.before)
    if wanted.after:
        query = query.where(log.c.seq > wanted.after)
    return query.order_by(log.c.seq.asc() if wanted.oldest_first else log.c.seq.desc()).limit(limit)
