"""Bodies as vendors sent them: each kept once, before anything is made of it.

What was read stays for a while, so that the same bytes again are the same call; what could not be read, or not wholly,
is read again later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from caseward.store import db
from caseward.store.tables_channels import hooks

KEPT, READ, FAILED = "kept", "read", "failed"
"""To be read again; done; given up until somebody asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A stored body."""

    id: int
    channel: str
    body: bytes
    state: str
    attempts: int


def keep(channel: str, digest: str, body: bytes, *, at: datetime) -> bool:
    """Keep a body as read, with the transaction that reads it; False where the same bytes were kept before.

    The same bytes that come in meanwhile wait here for the commit.
    """
    given = {"channel": channel, "digest": digest, "body": body, "at": at}
    with db.together():  # with the transaction's own beginning
        return db.run(_KEEP, given).fetchone() is not None


_KEEP = """
    insert into hooks (channel, digest, body, at, state) values (%(channel)s, %(digest)s, %(body)s, %(at)s, 'read')
    on conflict (channel, digest) do nothing
    returning id
"""


def line_up(channel: str, addresses: Collection[str]) -> None:
    """Have bodies that tell of several of the same addresses wait for each other until the commit, in one order, so
    that no two of them wait in a ring."""
    told = sorted(f"hooks {channel}:{address}" for address in addresses)
    db.run("select pg_advisory_xact_lock(hashtextextended(line, 0)) from unnest(%(lines)s::text[]) as line",
           {"lines": told})  # fmt: skip


def set_aside(channel: str, digest: str, body: bytes, *, at: datetime, error: str, next_at: datetime) -> int | None:
    """Keep a body that could not be read, to be read again; None where the same bytes were kept before."""
    given = {"channel": channel, "digest": digest, "body": body, "at": at, "error": error, "next_at": next_at}
    row = db.run(_SET_ASIDE, given).fetchone()
    return int(row.id) if row else None


_SET_ASIDE = """
    insert into hooks (channel, digest, body, at, state, error, attempts, next_at)
    values (%(channel)s, %(digest)s, %(body)s, %(at)s, 'kept', %(error)s, 1, %(next_at)s)
    on conflict (channel, digest) do nothing
    returning id
"""


def get(hook_id: int) -> Hook | None:
    """Return a body, or None."""
    row = db.execute(select(hooks).where(hooks.c.id == hook_id)).first()
    if row is None:
        return None
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


def unread() -> Mapping[str, tuple[int, int, str]]:
    """Return channel → how many bodies wait to be read again, how many were given up, and the last one's error."""
    waiting = func.count().filter(hooks.c.state == KEPT)
    given_up = func.count().filter(hooks.c.state == FAILED)
    last = func.max(hooks.c.error)
    rows = db.execute(
        select(hooks.c.channel, waiting.label("waiting"), given_up.label("given_up"), last.label("error"))
        .where(hooks.c.state != READ)
        .group_by(hooks.c.channel)
    )
    return {row.channel: (row.waiting, row.given_up, row.error) for row in rows}
