"""What people of the house say outside the desk, what contacts change of what they said, and what is held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.core import ids
from caseward.core.ids import CaseId, ConversationId
from caseward.store import db


def is_ours(channel: str, address: str, *, provider_id: str, text: str, since: datetime) -> bool:
    """Return whether words that went to an address are the desk's own: by the vendor's id of them, or by their text
    where they were handed out since then."""
    given = {"channel": channel, "address": address, "ref": provider_id, "text": text.strip(), "since": since}
    return db.run(_OURS, given).rowcount > 0


_OURS: Final = """
    select from outbox
    where channel = %(channel)s and (
        (provider_ref = %(ref)s and provider_ref <> '')
        or (address = %(address)s and updated_at >= %(since)s and attempts > 0 and btrim(text) = %(text)s)
    )
    limit 1
"""


def keep(
    conversation_id: ConversationId, *, case_id: CaseId, author: str, text: str, at: datetime, provider_id: str
) -> None:
    """Store what a person said outside the desk; the conversation must be locked."""
    given = {
        "id": ids.new("msg"),
        "conversation": conversation_id,
        "case": case_id,
        "author": author,
        "text": text,
        "at": at,
        "provider_id": provider_id,
    }
    db.run(_KEEP, given)


_KEEP: Final = """
    insert into messages (id, conversation_id, case_id, inbound, author, text, at, provider_id)
    values (%(id)s, %(conversation)s, %(case)s, false, %(author)s, %(text)s, %(at)s, %(provider_id)s)
    on conflict (conversation_id, provider_id) do nothing
"""


def is_kept(conversation_id: ConversationId, provider_id: str) -> bool:
    """Return whether a conversation has a message under a vendor's id."""
    query: Final = "select from messages where conversation_id = %(conversation)s and provider_id = %(provider_id)s"
    return db.run(query, {"conversation": conversation_id, "provider_id": provider_id}).rowcount > 0


def recall(case_id: CaseId, why: str, now: datetime) -> list[str]:
    """Stop a case's words that were not handed out yet; return their ids."""
    return [row.id for row in db.run(_RECALL, {"case": case_id, "why": why, "now": now})]


_RECALL: Final = """
    update outbox set state = 'failed', error = %(why)s, updated_at = %(now)s, next_at = null
    where case_id = %(case)s and state in ('queued', 'held')
    returning id
"""


def waits(case_id: CaseId) -> bool:
    """Return whether the contact said something in a case after anybody of ours did."""
    return db.run(_WAITS, {"case": case_id}).rowcount > 0


_WAITS: Final = """
    select from (
        select inbound from messages
        where case_id = %(case)s and kind <> 'note' and (not inbound or turn > 0)
        order by seq desc limit 1
    ) as last
    where inbound
"""


# --- changed words ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of a contact's that they changed."""

    id: str
    conversation_id: ConversationId
    case_id: CaseId | None
    text: str
    turn: int | None
    """None while no turn has begun with it."""
    changed_at: datetime | None
    """When it was last changed or taken back."""


def find(channel: str, address: str, provider_id: str) -> Said | None:
    """Return what an address said under a vendor's id, locked with its conversation until the commit, or None."""
    row = db.run(_FIND, {"channel": channel, "address": address, "provider_id": provider_id}).fetchone()
    if row is None:
        return None
    [locked] = db.run(_LOCK, {"conversation": row.conversation_id, "id": row.id})
    return Said(
        id=locked.id,
        conversation_id=ConversationId(locked.conversation_id),
        case_id=CaseId(locked.case_id) if locked.case_id else None,
        text=locked.text,
        turn=locked.turn,
        changed_at=max((at for at in (locked.edited_at, locked.withdrawn_at) if at), default=None),
    )


_FIND: Final = """
    select id, conversation_id from messages
    where inbound and provider_id = %(provider_id)s and conversation_id in (
        select id from conversations where channel = %(channel)s and address = %(address)s
        union select conversation_id from doors where channel = %(channel)s and address = %(address)s
    )
"""
_LOCK: Final = """
    select messages.* from messages join conversations on conversations.id = messages.conversation_id
    where conversations.id = %(conversation)s and messages.id = %(id)s
    for update of conversations
"""


def change(said: Said, text: str, *, at: datetime) -> None:
    """Give a message other words, and keep those it had."""
    db.run(_EARLIER, {"id": said.id, "text": said.text, "at": at})
    db.run("update messages set text = %(text)s, edited_at = %(at)s where id = %(id)s",
           {"id": said.id, "text": text, "at": at})  # fmt: skip


def withdraw(said: Said, text: str, *, at: datetime) -> None:
    """Mark a message as taken back, with `text` in its place; no turn takes it that has not begun with it."""
    db.run(_EARLIER, {"id": said.id, "text": said.text, "at": at})
    db.run(_WITHDRAW, {"id": said.id, "text": text, "at": at})
    db.run(_EMPTY, {"conversation": said.conversation_id})


def keep_earlier(message_id: str, text: str, *, at: datetime) -> None:
    """Keep words that a message had before it was changed, where the change came in first."""
    db.run(_EARLIER_STILL, {"id": message_id, "text": text, "at": at})


def mark_changed(conversation_id: ConversationId, provider_id: str, *, at: datetime, withdrawn: bool) -> None:
    """Mark a message as changed, or taken back, whose first words have not come in."""
    given = {"conversation": conversation_id, "provider_id": provider_id, "at": at, "withdrawn": withdrawn}
    db.run(_MARK, given)


_EARLIER: Final = "insert into message_edits (message_id, text, at) values (%(id)s, %(text)s, %(at)s)"
_EARLIER_STILL: Final = """
    insert into message_edits (message_id, text, at)
    select id, %(text)s, %(at)s from messages
    where id = %(id)s and text <> %(text)s and (edited_at is not null or withdrawn_at is not null)
        and not exists (select from message_edits where message_id = %(id)s and text = %(text)s)
"""
_WITHDRAW: Final = """
    update messages set text = %(text)s, kind = 'withdrawn', withdrawn_at = %(at)s, turn = coalesce(turn, 0)
    where id = %(id)s
"""
_EMPTY: Final = """
    update conversations set ready_at = null, first_at = null
    where id = %(conversation)s and not exists (
        select from messages where conversation_id = %(conversation)s and inbound and turn is null
    )
"""
"""Nothing is left that a turn could take."""
_MARK: Final = """
    update messages set
        edited_at = case when %(withdrawn)s then edited_at else %(at)s end,
        withdrawn_at = case when %(withdrawn)s then %(at)s else withdrawn_at end
    where conversation_id = %(conversation)s and provider_id = %(provider_id)s
"""
