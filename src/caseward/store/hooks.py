"""Bodies as vendors sent them: each kept once, before anything is made of it, and read in the order they came.

What was read stays for a while, so that the same bytes again are the same call; what could not be read, or not wholly,
is read again later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from caseward.store import db
from caseward.store.tables_channels import hooks

NEW, KEPT, READ, FAILED = "new", "kept", "read", "failed"
"""Not read yet; to be read again; done; given up until somebody asks for it."""
AT_ONCE = timedelta(seconds=30)
"""Within this what came is read; what is new for longer waits, as for a channel that was plugged out meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A stored body."""

    id: int
    channel: str
    body: bytes
    state: str
    attempts: int


def keep(channel: str, digest: str, body: bytes, *, at: datetime) -> bool:
    """Keep a body to be read; False where the same bytes were kept before."""
    given = {"channel": channel, "digest": digest, "body": body, "at": at}
    with db.together():  # with the transaction's own beginning
        return db.run(_KEEP, given).fetchone() is not None


_KEEP = """
    insert into hooks (channel, digest, body, at, state) values (%(channel)s, %(digest)s, %(body)s, %(at)s, 'new')
    on conflict (channel, digest) do nothing
    returning id
"""


def following(channel: str) -> Hook | None:
    """Return the oldest body of a channel that was not read yet, or None; until the commit nobody else reads there."""
    with db.together():
        db.run("select pg_advisory_xact_lock(hashtextextended('hooks ' || %(channel)s, 0))", {"channel": channel})
        row = db.run(_FOLLOWING, {"channel": channel}).fetchone()
    return _hook(row) if row else None


_FOLLOWING = "select * from hooks where channel = %(channel)s and state = 'new' order by id limit 1"


def read(hook_id: int) -> None:
    """Record, with the commit, that a body was read."""
    db.hold("update hooks set state = 'read' where id = %(id)s", {"id": hook_id})


def waiting(before: datetime) -> list[str]:
    """Return the channels with bodies that came before then and were not read yet."""
    query = "select distinct channel from hooks where state = 'new' and at < %(before)s"
    return [row.channel for row in db.run(query, {"before": before})]


def get(hook_id: int) -> Hook | None:
    """Return a body, or None."""
    row = db.execute(select(hooks).where(hooks.c.id == hook_id)).first()
    return _hook(row) if row else None


def _hook(row: Any) -> Hook:
    return Hook(id=row.id, channel=row.channel, body=bytes(row.body), state=row.state, attempts=row.attempts)


def settle(hook_id: int, *, error: str, next_at: datetime | None) -> None:
    """Record what came of reading a body again: read without an error, given up without a next time."""
    state = READ if not error else KEPT if next_at else FAILED
    again = {"attempts": hooks.c.attempts + 1} if error else {}
    db.execute(update(hooks).where(hooks.c.id == hook_id).values(state=state, error=error, next_at=next_at, **again))


def due(now: datetime, *, limit: int = 100) -> list[tuple[int, datetime]]:
    """Return the bodies that are to be read again now, the oldest first, and since when each is."""
    query = "select id, next_at from hooks where state = 'kept' and next_at <= %(now)s order by id limit %(limit)s"
    return [(row.id, row.next_at) for row in db.run(query, {"now": now, "limit": limit})]


def retry(channel: str, now: datetime) -> int:
    """Have a channel's bodies that were given up read again, those of all channels for an empty name; count them."""
    query = update(hooks).where(hooks.c.state == FAILED).values(state=KEPT, attempts=0, next_at=now)
    return int(db.execute(query.where(hooks.c.channel == channel) if channel else query).rowcount)


def unread(now: datetime) -> Mapping[str, tuple[int, int, str]]:
    """Return channel → how many bodies wait to be read, how many were given up, and the last one's error."""
    late = (hooks.c.state == NEW) & (hooks.c.at <= now - AT_ONCE)
    waiting = func.count().filter(hooks.c.state.in_((NEW, KEPT)))
    given_up = func.count().filter(hooks.c.state == FAILED)
    last = func.max(hooks.c.error)
    rows = db.execute(
        select(hooks.c.channel, waiting.label("waiting"), given_up.label("given_up"), last.label("error"))
        .where(late | hooks.c.state.in_((KEPT, FAILED)))
        .group_by(hooks.c.channel)
    )
    return {row.channel: (row.waiting, row.given_up, row.error) for row in rows}
