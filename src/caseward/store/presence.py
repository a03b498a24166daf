"""Who looks at what right now, and who holds the edit of a reply.

A tab says every few seconds that it is still there; what it said holds for `GONE`. That is no part of the action log:
it changes nothing, and nobody asks about it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from caseward.core.errors import Conflict
from caseward.store.db import run

GONE = timedelta(seconds=30)
"""A tab that has not been heard of for this long is gone, and its edit is free."""
FORGET = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Somebody at a case."""

    case_id: str
    person_id: str
    name: str
    editing: str
    """The request whose reply they edit, empty when they only read."""
    since: datetime | None
    """When they began to edit."""


class Held(Conflict):
    """Somebody else is editing the reply."""

    def __init__(self, holder: Seen) -> None:
        super().__init__(f"{holder.name} is editing this reply")
        self.holder = holder


def beat(tab: str, person_id: str, *, case_id: str, editing: str = "", now: datetime) -> Seen | None:
    """Note that a tab is open at a case. Return who else holds the edit it asks for, or None.

    Whoever is refused is noted as a reader. A tab's id is its own: another person's is left as it is.
    """
    run("delete from presence where seen_at < %s", (now - FORGET,))
    other = None
    if editing:
        run("select pg_advisory_xact_lock(hashtextextended(%s, 1))", (editing,))  # of two at once, one comes first
        other = holder(editing, but=person_id, now=now)
    values = {"tab": tab, "person": person_id, "case": case_id, "now": now, "gone": now - GONE}
    run(_BEAT, {**values, "editing": "" if other else editing})
    return other


_BEAT = """
    insert into presence (tab, person_id, case_id, editing, editing_since, seen_at)
    values (%(tab)s, %(person)s, %(case)s, %(editing)s, case when %(editing)s <> '' then %(now)s::timestamptz end,
        %(now)s)
    on conflict (tab) do update set
        case_id = excluded.case_id,
        editing = excluded.editing,
        editing_since = case
            when presence.editing = excluded.editing and presence.seen_at > %(gone)s then presence.editing_since
            else excluded.editing_since
        end,
        seen_at = excluded.seen_at
    where presence.person_id = excluded.person_id
"""


def leave(tab: str, person_id: str) -> None:
    """Forget a tab that was closed or has gone to another page."""
    run("delete from presence where tab = %s and person_id = %s", (tab, person_id))


def free(request_id: str, person_id: str) -> None:
    """Give up the edit of a reply: it was sent."""
    run("update presence set editing = '' where editing = %s and person_id = %s", (request_id, person_id))


def holder(request_id: str, *, but: str, now: datetime) -> Seen | None:
    """Return who else edits a request's reply, or None."""
    found = run(_SEEN + " and editing = %s and person_id <> %s order by editing_since limit 1",
                (now - GONE, request_id, but)).fetchone()  # fmt: skip
    return None if found is None else _seen(found)


def around(now: datetime) -> Sequence[Seen]:
    """Return everybody who is at a case, each once a case: those who edit first, then by name."""
    rows = run(_SEEN + " and case_id <> '' order by case_id, editing = '', name, person_id", (now - GONE,))
    found: dict[tuple[str, str], Seen] = {}
    for row in rows:
        found.setdefault((row.case_id, row.person_id), _seen(row))
    return list(found.values())


_SEEN = (
    "select case_id, person_id, people.name, editing, editing_since from presence"
    " join people on people.id = person_id where seen_at > %s"
)


def _seen(row: Any) -> Seen:
    return Seen(
        case_id=row.case_id, person_id=row.person_id, name=row.name, editing=row.editing, since=row.editing_since
    )
