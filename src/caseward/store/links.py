"""Doors: addresses at which a case goes on that began elsewhere; and the homes of conversations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseward.core.ids import CaseId, ContactId, ConversationId
from caseward.store import db


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where what comes in at an address belongs."""

    own: ConversationId | None
    """The conversation that began at this address; None when nobody ever wrote there."""
    title: str
    """What the channel called who writes there, last."""
    door: Door | None
    """Through which it belongs to another conversation, as long as that one's case is not closed."""
    once: ConversationId | None = None
    """The other conversation to which it belonged last, whether the door still stands or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An address at which a case goes on."""

    channel: str
    address: str
    conversation_id: ConversationId
    case_id: CaseId
    by: str
    """What opened it: `reply`, `proof`, `token`, or the id of a person or of a merge."""
    opened_at: datetime

    @property
    def via(self) -> str:
        """Return `channel:address`."""
        return f"{self.channel}:{self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Words of ours that a vendor's id names."""

    case_id: CaseId
    key: str


_HOME: Final = """
    select own.id as own, own.title, door.*
    from (select %(channel)s::text as channel, %(address)s::text as address) as at
    left join (select id, title, channel, address from conversations) as own using (channel, address)
    left join (
        select doors.*, doors.closed_at is null and cases.status <> 'closed' as stands
        from doors join cases on cases.id = doors.case_id
    ) as door using (channel, address)
"""


def home(channel: str, address: str) -> Home:
    """Return where what comes in at an address belongs."""
    row = db.run(_HOME, {"channel": channel, "address": address}).fetchall()[0]
    return Home(
        own=ConversationId(row.own) if row.own else None,
        title=row.title or "",
        door=_door(row) if row.stands else None,
        once=ConversationId(row.conversation_id) if row.conversation_id else None,
    )


def call(conversation_id: ConversationId, title: str) -> None:
    """Keep what the channel calls who writes in a conversation now."""
    db.run("update conversations set title = %(title)s where id = %(id)s", {"id": conversation_id, "title": title})


def heard(conversation_id: ConversationId, at: datetime) -> None:
    """Keep that the contact wrote at the address of a conversation, though it belongs to another one."""
    given = {"id": conversation_id, "at": at}
    db.run("update conversations set heard_at = greatest(heard_at, %(at)s) where id = %(id)s", given)


def sent(channel: str, address: str, provider_ref: str) -> Sent | None:
    """Return what of ours went to an address under a vendor's id, or None."""
    row = db.run(_SENT, {"channel": channel, "address": address, "ref": provider_ref}).fetchone()
    return None if row is None else Sent(case_id=CaseId(row.case_id), key=row.key)


_SENT: Final = """
    select case_id, key from outbox
    where channel = %(channel)s and provider_ref = %(ref)s and address = %(address)s
"""


def open_door(door: Door) -> None:
    """Have what comes in at an address belong to a case from now on, whatever door was there before."""
    given = {
        "channel": door.channel,
        "address": door.address,
        "conversation": door.conversation_id,
        "case": door.case_id,
        "by": door.by,
        "at": door.opened_at,
    }
    db.run(_OPEN, given)


_OPEN: Final = """
    insert into doors (channel, address, conversation_id, case_id, by, opened_at)
    values (%(channel)s, %(address)s, %(conversation)s, %(case)s, %(by)s, %(at)s)
    on conflict (channel, address) do update set
        conversation_id = excluded.conversation_id, case_id = excluded.case_id, by = excluded.by,
        opened_at = excluded.opened_at, closed_at = null
"""


def close_door(channel: str, address: str, now: datetime) -> bool:
    """Close a door; return whether it stood open."""
    given = {"channel": channel, "address": address, "now": now}
    query: Final = """
        update doors set closed_at = %(now)s
        where channel = %(channel)s and address = %(address)s and closed_at is null
    """
    return db.run(query, given).rowcount > 0


def _door(row: Any) -> Door:
    return Door(
        channel=row.channel,
        address=row.address,
        conversation_id=ConversationId(row.conversation_id),
        case_id=CaseId(row.case_id),
        by=row.by,
        opened_at=row.opened_at,
    )


# --- proofs that only an answer from a registered address can give ----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was asked of a registered address: whether another address is its owner's."""

    id: str
    case_id: CaseId
    contact_id: ContactId
    asked: str
    """`channel:address` that is to be proved."""
    sent: str
    """`channel:address` of the record."""
    by: str
    """`policy`, or a person's id."""
    at: datetime
    expires_at: datetime


_PROOF: Final = """
    select * from proofs where state = 'open' and expires_at > %(now)s and case_id = %(case)s
    order by at desc limit 1
"""


def proof(case_id: CaseId, now: datetime) -> Proof | None:
    """Return what was asked about a case and waits for its answer, or None."""
    row = db.run(_PROOF, {"case": case_id, "now": now}).fetchone()
    if row is None:
        return None
    return Proof(
        id=row.id,
        case_id=CaseId(row.case_id),
        contact_id=ContactId(row.contact_id),
        asked=row.asked,
        sent=row.sent,
        by=row.by,
        at=row.at,
        expires_at=row.expires_at,
    )


def keep_proof(proof: Proof) -> None:
    """Keep what is asked of a registered address."""
    given = {
        **{"id": proof.id, "case": proof.case_id, "contact": proof.contact_id, "asked": proof.asked},
        **{"sent": proof.sent, "by": proof.by, "at": proof.at, "expires_at": proof.expires_at},
    }
    db.run(_KEEP_PROOF, given)


_KEEP_PROOF: Final = """
    insert into proofs (id, case_id, contact_id, asked, sent, by, at, expires_at)
    values (%(id)s, %(case)s, %(contact)s, %(asked)s, %(sent)s, %(by)s, %(at)s, %(expires_at)s)
"""


def settle_proof(proof_id: str, state: str, now: datetime) -> bool:
    """Settle a proof as `confirmed`, `refused` or `dropped`, once; return whether it was open."""
    given = {"id": proof_id, "state": state, "now": now}
    query: Final = "update proofs set state = %(state)s, settled_at = %(now)s where id = %(id)s and state = 'open'"
    return db.run(query, given).rowcount > 0


def drop_proofs(address: str, now: datetime) -> None:
    """Let go of what is asked about an address, or of it: it passed to somebody else."""
    given = {"address": address, "now": now}
    db.run(_DROP_PROOFS, given)


_DROP_PROOFS: Final = """
    update proofs set state = 'dropped', settled_at = %(now)s
    where state = 'open' and (asked = %(address)s or sent = %(address)s)
"""


def proofs_since(contact_id: ContactId, asked: str, since: datetime) -> int:
    """Return how often a contact's registered address was asked since then, or asked about an address: the more."""
    given = {"contact": contact_id, "asked": asked, "since": since}
    return int(db.run(_COUNTED, given).fetchall()[0].most)


_COUNTED: Final = """
    select greatest(
        count(*) filter (where contact_id = %(contact)s), count(*) filter (where asked = %(asked)s)
    ) as most
    from proofs where at >= %(since)s and (contact_id = %(contact)s or asked = %(asked)s)
"""


# --- what an address that passed on leaves behind ---------------------------------------------------------------------


def goes_on(case_id: CaseId, since: datetime) -> bool:
    """Return whether a contact's next word would belong to a case: nothing came after it in its conversation, and it
    was not closed before `since`."""
    return db.run(_GOES_ON, {"case": case_id, "since": since}).rowcount > 0


_GOES_ON: Final = """
    select from cases
    where id = %(case)s and merged is null and (status not in ('resolved', 'closed') or resolved_at >= %(since)s)
        and number = (
            select max(number) from cases as each
            where each.conversation_id = cases.conversation_id and each.merged is null
        )
"""


def stop_parcels(channel: str, address: str, why: str, now: datetime) -> list[tuple[str, str]]:
    """Stop the words that wait to go to an address; return their ids, each with its case's."""
    given = {"channel": channel, "address": address, "why": why, "now": now}
    return [(row.id, row.case_id) for row in db.run(_STOP, given)]


_STOP: Final = """
    update outbox set state = 'failed', error = %(why)s, updated_at = %(now)s, next_at = null
    where channel = %(channel)s and address = %(address)s and state in ('queued', 'held')
    returning id, case_id
"""


def cases_at(conversation_id: ConversationId) -> list[CaseId]:
    """Return the cases of a conversation that are not closed, oldest first."""
    query: Final = """
        select id from cases where conversation_id = %(conversation)s and status <> 'closed' order by number
    """
    return [CaseId(row.id) for row in db.run(query, {"conversation": conversation_id})]
