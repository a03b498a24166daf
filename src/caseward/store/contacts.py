"""People outside, and the proven links between them and an address."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.case import Contact
from caseward.core.ids import ContactId, ConversationId
from caseward.store import db
from caseward.store.tables import contacts, identities, identity_attempts


def keep(contact: Contact, *, sample: bool, now: datetime) -> None:
    """Store a contact, or what is now known of one."""
    db.current().pending.pop("identities", None)
    known = {"name": contact.name, "email": contact.email, "phone": contact.phone, "locale": contact.locale}
    db.execute(
        upsert(contacts)
        .values(id=contact.id, sample=sample, created_at=now, **known)
        .on_conflict_do_update(index_elements=["id"], set_={**known, "forgotten_at": None})
    )


def get(contact_id: ContactId) -> Contact | None:
    """Return a contact, or None."""
    row = db.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    return None if row is None else _contact(row)


def names(ids: Sequence[str]) -> dict[str, str]:
    """Return contact id → name for the ids that exist."""
    query = select(contacts.c.id, contacts.c.name).where(contacts.c.id.in_(list(ids)))
    return {row.id: row.name for row in db.execute(query)}


def sample(contact_id: ContactId) -> Contact | None:
    """Return a sample contact, which a demo lays out, or None."""
    row = db.execute(select(contacts).where(contacts.c.id == contact_id, contacts.c.sample)).first()
    return None if row is None else _contact(row)


def identity(channel: str, address: str) -> tuple[Contact, str, datetime] | None:
    """Return the contact that an address is proved to belong to, how and when, or None."""
    known = db.current().pending.get("identities", {})
    if (channel, address) in known:
        row = known[channel, address]
    else:
        row = db.run(_PROVED, {"channel": channel, "address": address}).fetchone()
    return None if row is None else (_contact(row), row.method, row.verified_at)


def remember(channel: str, address: str, row: Any | None) -> None:
    """Take the row of an identity, or that there is none, as read until it is proved anew."""
    db.current().pending.setdefault("identities", {})[channel, address] = row


_PROVED = """
    select contacts.*, identities.method, identities.verified_at
    from identities join contacts on contacts.id = identities.contact_id
    where identities.channel = %(channel)s and identities.address = %(address)s
"""


def prove(channel: str, address: str, contact_id: ContactId, *, method: str, now: datetime) -> None:
    """Record that an address is proved to belong to a contact, or to the one that it was merged into meanwhile."""
    contact_id = stands_for(contact_id)
    db.current().pending.get("identities", {}).pop((channel, address), None)
    proof = {"contact_id": contact_id, "method": method, "verified_at": now}
    db.execute(
        upsert(identities)
        .values(channel=channel, address=address, **proof)
        .on_conflict_do_update(index_elements=["channel", "address"], set_=proof)
    )


def stands_for(contact_id: ContactId) -> ContactId:
    """Return the contact as whom one counts: itself, or the one that it was merged into."""
    return ContactId(db.run(_STANDS_FOR, {"id": contact_id}).fetchall()[0].id)


_STANDS_FOR = """
    with recursive chain(id, n) as (
        select %(id)s::text, 0
        union all
        select merges.kept, chain.n + 1 from chain
        join merges on merges.gone = chain.id and merges.kind = 'contact' and merges.undone_at is null
    )
    select id from chain order by n desc limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A proven link between a contact and an address."""

    channel: str
    address: str
    contact: Contact
    method: str
    at: datetime


def disprove(channel: str, address: str) -> Proved | None:
    """Forget that an address was proved to belong to anybody; return what was forgotten."""
    known = identity(channel, address)
    db.current().pending.get("identities", {}).pop((channel, address), None)
    gone = delete(identities).where(identities.c.channel == channel, identities.c.address == address)
    if known is None or db.execute(gone).rowcount == 0:
        return None
    contact, method, at = known
    return Proved(channel=channel, address=address, contact=contact, method=method, at=at)


def pass_on(channel: str, address: str, now: datetime) -> None:
    """Keep that somebody else is behind an address from now on, or may be; its conversation must be open."""
    query = "update conversations set passed_at = %(now)s where channel = %(channel)s and address = %(address)s"
    db.run(query, {"channel": channel, "address": address, "now": now})


def passed_on(channel: str, address: str) -> bool:
    """Return whether an address ever passed on."""
    query = """
        select from conversations where channel = %(channel)s and address = %(address)s and passed_at is not null
    """
    return db.run(query, {"channel": channel, "address": address}).fetchone() is not None


def proved(contact_id: ContactId) -> list[Proved]:
    """Return the addresses that are proved to belong to a contact, by when."""
    query = (
        select(contacts, identities.c.channel, identities.c.address, identities.c.method, identities.c.verified_at)
        .join(identities, identities.c.contact_id == contacts.c.id)
        .where(contacts.c.id == contact_id)
        .order_by(identities.c.verified_at, identities.c.channel, identities.c.address)
    )
    return [
        Proved(channel=row.channel, address=row.address, contact=_contact(row), method=row.method, at=row.verified_at)
        for row in db.execute(query)
    ]


def is_proved(contact_id: ContactId) -> bool:
    """Return whether any address is proved to belong to a contact."""
    return bool(db.run("select from identities where contact_id = %(id)s limit 1", {"id": contact_id}).rowcount)


def record_attempt(conversation_id: ConversationId, named: Mapping[str, str], *, ok: bool, at: datetime) -> None:
    """Record a try to prove an identity, by the values that were named: field → value."""
    row = {"conversation_id": conversation_id, "named": _digests(named), "ok": ok, "at": at}
    db.execute(insert(identity_attempts).values(**row))


def failed_attempts(conversation_id: ConversationId, named: Mapping[str, str], since: datetime) -> int:
    """Return how many tries failed since then, of this conversation or of all that named one of these values: the most.

    Whoever else names one of them waits until the commit.
    """
    given = {"conversation": conversation_id, "named": _digests(named), "since": since}
    db.run("select pg_advisory_xact_lock(hashtextextended(value, 0)) from unnest(%(named)s::text[]) as value", given)
    return int(db.run(_FAILED, given).fetchall()[0].most)


_FAILED = """
    select greatest(
        (select count(*) from identity_attempts
         where not ok and at >= %(since)s and conversation_id = %(conversation)s),
        (select coalesce(max(tries), 0) from (
            select count(*) as tries from identity_attempts, jsonb_array_elements_text(named) as value
            where not ok and at >= %(since)s and named ?| %(named)s::text[] and value = any(%(named)s::text[])
            group by value
        ) as counted)
    ) as most
"""


def _digests(named: Mapping[str, str]) -> list[str]:
    """Return what stands for some values, in one order, so that two who lock the same ones never wait in a ring."""
    told = (f"{field}:{value.casefold().strip()}" for field, value in named.items())
    return sorted(hashlib.sha256(each.encode()).hexdigest() for each in told)


def _contact(row: Any) -> Contact:
    return Contact(id=ContactId(row.id), name=row.name, email=row.email, phone=row.phone, locale=row.locale)
