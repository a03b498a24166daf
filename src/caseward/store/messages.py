"""Conversations, their messages, and the mailbox: the durable queue of turns, one row a conversation.

A message is stored before it is acknowledged. `ready_at` says when the conversation's next turn may begin: the debounce
pushes it out, `collect_max` caps it. A turn claims every unclaimed message while it holds the row's lock, so turns of
one conversation never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core import ids
from caseward.core.ids import ConversationId
from caseward.core.messages import Message
from caseward.store import db
from caseward.store.tables import conversations
from caseward.store.tables import messages as table


def open_conversation(
    channel: str, address: str, *, token_hash: str | None, language: str, now: datetime
) -> ConversationId:
    """Return the conversation of that address, opening it if it is new."""
    row = db.execute(
        upsert(conversations)
        .values(
            id=ids.new("conv"),
            channel=channel,
            address=address,
            token_hash=token_hash,
            language=language,
            created_at=now,
        )
        .on_conflict_do_update(index_elements=["channel", "address"], set_={"channel": channel})
        .returning(conversations.c.id)
    ).one()
    return ConversationId(row.id)


def conversation(conversation_id: ConversationId) -> Any | None:
    """Return the row of a conversation, or None."""
    return db.execute(select(conversations).where(conversations.c.id == conversation_id)).first()


def by_token(token_hash: str) -> Any | None:
    """Return the conversation that a web-chat token opens, or None."""
    return db.execute(select(conversations).where(conversations.c.token_hash == token_hash)).first()


def set_language(conversation_id: ConversationId, language: str) -> None:
    """Remember the language of a conversation."""
    db.execute(update(conversations).where(conversations.c.id == conversation_id).values(language=language))


def receive(
    conversation_id: ConversationId,
    *,
    provider_id: str,
    text: str,
    kind: str,
    at: datetime,
    debounce: timedelta,
    collect_max: timedelta,
) -> tuple[Message, bool, datetime]:
    """Store an inbound message and make the conversation's next turn due.

    Returns:
        The message, whether it is new (a repeated provider id stores nothing), and when the turn may begin.
    """
    row = db.execute(
        upsert(table)
        .values(
            id=ids.new("msg"),
            conversation_id=conversation_id,
            inbound=True,
            author="customer",
            kind=kind,
            text=text,
            at=at,
            provider_id=provider_id,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id", "provider_id"])
        .returning(table)
    ).first()
    if row is None:
        found = db.execute(
            select(table).where(table.c.conversation_id == conversation_id, table.c.provider_id == provider_id)
        ).one()
        return _message(found), False, found.at
    first = func.coalesce(conversations.c.first_at, at)
    ready = db.execute(
        update(conversations)
        .where(conversations.c.id == conversation_id)
        .values(first_at=first, ready_at=func.least(at + debounce, first + collect_max))
        .returning(conversations.c.ready_at)
    ).scalar_one()
    return _message(row), True, ready


def claim(conversation_id: ConversationId) -> tuple[int, Sequence[Message]]:
    """Begin the conversation's next turn: take all unclaimed messages, and lock the conversation until the commit.

    Returns:
        The turn's number and its messages; no messages when another turn had them first.
    """
    row = db.execute(select(conversations).where(conversations.c.id == conversation_id).with_for_update()).one()
    if row.ready_at is None:
        return row.turn, ()
    turn = row.turn + 1
    db.execute(
        update(conversations)
        .where(conversations.c.id == conversation_id)
        .values(turn=turn, ready_at=None, first_at=None)
    )
    taken = db.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.inbound, table.c.turn.is_(None))
        .values(turn=turn)
        .returning(table)
    ).all()
    return turn, sorted((_message(each) for each in taken), key=lambda message: message.seq)


def lock(conversation_id: ConversationId) -> Any:
    """Lock the conversation until the commit, and return its row: stories of one conversation go one by one."""
    return db.execute(select(conversations).where(conversations.c.id == conversation_id).with_for_update()).one()


def ready(*, before: datetime, limit: int = 200) -> list[tuple[ConversationId, int]]:
    """Return conversations whose turn has been due since `before`, with the number of the turn to begin."""
    rows = db.execute(
        select(conversations.c.id, conversations.c.turn)
        .where(conversations.c.ready_at.is_not(None), conversations.c.ready_at <= before)
        .order_by(conversations.c.ready_at)
        .limit(limit)
    )
    return [(ConversationId(row.id), row.turn + 1) for row in rows]


def received_since(conversation_id: ConversationId, since: datetime) -> int:
    """Return how many messages came in since then."""
    query = select(func.count()).where(table.c.conversation_id == conversation_id, table.c.inbound, table.c.at >= since)
    return int(db.execute(query).scalar_one())


def file(messages: Sequence[Message], case_id: str) -> None:
    """Put messages into a case file."""
    db.execute(update(table).where(table.c.id.in_([message.id for message in messages])).values(case_id=case_id))


def add(
    conversation_id: ConversationId, *, case_id: str | None, author: str, text: str, at: datetime, kind: str = "text"
) -> Message:
    """Store a message of ours: a reply, or an internal note (`kind="note"`)."""
    row = db.execute(
        insert(table)
        .values(
            id=ids.new("msg"),
            conversation_id=conversation_id,
            case_id=case_id,
            inbound=False,
            author=author,
            kind=kind,
            text=text,
            at=at,
        )
        .returning(table)
    ).one()
    return _message(row)


def visible(conversation_id: ConversationId, *, after: int, limit: int = 200) -> list[Message]:
    """Return what the contact sees of a conversation after number `after`, oldest first."""
    rows = db.execute(
        select(table)
        .where(table.c.conversation_id == conversation_id, table.c.seq > after, table.c.kind != "note")
        .order_by(table.c.seq)
        .limit(limit)
    )
    return [_message(row) for row in rows]


def of_turn(conversation_id: ConversationId, turn: int) -> list[Message]:
    """Return the messages that a turn claimed, oldest first."""
    rows = db.execute(
        select(table).where(table.c.conversation_id == conversation_id, table.c.turn == turn).order_by(table.c.seq)
    )
    return [_message(row) for row in rows]


def of_case(case_id: str) -> list[Message]:
    """Return every message of a case, notes included, oldest first."""
    rows = db.execute(select(table).where(table.c.case_id == case_id).order_by(table.c.seq))
    return [_message(row) for row in rows]


def _message(row: Any) -> Message:
    return Message(
        id=row.id,
        seq=row.seq,
        conversation_id=ConversationId(row.conversation_id),
        inbound=row.inbound,
        author=row.author,
        kind=row.kind,
        text=row.text,
        at=row.at,
    )
