"""Writing first: who wants to be written to."""

from __future__ import annotations

from datetime import datetime

from caseward.store import db

_PREFER = """
    insert into preferences (channel, address, wanted, source, at)
    values (%(channel)s, %(address)s, %(wanted)s, %(source)s, %(at)s)
    on conflict (channel, address) do update set wanted = excluded.wanted, source = excluded.source, at = excluded.at
    where preferences.at < excluded.at or (preferences.at = excluded.at and preferences.wanted and not excluded.wanted)
    returning wanted
"""


def prefer(channel: str, address: str, *, wanted: bool, source: str, at: datetime) -> bool:
    """Record whether an address wants what nobody there asked for; return False when a later word of it is known.

    Of two words of one instant the forbidding one stays.
    """
    given = {"channel": channel, "address": address, "wanted": wanted, "source": source, "at": at}
    return db.run(_PREFER, given).fetchone() is not None


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
