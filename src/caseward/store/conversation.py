"""What was said in a case as a person reads it: a stretch at a time, with files, changes and what became of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseward.core.messages import Message
from caseward.store import db, files, messages, outbox
from caseward.store.files import File
from caseward.store.outbox import Parcel
from caseward.store.trail import Entry

PAGE = 50
"""Messages of a stretch."""
HAPPENED = 200
"""Entries of the log that a stretch has at most between its messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Words that a message had before it was changed."""

    text: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message with all that is known of it."""

    message: Message
    reply_to: str
    """The channel's id of the message it answers, or reacts to."""
    attachments: Sequence[Mapping[str, Any]]
    """What the channel says of its files, in their order."""
    files: Sequence[File]
    """Those that were asked for, whether they came or not."""
    earlier: Sequence[Earlier]
    edited_at: datetime | None
    withdrawn_at: datetime | None
    parcel: Parcel | None
    """Its way to the contact; None where storing it is delivering it, and for what came in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some messages of a case that follow each other, oldest first."""

    said: Sequence[Said]
    earlier: int
    """Number before which earlier ones are to be asked for; 0 when these are the first."""
    later: bool
    """Whether others follow."""

    @property
    def since(self) -> datetime | None:
        """When the first was said; None when nothing earlier is left out."""
        return min(each.message.at for each in self.said) if self.earlier and self.said else None

    @property
    def until(self) -> datetime | None:
        """When the last was said; None when nothing later is left out."""
        return max(each.message.at for each in self.said) if self.later and self.said else None


def stretch(case_id: str, *, before: int = 0, limit: int = PAGE) -> Stretch:
    """Return the last messages of a case, or the last before one number; notes included."""
    rows = db.run(_ROWS, {"case": case_id, "before": before or None, "limit": limit + 1}).fetchall()
    kept = rows[:limit][::-1]
    ids = [row.id for row in kept]
    own, ways = _grouped(files.of_messages(ids)) if ids else {}, outbox.of_messages(ids)
    changed = [row.id for row in kept if row.edited_at is not None or row.withdrawn_at is not None]
    earlier = _earlier(changed) if changed else {}
    said = [
        Said(
            message=messages.of_row(row),
            reply_to=row.reply_to,
            attachments=row.attachments,
            files=own.get(row.id, ()),
            earlier=earlier.get(row.id, ()),
            edited_at=row.edited_at,
            withdrawn_at=row.withdrawn_at,
            parcel=ways.get(row.id),
        )
        for row in kept
    ]
    return Stretch(said=said, earlier=kept[0].seq if len(rows) > limit else 0, later=bool(before))


_ROWS: Final = """
    select * from messages
    where case_id = %(case)s and (%(before)s::bigint is null or seq < %(before)s)
    order by seq desc limit %(limit)s
"""


def happened(
    case_id: str, kinds: Collection[str], *, since: datetime | None = None, until: datetime | None = None
) -> list[Entry]:
    """Return what the log says of a case within a time, of some kinds, oldest first; of too much the latest."""
    given = {"case": case_id, "kinds": list(kinds), "since": since, "until": until, "limit": HAPPENED}
    return [_entry(row) for row in db.run(_HAPPENED, given)][::-1]


_HAPPENED: Final = """
    select log.*, log_payloads.payload from log left join log_payloads using (seq)
    where case_id = %(case)s and kind = any(%(kinds)s)
        and (%(since)s::timestamptz is null or at >= %(since)s) and (%(until)s::timestamptz is null or at <= %(until)s)
    order by seq desc limit %(limit)s
"""


def _grouped(found: Sequence[File]) -> dict[str, list[File]]:
    by_message: dict[str, list[File]] = {}
    for each in found:
        by_message.setdefault(each.message_id, []).append(each)
    return by_message


def _earlier(message_ids: Sequence[str]) -> dict[str, list[Earlier]]:
    by_message: dict[str, list[Earlier]] = {}
    for row in db.run(_EARLIER, {"ids": list(message_ids)}):
        by_message.setdefault(row.message_id, []).append(Earlier(text=row.text, until=row.at))
    return by_message


_EARLIER: Final = "select message_id, text, at from message_edits where message_id = any(%(ids)s) order by id"


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        case_id=row.case_id or "",
        release=row.release,
        hash=row.hash,
        payload=json.loads(row.payload) if row.payload else None,
    )
