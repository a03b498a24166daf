"""The action log: append-only, hash-chained, payloads apart.

hash(n) = SHA-256 of the RFC 8785 form of entry n's columns, its payload's hash and hash(n-1). Erasing a payload leaves
its hash, so the chain stays whole; changing a column or a payload that is still there breaks it at that entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, text

from caseward.core.case import Case
from caseward.store import db
from caseward.store.tables import log as table
from caseward.store.tables import log_head, log_payloads

GENESIS = "0" * 64
MAX_SAFE = 2**53 - 1
"""The largest whole number that every JSON reader keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    at: datetime
    kind: str
    """What happened: inbound, fact, decision, draft, check, approval, verdict, task, result, send, ..."""
    actor: str
    """An agent (A to F), a person's id, `contact`, or `house`."""
    payload: Mapping[str, Any]
    case_id: str | None = None
    conversation_id: str | None = None
    release: str = ""
    seq: int = 0
    hash: str = ""


def append(
    kind: str,
    actor: str,
    payload: Mapping[str, Any],
    *,
    at: datetime,
    case_id: str | None = None,
    conversation_id: str | None = None,
    release: str = "",
) -> None:
    """Record an entry; it is written with the current transaction, or not at all."""
    entry = Entry(
        at=at,
        kind=kind,
        actor=actor,
        payload=payload,
        case_id=case_id,
        conversation_id=conversation_id,
        release=release,
    )
    db.current().entries.append(entry)


def of_case(case: Case, kind: str, actor: str, payload: Mapping[str, Any], *, at: datetime, release: str = "") -> None:
    """Record what happened to a case, as `append` does."""
    append(kind, actor, payload, at=at, case_id=case.id, conversation_id=case.conversation_id, release=release)


def _flush(opened: db.Transaction) -> None:
    """Write the buffered entries, chained by the database itself: its head is locked until the commit, which follows
    at once, and never waits for this process.
    """
    if not opened.entries:
        return
    rows = []
    for n, entry in enumerate(opened.entries, 1):
        payload = canonical(entry.payload)
        row = {
            "at": entry.at,
            "kind": entry.kind,
            "actor": entry.actor,
            "case_id": entry.case_id,
            "conversation_id": entry.conversation_id,
            "release": entry.release,
            "payload_hash": hashlib.sha256(payload.encode()).hexdigest(),
        }
        before, after = _around(row)
        rows.append({**row, "n": n, "payload": payload, "before": before, "after": after})
    opened.driver.execute(_QUEUE_UP)
    opened.driver.execute(_WRITE, {"rows": db.dumps(rows)})
    opened.entries.clear()


_QUEUE_UP = "select pg_advisory_xact_lock(hashtextextended('caseward log', 0))"
"""Writers take turns in the order in which they come: for the head's row alone, whoever comes last may be first."""
_WRITE = """
    with recursive head as materialized (
        select seq, hash from log_head where id = 1 for update
    ),
    new as materialized (
        select * from json_to_recordset(%(rows)s::json) as row(
            n int, at timestamptz, kind text, actor text, case_id text, conversation_id text, release text,
            payload text, payload_hash text, before text, after text
        )
    ),
    chain as (
        select 0 as n, seq, hash from head
        union all
        select
            new.n, chain.seq + 1,
            encode(sha256(convert_to(before || chain.hash || after || chain.seq + 1 || '}', 'UTF8')), 'hex')
        from chain join new on new.n = chain.n + 1
    ),
    payloads as (
        insert into log_payloads (seq, payload) select seq, payload from new left join chain using (n)
    ),
    entries as (
        insert into log (seq, at, kind, actor, case_id, conversation_id, release, payload_hash, hash)
        select seq, at, kind, actor, case_id, conversation_id, release, payload_hash, hash from new join chain using (n)
    )
    insert into log_head (id, seq, hash) select 1, seq, hash from chain order by n desc limit 1
    on conflict (id) do update set seq = excluded.seq, hash = excluded.hash
"""
"""Lock the head, chain the entries to it, write them, move the head on. Without a head no entry has a number, which the
left join makes an error: nothing goes on unlogged."""

db.on_flush(9, _flush)


def link(row: Mapping[Any, Any], last: str) -> str:
    """Return the hash of an entry that follows `last`."""
    before, after = _around(row)
    return hashlib.sha256(f"{before}{last}{after}{row['seq']}}}".encode()).hexdigest()


def _around(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the canonical form of an entry's columns as it is before and after `prev`, up to the value of `seq`.

    These two are known only once the head is locked, and the form's order lets them be put in last.
    """
    columns = {name: row[name] for name in ("actor", "case_id", "conversation_id", "kind", "payload_hash")}
    columns["at"] = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return f'{canonical(columns)[:-1]},"prev":"', f'","release":{canonical(row["release"])},"seq":'


def canonical(value: Any) -> str:
    """Return `value` as RFC 8785 canonical JSON.

    Mapping keys are ASCII names, whole numbers beyond 2^53 and fractions are written as text: for what is left, sorted
    keys without spaces are the canonical form (a property test compares it with the rfc8785 package).
    """
    return _CANONICAL.encode(_writable(value))


_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


_PLAIN = frozenset({str, bool, type(None)})
"""What is written as it is; most values are."""


def _writable(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return value if abs(value) <= MAX_SAFE else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): item if type(item) in _PLAIN else _writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    return _writable(db.plain(value)) if isinstance(value, frozenset | set) else str(db.plain(value))


def length() -> int:
    """Return how many entries there are."""
    return int(db.execute(select(log_head.c.seq)).scalar() or 0)


def start() -> None:
    """Create the head of an empty log; harmless when it exists."""
    db.execute(
        text("insert into log_head (id, seq, hash) values (1, 0, :genesis) on conflict do nothing"),
        {"genesis": GENESIS},
    )


def verify() -> Broken | None:
    """Walk the chain from its start; return the first entry that does not fit, or None when all do.

    Entries and head are read in one statement, so that a desk at work does not look broken.
    """
    last, expected = GENESIS, 1
    head = db.execute(select(log_head.c.seq, log_head.c.hash)).first()
    ends = [select(column).where(log_head.c.id == 1).scalar_subquery() for column in (log_head.c.seq, log_head.c.hash)]
    rows = (
        db.current()
        .connection.execution_options(stream_results=True, yield_per=2000)
        .execute(
            select(table, log_payloads.c.payload, ends[0].label("head_seq"), ends[1].label("head_hash"))
            .outerjoin(log_payloads, table.c.seq == log_payloads.c.seq)
            .order_by(table.c.seq)
        )
    )
    for row in rows.mappings():
        head = (row["head_seq"], row["head_hash"])
        if row["seq"] != expected:
            return Broken(seq=expected, why=f"entry {expected} is missing")
        if row["payload"] is not None and hashlib.sha256(row["payload"].encode()).hexdigest() != row["payload_hash"]:
            return Broken(seq=row["seq"], why="its payload was changed")
        if link(row, last) != row["hash"]:
            return Broken(seq=row["seq"], why="its columns were changed, or the entry before it was")
        last, expected = row["hash"], expected + 1
    if head is None or head[0] is None:
        return None if expected == 1 else Broken(seq=expected, why="the log has no head")
    if head[0] != expected - 1:
        return Broken(seq=expected, why=f"the log ends at entry {expected - 1}, its head says {head[0]}")
    if head[1] != last:
        return Broken(seq=expected - 1, why="the head has another hash than this entry")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where and why the chain does not hold."""

    seq: int
    why: str


def entries(
    *,
    case_id: str | None = None,
    actor: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    before: int | None = None,
    newest_first: bool = False,
    limit: int = 200,
) -> list[Entry]:
    """Return entries that match all filters, by number; an erased payload reads as empty."""
    query = select(table, log_payloads.c.payload).outerjoin(log_payloads, table.c.seq == log_payloads.c.seq)
    for column, value in ((table.c.case_id, case_id), (table.c.actor, actor), (table.c.kind, kind)):
        if value:
            query = query.where(column == value)
    if since:
        query = query.where(table.c.at >= since)
    if until:
        query = query.where(table.c.at < until)
    if after:
        query = query.where(table.c.seq > after)
    if before is not None:
        query = query.where(table.c.seq < before)
    query = query.order_by(table.c.seq.desc() if newest_first else table.c.seq).limit(limit)
    return [_entry(row) for row in db.execute(query).mappings()]


def _entry(row: Mapping[Any, Any]) -> Entry:
    return Entry(
        at=row["at"],
        kind=row["kind"],
        actor=row["actor"],
        payload=json.loads(row["payload"]) if row["payload"] else {},
        case_id=row["case_id"],
        conversation_id=row["conversation_id"],
        release=row["release"],
        seq=row["seq"],
        hash=row["hash"],
    )


def erase(case_id: str) -> int:
    """Delete the payloads of a case's entries; the chain stays whole. Return how many there were."""
    of_case = select(table.c.seq).where(table.c.case_id == case_id)
    return len(
        db.execute(delete(log_payloads).where(log_payloads.c.seq.in_(of_case)).returning(log_payloads.c.seq)).all()
    )


def walk(case_id: str) -> Iterator[Entry]:
    """Yield every entry of a case, in order."""
    after = 0
    while page := entries(case_id=case_id, after=after):
        yield from page
        after = page[-1].seq
