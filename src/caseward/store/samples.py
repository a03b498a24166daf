"""What a demo puts into a database, and how its next round begins. A real desk never calls this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, not_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store.db import execute
from caseward.store.effects import EffectState
from caseward.store.tables import (
    contacts,
    context,
    conversations,
    people,
    record_effects,
    records,
    sign_in_links,
    tasks,
)

_MARK = {"kind": "demo", "id": "round"}
"""The document that says since when the sample records have been laid out."""
_WEEK = {"kind": "demo", "id": "week"}
"""The document that says whether the sample week was begun, and lived to its end."""


def laid_out_at() -> datetime | None:
    """Return when this database's sample records were laid out; None for one that is no demo's."""
    query = select(records.c.data).where(records.c.kind == _MARK["kind"], records.c.id == _MARK["id"])
    mark = execute(query).scalar()
    return datetime.fromisoformat(mark["at"]) if mark else None


def in_use() -> bool:
    """Return whether anybody has talked or signed in here, as in a real desk's database."""
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in (conversations, people)]
    return any(execute(select(*counts)).one())


def talked() -> bool:
    """Return whether anybody has written."""
    return bool(execute(select(func.count()).select_from(conversations)).scalar_one())


def week() -> bool | None:
    """Return whether the sample week was lived to its end; None where it was never begun."""
    query = select(records.c.data).where(records.c.kind == _WEEK["kind"], records.c.id == _WEEK["id"])
    mark = execute(query).scalar()
    return None if mark is None else bool(mark["done"])


def mark_week(*, done: bool) -> None:
    """Keep that the sample week begins, or that it was lived to its end."""
    mark = {**_WEEK, "data": {"id": _WEEK["id"], "done": done}, "revision": 1, "claim": None}
    same = upsert(records).values(mark)
    execute(same.on_conflict_do_update(index_elements=("kind", "id"), set_={"data": same.excluded.data}))


def lay_out(documents: Mapping[str, Sequence[Mapping[str, Any]]], *, claims: Mapping[str, Mapping[str, str]],
            now: datetime) -> None:  # fmt: skip
    """Put sample records in place of all there are, so that everything can be tried anew.

    `documents` are by kind; `claims` are kind → id → the claim a document holds. What was done to the records before is
    history: its keys are set aside, so that the same refund may be asked for again.
    """
    execute(delete(records).where(not_((records.c.kind == _WEEK["kind"]) & (records.c.id == _WEEK["id"]))))
    execute(delete(record_effects))
    settled = tasks.c.state.in_([EffectState.DONE, EffectState.FAILED])
    fresh = tasks.c.key.not_like("%, before %")
    execute(update(tasks).where(settled, fresh).values(key=tasks.c.key + f", before {now.isoformat()}"))
    sample = select(contacts.c.id).where(contacts.c.sample)
    execute(delete(context).where(context.c.contact_id.in_(sample)))
    rows = [
        {
            "kind": kind,
            "id": each["id"],
            "data": dict(each),
            "revision": 1,
            "claim": claims.get(kind, {}).get(each["id"]),
        }
        for kind, each_kind in documents.items()
        for each in each_kind
    ]
    mark = {**_MARK, "data": {"id": _MARK["id"], "at": now.isoformat()}, "revision": 1, "claim": None}
    execute(insert(records), [*rows, mark])


def end_sign_in_links() -> None:
    """Make the sign-in links of sample people useless."""
    sample = select(people.c.id).where(people.c.sample)
    execute(delete(sign_in_links).where(sign_in_links.c.person_id.in_(sample)))
