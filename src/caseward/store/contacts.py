"""People outside, and the proven links between them and an address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.case import Contact
from caseward.core.ids import ContactId, ConversationId
from caseward.store import db
from caseward.store.tables import contacts, identities, identity_attempts


def keep(contact: Contact, *, sample: bool, now: datetime) -> None:
    """Store a contact, or what is now known of one."""
    known = {"name": contact.name, "email": contact.email, "phone": contact.phone, "locale": contact.locale}
    db.execute(
        upsert(contacts)
        .values(id=contact.id, sample=sample, created_at=now, **known)
        .on_conflict_do_update(index_elements=["id"], set_=known)
    )


def get(contact_id: ContactId) -> Contact | None:
    """Return a contact, or None."""
    row = db.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    return None if row is None else _contact(row)


def sample(contact_id: ContactId) -> Contact | None:
    """Return a sample contact, which a demo lays out, or None."""
    row = db.execute(select(contacts).where(contacts.c.id == contact_id, contacts.c.sample)).first()
    return None if row is None else _contact(row)


def identity(channel: str, address: str) -> tuple[Contact, str, datetime] | None:
    """Return the contact that an address is proved to belong to, how and when, or None."""
    row = db.run(_PROVED, {"channel": channel, "address": address}).fetchone()
    return None if row is None else (_contact(row), row.method, row.verified_at)


_PROVED = """
    select contacts.*, identities.method, identities.verified_at
    from identities join contacts on contacts.id = identities.contact_id
    where identities.channel = %(channel)s and identities.address = %(address)s
"""


def prove(channel: str, address: str, contact_id: ContactId, *, method: str, now: datetime) -> None:
    """Record that an address is proved to belong to a contact."""
    proof = {"contact_id": contact_id, "method": method, "verified_at": now}
    db.execute(
        upsert(identities)
        .values(channel=channel, address=address, **proof)
        .on_conflict_do_update(index_elements=["channel", "address"], set_=proof)
    )


def record_attempt(conversation_id: ConversationId, *, ok: bool, at: datetime) -> None:
    """Record a try to prove an identity."""
    db.execute(insert(identity_attempts).values(conversation_id=conversation_id, ok=ok, at=at))


def failed_attempts(conversation_id: ConversationId, since: datetime) -> int:
    """Return how many tries failed since then."""
    query = select(func.count()).where(
        identity_attempts.c.conversation_id == conversation_id,
        identity_attempts.c.at >= since,
        identity_attempts.c.ok.is_(False),
    )
    return int(db.execute(query).scalar_one())


def _contact(row: Any) -> Contact:
    return Contact(id=ContactId(row.id), name=row.name, email=row.email, phone=row.phone, locale=row.locale)
