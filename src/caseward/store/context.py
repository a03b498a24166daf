"""What is known of one contact, with revision and time to live (CTX-2): an older revision never overwrites a newer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.ids import ContactId
from caseward.core.turn import Reading
from caseward.store import db
from caseward.store.tables import context as table


def fresh(contact_id: ContactId, now: datetime) -> dict[str, Reading]:
    """Return the contact's readings that may still be relied on: name → reading."""
    rows = db.execute(select(table).where(table.c.contact_id == contact_id, table.c.expires_at > now))
    return {
        row.reading: Reading(
            name=row.reading,
            values=row.values,
            source=row.source,
            read_at=row.read_at,
            expires_at=row.expires_at,
            revision=row.revision,
        )
        for row in rows
    }


def keep(contact_id: ContactId, reading: Reading) -> bool:
    """Store a reading unless a newer revision is there; return whether it was stored."""
    fields = {
        "revision": reading.revision, "values": dict(reading.values), "source": reading.source,
        "read_at": reading.read_at, "expires_at": reading.expires_at,
    }  # fmt: skip
    row = db.execute(
        upsert(table)
        .values(contact_id=contact_id, reading=reading.name, **fields)
        .on_conflict_do_update(
            index_elements=["contact_id", "reading"], set_=fields, where=table.c.revision <= reading.revision
        )
        .returning(table.c.revision)
    ).first()
    return row is not None


def drop(contact_id: ContactId) -> None:
    """Forget a contact's readings: what was written has made them old."""
    db.execute(delete(table).where(table.c.contact_id == contact_id))
