"""What is new in conversations that somebody is watching, asked for all of them at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from caseward.core.ids import ConversationId
from caseward.store.db import execute
from caseward.store.tables import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How far a conversation is."""

    newest: int = 0
    """Number of the last message that the contact may see."""
    read: int = 0
    """Number of the contact's last message that a turn has taken up."""


def marks(conversations: Collection[ConversationId]) -> dict[ConversationId, Marks]:
    """Return how far each of these conversations is; one without a message is left out."""
    taken = func.max(messages.c.seq).filter(messages.c.inbound, messages.c.turn.is_not(None))
    query = (
        select(messages.c.conversation_id, func.max(messages.c.seq).label("newest"), taken.label("read"))
        .where(messages.c.conversation_id.in_(list(conversations)), messages.c.kind != "note")
        .group_by(messages.c.conversation_id)
    )
    return {ConversationId(row.conversation_id): Marks(newest=row.newest, read=row.read or 0) for row in execute(query)}
