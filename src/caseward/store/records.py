"""The built-in system of records, behind the port that outside systems implement (core.ports.RecordBook).

Its calls are transactions of their own on a connection of their own, never the story's: it behaves as a system across
the network would, so exactly-once is earned by keys and not by sharing a commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Executable, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from caseward.core.errors import Conflict
from caseward.core.ports import Change, Record
from caseward.store import db
from caseward.store.tables import record_effects
from caseward.store.tables import records as table


class StoredRecords:
    """Documents in PostgreSQL."""

    def get(self, kind: str, id: str) -> Record | None:
        """Return one document, or None."""
        with db.engine().connect() as connection:
            row = connection.execute(select(table).where(table.c.kind == kind, table.c.id == id)).first()
        return None if row is None else _record(row)

    def find(self, kind: str, /, **equals: str) -> Sequence[Record]:
        """Return the documents whose fields equal the values given, by id."""
        query = select(table).where(table.c.kind == kind).order_by(table.c.id)
        if equals:
            query = query.where(table.c.data.contains(equals))
        with db.engine().connect() as connection:
            return [_record(row) for row in connection.execute(query)]

    def effect(self, key: str) -> Mapping[str, Any] | None:
        """Return what was remembered under an effect's key, or None."""
        with db.engine().connect() as connection:
            return _effect(connection, key)

    def apply(self, key: str, *, changes: Sequence[Change], remember: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make all changes and remember the outcome under `key`, in one transaction, once."""
        try:
            with db.engine().begin() as connection:
                connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
                earlier = _effect(connection, key)
                if earlier is not None:
                    return earlier
                for change in changes:
                    _write(connection, change)
                connection.execute(insert(record_effects).values(key=key, outcome=dict(remember), at=datetime.now(UTC)))
        except IntegrityError:
            raise Conflict(f"{key}: somebody else holds that place") from None
        return remember


def _effect(connection: Connection, key: str) -> Mapping[str, Any] | None:
    row = connection.execute(select(record_effects.c.outcome).where(record_effects.c.key == key)).first()
    return None if row is None else row.outcome


def _write(connection: Connection, change: Change) -> None:
    fields = {"data": dict(change.data), "claim": change.claim}
    statement: Executable
    if change.revision is None:
        statement = (
            upsert(table)
            .values(kind=change.kind, id=change.id, revision=1, **fields)
            .on_conflict_do_nothing(index_elements=["kind", "id"])
            .returning(table.c.id)
        )
    else:
        statement = (
            update(table)
            .where(table.c.kind == change.kind, table.c.id == change.id, table.c.revision == change.revision)
            .values(revision=change.revision + 1, **fields)
            .returning(table.c.id)
        )
    if connection.execute(statement).first() is None:
        raise Conflict(f"{change.kind} {change.id} moved since it was read")


def _record(row: Any) -> Record:
    return Record(kind=row.kind, id=row.id, data=row.data, revision=row.revision)
