"""Who wants what was said in a chat by mail: where to, and whether the address was proved to be theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caseward.core.errors import NotFound
from caseward.store import db

ASKED, CONFIRMED, DROPPED = "asked", "confirmed", "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One wish to have a conversation mailed."""

    id: str
    conversation_id: str
    address: str
    code_hash: str
    """Of the code that proves the address; empty for one that needed none."""
    state: str
    """`asked` until the code was given, `confirmed`, or `dropped` when it never counts any more."""
    tries: int
    """Codes that were given."""
    expires_at: datetime


def keep(wish: Transcript, *, at: datetime) -> None:
    """Store a wish; an earlier one of the conversation that waits for its code counts no more."""
    db.run(
        "update transcripts set state = 'dropped' where conversation_id = %(conversation)s and state = 'asked'",
        {"conversation": wish.conversation_id},
    )
    db.run(
        """
        insert into transcripts (id, conversation_id, address, code_hash, state, at, expires_at)
        values (%(id)s, %(conversation)s, %(address)s, %(code)s, %(state)s, %(at)s, %(expires)s)
        """,
        {"id": wish.id, "conversation": wish.conversation_id, "address": wish.address, "code": wish.code_hash,
         "state": wish.state, "at": at, "expires": wish.expires_at},
    )  # fmt: skip


def get(id: str) -> Transcript:
    """Return a wish; raise NotFound."""
    row = db.run(f"{_READ} where id = %(id)s", {"id": id}).fetchone()
    if row is None:
        raise NotFound(f"nobody asked for a transcript {id!r}")
    return Transcript(**row._asdict())


def waiting(conversation_id: str, *, now: datetime, lock: bool = False) -> Transcript | None:
    """Return the wish of a conversation that waits for its code, None for none."""
    query = f"{_READ} where conversation_id = %(conversation)s and state = 'asked' and expires_at > %(now)s"
    found = db.run(f"{query}{' for update' if lock else ''}", {"conversation": conversation_id, "now": now}).fetchone()
    return Transcript(**found._asdict()) if found else None


def move(id: str, state: str, *, tried: bool = False) -> None:
    """Note what became of a wish, and whether a code was tried."""
    db.run(
        "update transcripts set state = %(state)s, tries = tries + %(tried)s where id = %(id)s",
        {"id": id, "state": state, "tried": int(tried)},
    )


def counted(conversation_id: str, address: str, *, hour: datetime, day: datetime) -> tuple[int, int]:
    """Return how often a conversation was wanted since `hour`, and anything at an address since `day`."""
    row = db.run(
        """
        select (select count(*) from transcripts where conversation_id = %(conversation)s and at > %(hour)s) as here,
            (select count(*) from transcripts where address = %(address)s and at > %(day)s) as there
        """,
        {"conversation": conversation_id, "address": address, "hour": hour, "day": day},
    ).fetchone()
    return (row.here, row.there) if row else (0, 0)


_READ = "select id, conversation_id, address, code_hash, state, tries, expires_at from transcripts"
