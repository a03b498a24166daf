"""What was put together: contacts that are one person, cases that are one matter, and what it takes to undo it.

A merge keeps the ids of everything it moved. Undoing it puts back exactly those that are still where it left them; what
came since stays where it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from caseward.core import ids
from caseward.core.errors import NotFound
from caseward.core.ids import CaseId, ContactId
from caseward.store import db

Kind = Literal["contact", "case", "split"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Something that was put together, or taken apart."""

    id: str
    kind: Kind
    kept: str
    gone: str
    """Of a split: the new case."""
    moved: Mapping[str, Any]
    by: str
    at: datetime
    undone_at: datetime | None = None


def keep(kind: Kind, *, kept: str, gone: str, moved: Mapping[str, Any], by: str, now: datetime) -> Merge:
    """Record what was put together."""
    made = Merge(id=ids.new("mrg"), kind=kind, kept=kept, gone=gone, moved=moved, by=by, at=now)
    given = {"id": made.id, "kind": kind, "kept": kept, "gone": gone, "by": by, "at": now}
    db.run(_KEEP, {**given, "moved": Jsonb(dict(moved), dumps=db.dumps)})
    return made


_KEEP: Final = """
    insert into merges (id, kind, kept, gone, moved, by, at)
    values (%(id)s, %(kind)s, %(kept)s, %(gone)s, %(moved)s, %(by)s, %(at)s)
"""


def get(merge_id: str, *, lock: bool = False) -> Merge:
    """Return a merge; raise NotFound when there is none."""
    query: Final = "select * from merges where id = %(id)s"
    row = db.run(query + " for update" if lock else query, {"id": merge_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no merge {merge_id}")
    return _merge(row)


def standing(kind: Kind, *, of: str) -> list[Merge]:
    """Return the merges that stand and touch a contact or a case, kept or gone, the latest first."""
    query: Final = """
        select * from merges where kind = %(kind)s and undone_at is null and %(of)s in (kept, gone)
        order by at desc, id desc
    """
    return [_merge(row) for row in db.run(query, {"kind": kind, "of": of})]


def undone(merge_id: str, *, by: str, now: datetime) -> bool:
    """Record that a merge was undone, once; return whether it stood."""
    query: Final = "update merges set undone_by = %(by)s, undone_at = %(now)s where id = %(id)s and undone_at is null"
    return db.run(query, {"id": merge_id, "by": by, "now": now}).rowcount > 0


def _merge(row: Any) -> Merge:
    return Merge(
        id=row.id,
        kind=row.kind,
        kept=row.kept,
        gone=row.gone,
        moved=row.moved,
        by=row.by,
        at=row.at,
        undone_at=row.undone_at,
    )


# --- contacts ---------------------------------------------------------------------------------------------------------


def hold_contacts(*contacts: ContactId) -> None:
    """Lock contacts until the commit, after their cases, as a turn does: nothing is proved for them meanwhile."""
    db.run("select from cases where contact_id = any(%(ids)s) order by id for update", {"ids": list(contacts)})
    db.run("select from contacts where id = any(%(ids)s) order by id for update", {"ids": list(contacts)})


def move_contact(kept: ContactId, gone: ContactId) -> dict[str, Any]:
    """Give everything of one contact to another, and return what that was.

    Readings are put away instead: they say what is on the other record.
    """
    db.current().pending.pop("identities", None)
    given = {"kept": kept, "gone": gone}
    return {
        "identities": [[row.channel, row.address] for row in db.run(_MOVE_IDENTITIES, given)],
        "cases": [row.id for row in db.run(_MOVE_CASES, given)],
        "outreach": [row.key for row in db.run(_MOVE_OUTREACH, given)],
        "context": [row.kept for row in db.run(_PUT_AWAY, given)],
    }


_MOVE_IDENTITIES: Final = """
    update identities set contact_id = %(kept)s where contact_id = %(gone)s returning channel, address
"""
_MOVE_CASES: Final = """
    update cases set contact_id = %(kept)s, version = version + 1 where contact_id = %(gone)s returning id
"""
_MOVE_OUTREACH: Final = "update outreach set contact_id = %(kept)s where contact_id = %(gone)s returning key"
_PUT_AWAY: Final = "delete from context where contact_id = %(gone)s returning row_to_json(context) as kept"


def put_back_contact(kept: ContactId, gone: ContactId, moved: Mapping[str, Any]) -> None:
    """Give back to a contact what was moved and is still where it was put."""
    db.current().pending.pop("identities", None)
    channels = [channel for channel, _address in moved["identities"]]
    addresses = [address for _channel, address in moved["identities"]]
    given = {
        **{"kept": kept, "gone": gone, "channels": channels, "addresses": addresses},
        **{"cases": moved["cases"], "outreach": moved["outreach"], "context": Jsonb(moved["context"])},
    }
    for statement in _PUT_BACK:
        db.run(statement, given)


_PUT_BACK: Final = (
    """
    update identities set contact_id = %(gone)s where contact_id = %(kept)s
        and (channel, address) in (select * from unnest(%(channels)s::text[], %(addresses)s::text[]))
    """,
    """
    update cases set contact_id = %(gone)s, version = version + 1
    where contact_id = %(kept)s and id = any(%(cases)s)
    """,
    "update outreach set contact_id = %(gone)s where contact_id = %(kept)s and key = any(%(outreach)s)",
    """
    insert into context select * from jsonb_populate_recordset(null::context, %(context)s)
    on conflict (contact_id, reading) do nothing
    """,
)


# --- cases ------------------------------------------------------------------------------------------------------------


def move_messages(kept: CaseId, gone: CaseId, only: Sequence[str] | None = None) -> list[str]:
    """File a case's messages, or only some of them, with another; return their ids."""
    given = {"kept": kept, "gone": gone, "only": list(only) if only is not None else None}
    return [row.id for row in db.run(_MOVE_MESSAGES, given)]


_MOVE_MESSAGES: Final = """
    update messages set case_id = %(kept)s
    where case_id = %(gone)s and (%(only)s::text[] is null or id = any(%(only)s)) returning id
"""


def move_doors(kept: CaseId, gone: CaseId) -> list[list[str]]:
    """Have the doors of a case lead to another; return their addresses."""
    rows = db.run(_MOVE_DOORS, {"kept": kept, "gone": gone})
    return sorted([row.channel, row.address] for row in rows)


_MOVE_DOORS: Final = """
    update doors set case_id = %(kept)s, conversation_id = (select conversation_id from cases where id = %(kept)s)
    where case_id = %(gone)s and closed_at is null
        and (channel, address) not in (
            select conversations.channel, conversations.address from conversations
            join cases on cases.conversation_id = conversations.id where cases.id = %(kept)s
        )
    returning channel, address
"""
"""A door at the address at which the other case began would lead nowhere else."""


def put_back_doors(kept: CaseId, gone: CaseId, doors: Iterable[Sequence[str]]) -> None:
    """Have doors that were moved lead to their case again, those that still lead to the other."""
    pairs = list(doors)
    given = {"kept": kept, "gone": gone, "channels": [a for a, _b in pairs], "addresses": [b for _a, b in pairs]}
    db.run(_PUT_BACK_DOORS, given)


_PUT_BACK_DOORS: Final = """
    update doors set case_id = %(gone)s, conversation_id = (select conversation_id from cases where id = %(gone)s)
    where case_id = %(kept)s and closed_at is null
        and (channel, address) in (select * from unnest(%(channels)s::text[], %(addresses)s::text[]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What would move with a case."""

    messages: int
    notes: int
    requests: int
    """Those that wait for a decision, and would be withdrawn."""
    doors: int
    """Addresses at which it goes on."""


def weigh(case_id: CaseId) -> Weight:
    """Return what would move if a case became part of another."""
    row = db.run(_WEIGH, {"case": case_id}).fetchall()[0]
    return Weight(messages=row.messages, notes=row.notes, requests=row.requests, doors=row.doors)


_WEIGH: Final = """
    select
        (select count(*) from messages where case_id = %(case)s and kind <> 'note') as messages,
        (select count(*) from messages where case_id = %(case)s and kind = 'note') as notes,
        (select count(*) from approvals where case_id = %(case)s and (state = 'open' or held_until is not null))
            as requests,
        (select count(*) from doors where case_id = %(case)s and closed_at is null) as doors
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What would move with a contact."""

    addresses: int
    cases: int
    outreach: int


def belongings(contact_id: ContactId) -> Belongings:
    """Return what would count as another contact's."""
    row = db.run(_BELONGINGS, {"contact": contact_id}).fetchall()[0]
    return Belongings(addresses=row.addresses, cases=row.cases, outreach=row.outreach)


_BELONGINGS: Final = """
    select
        (select count(*) from identities where contact_id = %(contact)s) as addresses,
        (select count(*) from cases where contact_id = %(contact)s) as cases,
        (select count(*) from outreach where contact_id = %(contact)s) as outreach
"""


def in_work(case_id: CaseId) -> str:
    """Return why a case cannot be put into another just now, or nothing: a message nobody has read, work under way."""
    row = db.run(_IN_WORK, {"case": case_id}).fetchall()[0]
    if row.unread:
        return "a message of it is being read"
    return "operations are at work on it" if row.working else ""


_IN_WORK: Final = """
    select
        exists (
            select from conversations join cases on cases.conversation_id = conversations.id
            where cases.id = %(case)s and conversations.ready_at is not null
        ) as unread,
        exists (select from tasks where case_id = %(case)s and state in ('queued', 'running', 'unknown')) as working
"""
