"""The outbox: words on their way to contacts, each once per business key.

States only move forward: queued → running → done, failed or unknown. *Held* words wait until their vendor takes free
words again. *Unknown* ones may or may not have gone out: the vendor says so, or a person is asked; they are never
repeated blindly. Words to one address go out one at a time, in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from caseward.core import ids
from caseward.core.errors import NotFound
from caseward.core.events import Delivery
from caseward.core.ids import CaseId, OutboxId
from caseward.store import db
from caseward.store.effects import EffectState

UNSETTLED = (EffectState.QUEUED, EffectState.RUNNING, EffectState.UNKNOWN, EffectState.HELD)
_OPEN: Final = ["queued", "running", "unknown", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Words on their way to a contact."""

    id: OutboxId
    seq: int
    case_id: CaseId
    message_id: str
    channel: str
    address: str
    text: str
    reply: Mapping[str, Any]
    """What is said beside the text, as it was consented to: template, language and values, choices, subject."""
    key: str
    state: EffectState
    attempts: int
    """How often it was handed out."""
    provider_ref: str
    error: str
    fault: str
    """The vendor's code of a failure."""
    delivery: Delivery | None
    """What the vendor says became of it."""
    created_at: datetime
    next_at: datetime | None
    """When it is looked at again; None when nothing of it is due any more."""
    keeps_until: datetime | None
    """How long the words may wait until the vendor takes them; None for no wait at all."""
    shut: bool
    """Whether the vendor said that it takes no free words now."""
    slot_at: datetime | None
    """Reserved: it may go out from then on."""
    doubt_at: datetime | None
    """Since when nobody knows whether it went out."""


def put(
    *,
    case_id: CaseId,
    message_id: str,
    channel: str,
    address: str,
    text: str,
    key: str,
    approvers: Sequence[str],
    delivered: bool,
    now: datetime,
    reply: Mapping[str, Any] | None = None,
    keeps_until: datetime | None = None,
) -> OutboxId | None:
    """Put words into the outbox, `delivered` where storing is delivering; None when their key is there already."""
    row = db.run(
        _PUT,
        {
            "id": ids.new("out"),
            "case": case_id,
            "message": message_id,
            "channel": channel,
            "address": address,
            "text": text,
            "key": key,
            "approvers": Jsonb(list(approvers)),
            "state": str(EffectState.DONE if delivered else EffectState.QUEUED),
            "now": now,
            "next_at": None if delivered else now,
            "reply": Jsonb(dict(reply or {})),
            "keeps_until": keeps_until,
        },
    ).fetchone()
    return OutboxId(row.id) if row else None


_PUT: Final = """
    insert into outbox
        (id, case_id, message_id, channel, address, text, key, approvers, state, created_at, updated_at, next_at, reply,
         keeps_until)
    values (
        %(id)s, %(case)s, %(message)s, %(channel)s, %(address)s, %(text)s, %(key)s, %(approvers)s, %(state)s,
        %(now)s, %(now)s, %(next_at)s, %(reply)s, %(keeps_until)s)
    on conflict (key) do nothing
    returning id
"""


def put_again(parcel: Parcel, now: datetime) -> Parcel | None:
    """Put words that came back since the vendor took no free words into the outbox once more, and return them there."""
    key = f"{parcel.key}#again"
    row = db.run(_PUT_AGAIN, {"id": parcel.id, "new": ids.new("out"), "key": key, "now": now}).fetchone()
    return None if row is None else _parcel(row)


_PUT_AGAIN: Final = """
    insert into outbox
        (id, case_id, message_id, channel, address, text, key, approvers, state, created_at, updated_at, next_at, reply,
         keeps_until, shut)
    select
        %(new)s, case_id, message_id, channel, address, text, %(key)s, approvers, 'queued', %(now)s, %(now)s, %(now)s,
        reply, keeps_until, true
    from outbox where id = %(id)s
    on conflict (key) do nothing
    returning *
"""


def said(key: str) -> bool:
    """Return whether words under this key are in the outbox already."""
    return db.run("select from outbox where key = %(key)s", {"key": key}).rowcount > 0


def get(outbox_id: str, *, lock: bool = False) -> Parcel:
    """Return words on their way; raise NotFound when there are none."""
    row = db.run(_GET_LOCKED if lock else _GET, {"id": outbox_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no {outbox_id} in outbox")
    return _parcel(row)


_GET: Final = "select * from outbox where id = %(id)s"
_GET_LOCKED: Final = "select * from outbox where id = %(id)s for update"


def named(channel: str, *, key: str, provider_ref: str) -> Parcel | None:
    """Return what a vendor speaks of, by our id of it or by theirs, locked until the commit; None for nothing of ours.

    Of several under one of the vendor's ids the last is meant.
    """
    given = {"channel": channel, "id": key, "ref": provider_ref}
    row = db.run(_NAMED, given).fetchone() if key else None
    if row is None and provider_ref:
        row = db.run(_REFERRED, given).fetchone()
    return None if row is None else _parcel(row)


_NAMED: Final = "select * from outbox where id = %(id)s and channel = %(channel)s for update"
_REFERRED: Final = """
    select * from outbox where channel = %(channel)s and provider_ref = %(ref)s
    order by seq desc limit 1 for update
"""


def last_to(channel: str, address: str) -> Parcel | None:
    """Return what last went out to an address, locked until the commit."""
    row = db.run(_LAST, {"channel": channel, "address": address}).fetchone()
    return None if row is None else _parcel(row)


_LAST: Final = """
    select * from outbox
    where channel = %(channel)s and address = %(address)s and state = 'done' and case_id in (
        select cases.id from conversations join cases on cases.conversation_id = conversations.id
        where conversations.channel = %(channel)s and conversations.address = %(address)s
        union select case_id from doors where channel = %(channel)s and address = %(address)s
    )
    order by seq desc limit 1 for update
"""


def of_case(case_id: CaseId, *, last: int | None = None) -> list[Parcel]:
    """Return a case's words on their way and said, or the last of them, oldest first."""
    query: Final = "select * from outbox where case_id = %(id)s order by seq desc limit %(last)s"
    return [_parcel(row) for row in db.run(query, {"id": case_id, "last": last})][::-1]


def of_messages(message_ids: Sequence[str]) -> dict[str, Parcel]:
    """Return message id → the last words on their way that it is."""
    query: Final = "select * from outbox where message_id = any(%(ids)s) order by seq"
    return {row.message_id: _parcel(row) for row in db.run(query, {"ids": list(message_ids)})}


def move(
    outbox_id: str,
    state: EffectState,
    *,
    now: datetime,
    next_at: datetime | None = None,
    error: str = "",
    fault: str = "",
    **fields: Any,
) -> None:
    """Move words to a state; settled ones stay settled.

    Further fields are those of a parcel: `provider_ref` and `shut`, which stay where they are not given, and `slot_at`,
    which does not.
    """
    given = {
        "id": outbox_id,
        "state": str(state),
        "now": now,
        "next_at": next_at if state in UNSETTLED else None,
        "error": error,
        "fault": fault,
        "again": state is EffectState.RUNNING,
        "open": _OPEN,
        **{name: fields.get(name) for name in ("provider_ref", "shut", "slot_at")},
    }
    db.run(_MOVE, given)


_MOVE: Final = """
    update outbox set
        state = %(state)s, updated_at = %(now)s, next_at = %(next_at)s, error = %(error)s, fault = %(fault)s,
        attempts = attempts + %(again)s::int, provider_ref = coalesce(%(provider_ref)s, provider_ref),
        shut = coalesce(%(shut)s, shut), slot_at = %(slot_at)s,
        doubt_at = case when %(state)s in ('running', 'unknown') then coalesce(doubt_at, %(now)s) end
    where id = %(id)s and state = any(%(open)s)
"""


def tell_delivery(outbox_id: str, delivery: Delivery, *, at: datetime, fault: str = "") -> None:
    """Keep what the vendor says became of words."""
    given = {"id": outbox_id, "delivery": str(delivery), "at": at, "fault": fault}
    db.run(_DELIVERY, given)


_DELIVERY: Final = """
    update outbox set delivery = %(delivery)s, delivery_at = %(at)s,
        fault = case when %(fault)s = '' then fault else %(fault)s end
    where id = %(id)s
"""


def line_up(channel: str, address: str) -> None:
    """Have everybody who decides what goes to an address, or that it may, wait for each other until the commit."""
    given = {"line": f"outbox {channel}:{address}"}
    db.run("select pg_advisory_xact_lock(hashtextextended(%(line)s, 0))", given)


def held_back(parcel: Parcel) -> bool:
    """Return whether earlier words to the same address are still on their way."""
    return db.run(_BEFORE, {"channel": parcel.channel, "address": parcel.address, "seq": parcel.seq}).rowcount > 0


_BEFORE: Final = """
    select from outbox
    where channel = %(channel)s and address = %(address)s and seq < %(seq)s
        and state in ('queued', 'running', 'unknown') and next_at is not null
    limit 1
"""


def next_to(channel: str, address: str) -> Parcel | None:
    """Return the next words that are queued for an address."""
    query: Final = """
        select * from outbox where channel = %(channel)s and address = %(address)s and state = 'queued'
        order by seq limit 1
    """
    row = db.run(query, {"channel": channel, "address": address}).fetchone()
    return None if row is None else _parcel(row)


def held(channel: str, address: str) -> list[Parcel]:
    """Return the words to an address that wait until the vendor takes them, in their order."""
    query: Final = """
        select * from outbox where channel = %(channel)s and address = %(address)s and state = 'held' order by seq
    """
    return [_parcel(row) for row in db.run(query, {"channel": channel, "address": address})]


def shut(channel: str, address: str) -> bool:
    """Return whether words to an address wait until the vendor takes them, or the vendor said that it takes none."""
    return db.run(_SHUT, {"channel": channel, "address": address}).rowcount > 0


_SHUT: Final = """
    select from outbox
    where channel = %(channel)s and address = %(address)s and (state = 'held' or (state = 'queued' and shut))
        and state in ('queued', 'running', 'unknown', 'held')
    limit 1
"""


def open_again(channel: str, address: str) -> None:
    """Forget that the vendor took no free words for an address."""
    query: Final = """
        update outbox set shut = false
        where channel = %(channel)s and address = %(address)s and state in ('queued', 'held') and shut
    """
    db.run(query, {"channel": channel, "address": address})


def due(now: datetime, *, limit: int = 100) -> list[OutboxId]:
    """Return the words whose next step is due."""
    return [OutboxId(row.id) for row in db.run(_DUE, {"now": now, "limit": limit})]


_DUE: Final = "select id from outbox where next_at <= %(now)s order by next_at, seq limit %(limit)s"


def count() -> Mapping[str, int]:
    """Return state → how many words are in it."""
    return {row.state: row.n for row in db.run("select state, count(*) as n from outbox group by state")}


def waiting() -> Mapping[str, int]:
    """Return channel → how many words wait to go out there."""
    query: Final = "select channel, count(*) as n from outbox where state in ('queued', 'running') group by channel"
    return {row.channel: row.n for row in db.run(query)}


def failed_since(since: datetime) -> int:
    """Return how many words have failed since an instant, by what we know or by what the vendor said later."""
    query: Final = """
        select count(*) as n from outbox
        where (state = 'failed' and updated_at >= %(since)s) or (delivery = 'failed' and delivery_at >= %(since)s)
    """
    return int(db.run(query, {"since": since}).fetchall()[0].n)


def refused(*, limit: int = 100) -> list[Parcel]:
    """Return the words that never arrived, the latest first: given up, refused, or failed later as the vendor says."""
    query: Final = """
        select * from outbox where state = 'failed' or delivery = 'failed' order by seq desc limit %(limit)s
    """
    return [_parcel(row) for row in db.run(query, {"limit": limit})]


def retried(*, limit: int = 100) -> list[Parcel]:
    """Return the words that are tried again or wait, the longest waiting first."""
    query: Final = """
        select * from outbox where (state = 'queued' and attempts > 0) or state in ('unknown', 'held')
        order by seq limit %(limit)s
    """
    return [_parcel(row) for row in db.run(query, {"limit": limit})]


def _parcel(row: Any) -> Parcel:
    return Parcel(
        id=OutboxId(row.id),
        seq=row.seq,
        case_id=CaseId(row.case_id),
        message_id=row.message_id,
        channel=row.channel,
        address=row.address,
        text=row.text,
        reply=row.reply,
        key=row.key,
        state=EffectState(row.state),
        attempts=row.attempts,
        provider_ref=row.provider_ref,
        error=row.error,
        fault=row.fault,
        delivery=Delivery(row.delivery) if row.delivery else None,
        created_at=row.created_at,
        next_at=row.next_at,
        keeps_until=row.keeps_until,
        shut=row.shut,
        slot_at=row.slot_at,
        doubt_at=row.doubt_at,
    )
