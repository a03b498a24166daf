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

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, union_all

from caseward.store.db import execute
from caseward.store.tables import log, log_payloads

PAGE = 50
SCANNED = 5_000
"""Entries that one page looks at to find those that fit."""
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
    scanned = _branches(wanted, primary, limit=SCANNED if rest else limit + 1).subquery()
    order = scanned.c.seq.asc() if wanted.oldest_first else scanned.c.seq.desc()
    query = select(scanned, log_payloads.c.payload).outerjoin(log_payloads, log_payloads.c.seq == scanned.c.seq)
    for condition in rest:
        query = query.where(_on(condition, scanned))
    found = [_entry(row) for row in execute(query.order_by(order).limit(limit + 1)).mappings()]
    if len(found) > limit:
        return Page(entries=found[:limit], more=found[limit - 1].seq)
    if rest:
        ends = func.max(scanned.c.seq) if wanted.oldest_first else func.min(scanned.c.seq)
        last = execute(select(func.count(), ends).select_from(scanned)).one()
        if last[0] >= SCANNED:
            at = execute(select(log.c.at).where(log.c.seq == last[1])).scalar()
            return Page(entries=found, more=last[1], looked_to=at)
    return Page(entries=found)


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


Condition = tuple[str, str, Collection[str]]
"""A column, or `text`, what it must be, and the kinds that are not looked into."""


def _split(wanted: Filter) -> tuple[ColumnElement[bool] | None, list[Condition]]:
    """Return the part of a filter that an index answers, and the others."""
    given = [(name, getattr(wanted, name)) for name in ("case_id", "actor", "kind") if getattr(wanted, name)]
    scoped = wanted.actors is not None
    first = None if scoped or not given else log.c[given[0][0]] == given[0][1]
    rest: list[Condition] = [(name, value, ()) for name, value in (given if scoped else given[1:])]
    if wanted.text:
        rest.append(("text", wanted.text, wanted.unread))
    return first, rest


def _on(condition: Condition, scanned: Any) -> ColumnElement[bool]:
    name, value, unread = condition
    if name != "text":
        found: ColumnElement[bool] = scanned.c[name] == value
        return found
    said = log_payloads.c.payload.icontains(value, autoescape=True)
    return and_(said, not_(scanned.c.kind.in_(list(unread)))) if unread else said


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
    if wanted.since is not None:
        query = query.where(log.c.seq >= _first(log.c.at >= wanted.since))
    if wanted.until is not None:
        query = query.where(or_(log.c.seq < _first(log.c.at >= wanted.until), _none(log.c.at >= wanted.until)))
    return query.order_by(log.c.seq.asc() if wanted.oldest_first else log.c.seq.desc()).limit(limit)


def _first(condition: ColumnElement[bool]) -> Any:
    """Return the number of the first entry from an instant on: entries are numbered in the order of their time."""
    return select(log.c.seq).where(condition).order_by(log.c.at, log.c.seq).limit(1).scalar_subquery()


def _none(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return not_(select(log.c.seq).where(condition).limit(1).exists())


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
