"""Writing first: who wants to be written to, what is to be said to whom, and when a playbook is asked again.

A key is sent once, ever: its row is locked while it is decided about, and never leaves `sent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from caseward.core.outreach import Address
from caseward.store import db

WAITING, SENT, SKIPPED = "waiting", "sent", "skipped"

# --- what contacts want -----------------------------------------------------------------------------------------------


def prefer(channel: str, address: str, *, wanted: bool, source: str, at: datetime) -> bool:
    """Record whether an address wants what nobody there asked for; return False when a later word of it is known.

    Of two words of one instant the forbidding one stays.
    """
    given = {"channel": channel, "address": address, "wanted": wanted, "source": source, "at": at}
    return db.run(_PREFER, given).fetchone() is not None


_PREFER = """
    insert into preferences (channel, address, wanted, source, at)
    values (%(channel)s, %(address)s, %(wanted)s, %(source)s, %(at)s)
    on conflict (channel, address) do update set wanted = excluded.wanted, source = excluded.source, at = excluded.at
    where preferences.at < excluded.at or (preferences.at = excluded.at and preferences.wanted and not excluded.wanted)
    returning wanted
"""


def conversation(channel: str, address: str) -> str | None:
    """Return the id of the conversation with an address, or None when there is none yet."""
    given = {"channel": channel, "address": address}
    row = db.run("select id from conversations where channel = %(channel)s and address = %(address)s", given).fetchone()
    return None if row is None else str(row.id)


def preference(channel: str, address: str) -> bool | None:
    """Return what an address last said it wants, or None when it said nothing."""
    given = {"channel": channel, "address": address}
    row = db.run(
        "select wanted from preferences where channel = %(channel)s and address = %(address)s", given
    ).fetchone()
    return None if row is None else bool(row.wanted)


def addresses(contacts: Iterable[str]) -> dict[str, list[Address]]:
    """Return contact → the addresses proved to be theirs, the latest proof first, and what was said there."""
    found: dict[str, list[Address]] = {}
    for row in db.run(_ADDRESSES, {"contacts": list(contacts)}):
        each = Address(channel=row.channel, address=row.address, wanted=row.wanted, said_at=row.at)
        found.setdefault(row.contact_id, []).append(each)
    return found


_ADDRESSES = """
    select identities.contact_id, identities.channel, identities.address, preferences.wanted, preferences.at
    from identities left join preferences using (channel, address)
    where identities.contact_id = any(%(contacts)s)
    order by identities.verified_at desc, identities.channel, identities.address
"""

# --- what is to be said -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message that a playbook calls for."""

    key: str
    playbook: str
    contact: str
    state: str
    """`waiting`, `sent` or `skipped`."""
    why: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    next_at: datetime | None = None


def rows(keys: Iterable[str]) -> dict[str, Row]:
    """Return what is known of these keys."""
    found = db.run("select * from outreach where key = any(%(keys)s)", {"keys": list(keys)})
    return {row.key: _row(row) for row in found}


def take(key: str) -> Row | None:
    """Return a row and lock it until the commit, with everything else that concerns its contact; None for none."""
    row = db.run("select * from outreach where key = %(key)s for update", {"key": key}).fetchone()
    if row is None:
        return None
    db.run("select pg_advisory_xact_lock(hashtextextended('outreach:' || %(contact)s, 0))", {"contact": row.contact_id})
    return _row(row)


def keep(given: Sequence[Row], *, at: datetime) -> None:
    """Write how rows stand; what was sent stays so."""
    listed = [
        {"key": each.key, "playbook": each.playbook, "contact_id": each.contact, "state": each.state, "why": each.why,
         "body": dict(each.values), "at": at, "next_at": each.next_at}
        for each in given
    ]  # fmt: skip
    db.run(_KEEP, {"rows": db.dumps(listed)})


_KEEP = """
    insert into outreach (key, playbook, contact_id, state, why, body, at, next_at)
    select key, playbook, contact_id, state, why, body, at, next_at
    from json_populate_recordset(null::outreach, %(rows)s::json)
    on conflict (key) do update set
        contact_id = excluded.contact_id, state = excluded.state, why = excluded.why, body = excluded.body,
        at = excluded.at, next_at = excluded.next_at
    where outreach.state <> 'sent'
"""


def sent(key: str, *, channel: str, outbox_key: str, values: Mapping[str, Any], at: datetime) -> None:
    """Record that a row's words are in the outbox, under `outbox_key`."""
    given = {"key": key, "channel": channel, "outbox": outbox_key, "body": Jsonb(dict(values)), "at": at}
    db.run(_SENT, given)


_SENT = """
    update outreach set
        state = 'sent', why = '', channel = %(channel)s, body = %(body)s, at = %(at)s, next_at = null,
        outbox_id = (select id from outbox where key = %(outbox)s)
    where key = %(key)s
"""


def lately(contacts: Iterable[str], since: datetime) -> dict[str, int]:
    """Return contact → how many messages of playbooks they were sent since then."""
    given = {"contacts": list(contacts), "since": since}
    return {row.contact_id: int(row.n) for row in db.run(_LATELY, given)}


_LATELY = """
    select contact_id, count(*) as n from outreach
    where contact_id = any(%(contacts)s) and state = 'sent' and at > %(since)s group by contact_id
"""


def waiting(now: datetime, *, limit: int = 200) -> list[tuple[str, datetime]]:
    """Return key and time of what waits and is due, the longest overdue first."""
    query = """
        select key, next_at from outreach where state = 'waiting' and next_at <= %(now)s
        order by next_at limit %(limit)s
    """
    return [(row.key, row.next_at) for row in db.run(query, {"now": now, "limit": limit})]


def tally(since: datetime) -> list[tuple[str, str, str, int]]:
    """Return playbook, state, reason and how many rows stand so since then, the most frequent first."""
    query = """
        select playbook, state, why, count(*) as n from outreach where at >= %(since)s
        group by playbook, state, why order by playbook, n desc, state, why
    """
    return [(row.playbook, row.state, row.why, int(row.n)) for row in db.run(query, {"since": since})]


def _row(row: Any) -> Row:
    return Row(
        key=row.key,
        playbook=row.playbook,
        contact=row.contact_id,
        state=row.state,
        why=row.why,
        values=row.body,
        next_at=row.next_at,
    )


# --- when a playbook is asked -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a playbook was asked, and when it will be again."""

    next_at: datetime
    ran_at: datetime | None
    error: str


def turns() -> dict[str, Turn]:
    """Return playbook → when it was and will be asked."""
    found = db.run("select * from playbooks")
    return {row.id: Turn(next_at=row.next_at, ran_at=row.ran_at, error=row.error) for row in found}


def plan(id: str, next_at: datetime, *, ran_at: datetime | None = None, error: str = "") -> None:
    """Say when a playbook is asked next, and how it went when it was asked just now."""
    db.run(_PLAN, {"id": id, "next_at": next_at, "ran_at": ran_at, "error": error})


_PLAN = """
    insert into playbooks (id, next_at, ran_at, error) values (%(id)s, %(next_at)s, %(ran_at)s, %(error)s)
    on conflict (id) do update set
        next_at = excluded.next_at, ran_at = coalesce(excluded.ran_at, playbooks.ran_at), error = excluded.error
"""
