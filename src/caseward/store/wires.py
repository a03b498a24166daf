"""How each channel's line to its vendor is: when something last came and went, who listens, since when it is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from caseward.store import db

EVERY = timedelta(seconds=5)
"""How exact the instants are: a busy channel's row is not written for every message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A channel's line, as it was seen last."""

    channel: str
    heard_at: datetime | None = None
    """When its vendor last told us anything."""
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    """When the vendor last said that something arrived."""
    failures: int = 0
    """In a row, of sending."""
    connected_at: datetime | None = None
    lost_at: datetime | None = None
    """Since when nobody is connected who should be, or sending fails; None while all is well."""
    alarm_at: datetime | None = None
    """When the team was told of the loss."""
    error: str = ""
    listener: str = ""
    """The process that listens."""
    listening_at: datetime | None = None


def saw(channel: str, what: str, now: datetime) -> None:
    """Note, with the commit, that something came (`heard`), went (`sent`) or arrived (`acknowledged`)."""
    db.hold(_SAW[what], {"channel": channel, "now": now, "lately": now - EVERY})


_SAW: Final = {
    "heard": """
        insert into channel_states (channel, heard_at)
        select %(channel)s, %(now)s
        where not exists (select from channel_states where channel = %(channel)s and heard_at > %(lately)s)
        on conflict (channel) do update set heard_at = greatest(channel_states.heard_at, excluded.heard_at)
    """,
    "acknowledged": """
        insert into channel_states (channel, acknowledged_at)
        select %(channel)s, %(now)s
        where not exists (select from channel_states where channel = %(channel)s and acknowledged_at > %(lately)s)
        on conflict (channel) do update set
            acknowledged_at = greatest(channel_states.acknowledged_at, excluded.acknowledged_at)
    """,
    "sent": """
        insert into channel_states (channel, sent_at)
        select %(channel)s, %(now)s
        where not exists (
            select from channel_states
            where channel = %(channel)s and sent_at > %(lately)s and failures = 0 and error = ''
        )
        on conflict (channel) do update set
            sent_at = greatest(channel_states.sent_at, excluded.sent_at), failures = 0,
            error = case when channel_states.lost_at is null then '' else channel_states.error end
    """,
}
"""Nothing is locked where the row is new enough: many say the same at once."""


def failed(channel: str, why: str) -> int:
    """Count a failure of sending, and return how many there were in a row."""
    row = db.run(_FAILED, {"channel": channel, "why": why}).fetchall()[0]
    return int(row.failures)


_FAILED: Final = """
    insert into channel_states (channel, failures, error) values (%(channel)s, 1, %(why)s)
    on conflict (channel) do update set failures = channel_states.failures + 1, error = excluded.error
    returning failures
"""


def complained(channel: str, what: str) -> None:
    """Keep what a vendor complains of, until it takes something again."""
    query: Final = """
        insert into channel_states (channel, error) values (%(channel)s, %(what)s)
        on conflict (channel) do update set error = excluded.error
    """
    db.run(query, {"channel": channel, "what": what})


def connected(channel: str, now: datetime) -> Wire | None:
    """Note that a channel is connected, and return its line as it was where that had been lost."""
    row = db.run(_CONNECTED, {"channel": channel, "now": now}).fetchone()
    return _wire(row) if row else None


_CONNECTED: Final = """
    with before as (select * from channel_states where channel = %(channel)s for update),
    now as (
        insert into channel_states (channel, connected_at) values (%(channel)s, %(now)s)
        on conflict (channel) do update set
            connected_at = %(now)s, lost_at = null, alarm_at = null, error = '', failures = 0
    )
    select * from before where lost_at is not null
"""


def lost(channel: str, why: str, now: datetime) -> None:
    """Note that a channel's connection is lost; the first loss counts until it is connected again."""
    db.run(_LOST, {"channel": channel, "why": why, "now": now})


_LOST: Final = """
    insert into channel_states (channel, lost_at, error) values (%(channel)s, %(now)s, %(why)s)
    on conflict (channel) do update set
        lost_at = coalesce(channel_states.lost_at, excluded.lost_at), error = excluded.error
"""


def alarm(channel: str, now: datetime) -> bool:
    """Note that the team is told of a loss, once; False where it was."""
    query: Final = """
        update channel_states set alarm_at = %(now)s where channel = %(channel)s and alarm_at is null
    """
    return db.run(query, {"channel": channel, "now": now}).rowcount > 0


def claim(channel: str, listener: str, now: datetime, *, silence: timedelta) -> bool:
    """Make a process the one that listens on a channel, or let it go on; False while another one does."""
    given = {"channel": channel, "listener": listener, "now": now, "silent": now - silence}
    return db.run(_CLAIM, given).fetchone() is not None


_CLAIM: Final = """
    insert into channel_states (channel, listener, listening_at) values (%(channel)s, %(listener)s, %(now)s)
    on conflict (channel) do update set listener = excluded.listener, listening_at = excluded.listening_at
    where channel_states.listener in ('', excluded.listener)
        or channel_states.listening_at is null or channel_states.listening_at < %(silent)s
    returning channel
"""


def release(channel: str, listener: str) -> None:
    """Have a process listen no longer, so that another one may begin at once."""
    query: Final = """
        update channel_states set listener = '', listening_at = null
        where channel = %(channel)s and listener = %(listener)s
    """
    db.run(query, {"channel": channel, "listener": listener})


def states() -> Mapping[str, Wire]:
    """Return channel → its line, for every channel that anything was noted of."""
    return {row.channel: _wire(row) for row in db.run("select * from channel_states order by channel")}


def of(channel: str) -> Wire:
    """Return a channel's line; all is well where nothing was noted."""
    row = db.run("select * from channel_states where channel = %(channel)s", {"channel": channel}).fetchone()
    return _wire(row) if row else Wire(channel=channel)


def _wire(row: Any) -> Wire:
    return Wire(**row._asdict())
