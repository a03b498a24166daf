"""Views of the inbox that people saved under a name: their own, and those that everybody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseward.core import ids
from caseward.core.errors import BadInput, NotFound
from caseward.store import db

MOST = 20
"""Views that one person may save, and that may be saved for everybody."""
SHARED = ""
"""Owner of a view that everybody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One saved view."""

    id: str
    owner: str
    """A person's id, or `SHARED`."""
    name: str
    query: str
    """What stands behind `/inbox?`."""


def of(person_id: str) -> Sequence[SavedView]:
    """Return the views that somebody sees, everybody's first, each in the order they were put in."""
    return [_view(row) for row in db.run(_OF, {"person": person_id})]


_OF: Final = """
    select * from saved_views where owner in ('', %(person)s) order by owner <> '', position, created_at, id
"""


def get(view_id: str) -> SavedView:
    """Return a saved view; raise NotFound."""
    row = db.run("select * from saved_views where id = %s for update", (view_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no saved view {view_id}")
    return _view(row)


def add(name: str, query: str, *, owner: str, now: datetime) -> str:
    """Save a view behind the others of its owner and return its id; raise BadInput where there are too many."""
    given = {"id": ids.new("view"), "owner": owner, "name": name, "query": query, "now": now, "most": MOST}
    if db.run(_ADD, given).rowcount == 0:
        raise BadInput(f"views: {MOST} are saved already; delete one first")
    return str(given["id"])


_ADD: Final = """
    insert into saved_views (id, owner, name, query, position, created_at)
    select %(id)s, %(owner)s, %(name)s, %(query)s, coalesce(max(position), 0) + 1, %(now)s
    from saved_views where owner = %(owner)s having count(*) < %(most)s
"""


def rename(view_id: str, name: str) -> None:
    """Give a view another name."""
    db.run("update saved_views set name = %s where id = %s", (name, view_id))


def delete(view_id: str) -> None:
    """Delete a view."""
    db.run("delete from saved_views where id = %s", (view_id,))


def move(view: SavedView, *, up: bool) -> None:
    """Put a view before the one above it, or behind the one below it; the first and the last stay where they are."""
    own = [each.id for each in of(view.owner) if each.owner == view.owner]
    at = own.index(view.id)
    to = max(0, at - 1) if up else min(len(own) - 1, at + 1)
    own[at], own[to] = own[to], own[at]
    for position, each in enumerate(own, 1):
        db.run("update saved_views set position = %s where id = %s", (position, each))


def _view(row: Any) -> SavedView:
    return SavedView(id=row.id, owner=row.owner, name=row.name, query=row.query)
