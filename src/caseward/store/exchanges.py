"""What was written between us and an address outside: when they last wrote, and what some words of ours follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.store import db
from caseward.store.outbox import Parcel


def heard_at(channel: str, address: str) -> datetime | None:
    """Return when the contact last wrote from an address; None when they never did."""
    row = db.run(_HEARD, {"channel": channel, "address": address, "via": f"{channel}:{address}"}).fetchall()[0]
    found: datetime | None = row.at
    return found


_HEARD: Final = """
    select greatest(
        (select heard_at from conversations where channel = %(channel)s and address = %(address)s),
        (
            select max(messages.at) from doors join messages using (conversation_id)
            where doors.channel = %(channel)s and doors.address = %(address)s
                and messages.via = %(via)s and messages.inbound
        )
    ) as at
"""
"""What came through a door is kept in the conversation that it leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was written before some words, at their address."""

    answered: str
    """The vendor's id of what the contact wrote last before them; empty for nothing."""
    subject: str
    """Of that mail; empty for any other kind of message."""
    overtaken: bool
    """Whether the contact wrote again before the words went out."""
    thread: Sequence[str]
    """The vendor's ids of what both sides wrote, oldest first."""


def before(parcel: Parcel) -> Before:
    """Return what words on their way follow."""
    given = {"message": parcel.message_id, "case": parcel.case_id, "channel": parcel.channel, "address": parcel.address}
    given["via"] = f"{parcel.channel}:{parcel.address}"
    rows = db.run(_BEFORE_IT, given).fetchall()
    asked = next((row for row in reversed(rows) if row.inbound and row.earlier), None)
    return Before(
        answered=asked.id if asked else "",
        subject=(asked.subject or "") if asked else "",
        overtaken=any(row.inbound and not row.earlier for row in rows),
        thread=[row.id for row in rows if row.earlier],
    )


_BEFORE_IT: Final = """
    select * from (
        select said.provider_id as id, said.sender ->> 'subject' as subject, true as inbound, said.at,
            said.seq < ours.seq as earlier
        from messages as ours
        join messages as said using (conversation_id)
        join conversations on conversations.id = conversation_id
        where ours.id = %(message)s and said.inbound and said.provider_id is not null and (
            said.via = %(via)s
            or (said.via = '' and (conversations.channel, conversations.address) = (%(channel)s, %(address)s))
        )
        union all
        select provider_ref, null, false, updated_at, true from outbox
        where case_id = %(case)s and channel = %(channel)s and address = %(address)s and provider_ref <> ''
            and message_id <> %(message)s
        order by at desc limit 20
    ) as thread
    order by at
"""
