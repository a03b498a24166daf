"""How a contact comes in: a conversation of their own, and what they say in it."""

from __future__ import annotations

import hashlib
import secrets

from caseward.core import ids
from caseward.core.errors import NotFound
from caseward.core.ids import ContactId, ConversationId
from caseward.core.messages import Inbound, Message
from caseward.desk import intake, tools
from caseward.store import contacts, db, messages

WEBCHAT = "webchat"


def open_chat(*, language: str, sample_contact: str | None) -> tuple[str, ConversationId]:
    """Open a web-chat conversation and return its secret token and id; a sample contact's address counts as proved."""
    token = secrets.token_urlsafe(32)
    address = ids.new("chat")
    now = tools.now()
    with db.transaction():
        conversation_id = messages.open_conversation(
            WEBCHAT,
            address,
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            language=language,
            now=now,
        )
        if sample_contact is not None:
            contact = contacts.sample(ContactId(sample_contact))
            if contact is None:
                raise NotFound(f"there is no sample contact {sample_contact}")
            contacts.prove(WEBCHAT, address, contact.id, method="channel", now=now)
    return token, conversation_id


def receive(conversation_id: ConversationId, inbound: Inbound) -> Message:
    """Store a message, and have its turn begin once it is committed; raise BadInput for one that cannot be taken."""
    with db.transaction():
        received = intake.receive(conversation_id, inbound)
        if received.new:
            db.after_commit(lambda: tools.wake(conversation_id, received.turn, received.ready))
    return received.message
