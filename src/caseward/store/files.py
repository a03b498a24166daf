"""Files that messages carry: wanted, fetched apart from any turn, or named only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from caseward.core import ids
from caseward.store import db
from caseward.store.tables import messages
from caseward.store.tables_channels import files

WANTED, KEPT, REFUSED, GONE = "wanted", "kept", "refused", "gone"
"""To be fetched; here; not to be had by our own bounds; not to be had from the vendor any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a message, without what is in it."""

    id: str
    message_id: str
    n: int
    """Place in the message's attachments."""
    channel: str
    ref: str
    kind: str
    mime: str
    name: str
    size: int | None
    state: str
    why: str
    attempts: int


def want(
    message_id: str,
    n: int,
    *,
    channel: str,
    ref: str,
    kind: str,
    mime: str,
    name: str,
    size: int | None,
    refused: str,
    now: datetime,
) -> str:
    """Note a file of a message, to be fetched unless `refused` says why it is not; return its id."""
    file_id = ids.new("file")
    db.execute(
        insert(files).values(
            id=file_id,
            message_id=message_id,
            n=n,
            channel=channel,
            ref=ref,
            kind=kind,
            mime=mime,
            name=name,
            size=size,
            state=REFUSED if refused else WANTED,
            why=refused,
            next_at=None if refused else now,
            created_at=now,
        )
    )
    return file_id


def due(now: datetime, *, limit: int = 50) -> list[tuple[str, int]]:
    """Return id and attempts of the files that are to be fetched now."""
    query = """
        select id, attempts from files where state = 'wanted' and next_at <= %(now)s order by next_at limit %(limit)s
    """
    return [(row.id, row.attempts) for row in db.run(query, {"now": now, "limit": limit})]


def begin(file_id: str, *, next_at: datetime) -> File | None:
    """Mark a file as being fetched, to be tried again at `next_at` unless it is settled; None when it is settled."""
    row = db.execute(
        update(files)
        .where(files.c.id == file_id, files.c.state == WANTED)
        .values(attempts=files.c.attempts + 1, next_at=next_at)
        .returning(*_NAMES)
    ).first()
    return File(**row._mapping) if row else None


def keep(file_id: str, content: bytes, *, mime: str) -> None:
    """Store what is in a file."""
    digest = hashlib.sha256(content).hexdigest()
    _settle(file_id, state=KEPT, content=content, mime=mime, size=len(content), digest=digest, why="")


def put_off(file_id: str, why: str, *, next_at: datetime) -> None:
    """Have a file be asked for again later, and note why it did not come."""
    db.execute(update(files).where(files.c.id == file_id, files.c.state == WANTED).values(why=why, next_at=next_at))


def give_up(file_id: str, state: str, why: str) -> None:
    """Record that a file is not to be had, and why."""
    _settle(file_id, state=state, why=why)


def _settle(file_id: str, **fields: object) -> None:
    db.execute(update(files).where(files.c.id == file_id, files.c.state == WANTED).values(**fields, next_at=None))


def get(file_id: str) -> File | None:
    """Return a file, or None."""
    row = db.execute(select(*_NAMES).where(files.c.id == file_id)).first()
    return File(**row._mapping) if row else None


def content(file_id: str) -> bytes | None:
    """Return what is in a file, or None where it is not here."""
    found: bytes | None = db.execute(select(files.c.content).where(files.c.id == file_id)).scalar()
    return found


def case_of(file_id: str) -> str | None:
    """Return the case that a file's message is filed in, or None."""
    query = select(messages.c.case_id).join(files, files.c.message_id == messages.c.id).where(files.c.id == file_id)
    found: str | None = db.execute(query).scalar()
    return found


def of_messages(message_ids: Sequence[str]) -> list[File]:
    """Return the files of some messages, in their order."""
    query = select(*_NAMES).where(files.c.message_id.in_(message_ids)).order_by(files.c.message_id, files.c.n)
    return [File(**row._mapping) for row in db.execute(query)]


_NAMES = [
    column
    for column in files.c
    if column.name
    in ("id", "message_id", "n", "channel", "ref", "kind", "mime", "name", "size", "state", "why", "attempts")
]
"""Everything but the content and what only the sweeper needs."""
