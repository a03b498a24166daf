"""What people are writing and have not proposed yet: kept for them, whatever becomes of the tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store import db
from caseward.store.tables_console import edits as table

Fields = Mapping[str, str]
"""Name of a form's field → what stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit under way."""

    person_id: str
    kind: str
    """`article` or `template`."""
    subject: str
    """Its id, or `new` and whatever else for one that is not there yet."""
    base: str
    """The release it was begun on."""
    before: Fields
    """The fields as they were there."""
    fields: Fields
    at: datetime


def keep(edit: Edit) -> None:
    """Keep an edit in place of the one that the person had of the same thing."""
    row = {name: getattr(edit, name) for name in ("person_id", "kind", "subject", "base", "at")}
    row |= {"before": dict(edit.before), "fields": dict(edit.fields)}
    written = upsert(table).values(row)
    changed = {name: written.excluded[name] for name in ("base", "before", "fields", "at")}
    db.execute(written.on_conflict_do_update(index_elements=["person_id", "kind", "subject"], set_=changed))


def find(person_id: str, kind: str, subject: str) -> Edit | None:
    """Return the edit of a thing that a person has under way, or None."""
    wanted = (table.c.person_id == person_id, table.c.kind == kind, table.c.subject == subject)
    row = db.execute(select(table).where(*wanted)).mappings().first()
    return _edit(row) if row else None


def of(person_id: str, *, limit: int = 50) -> Sequence[Edit]:
    """Return what a person has under way, the latest first."""
    query = select(table).where(table.c.person_id == person_id).order_by(table.c.at.desc()).limit(limit)
    return [_edit(row) for row in db.execute(query).mappings()]


def drop(person_id: str, kind: str, subject: str) -> None:
    """Forget an edit: it was proposed, or thrown away."""
    wanted = (table.c.person_id == person_id, table.c.kind == kind, table.c.subject == subject)
    db.execute(delete(table).where(*wanted))


def _edit(row: Mapping[Any, Any]) -> Edit:
    return Edit(**{str(name): value for name, value in row.items()})
