"""Where the team reads: chats that are bound to lanes, people's handles, codes that link them, and what was heard."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.events import Pressed, Typed
from caseward.store import db
from caseward.store.people import Person
from caseward.store.people import known as person_of
from caseward.store.tables_channels import codes, handles, lane_events, lanes

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Of a code that somebody types from one screen into another: none looks like a second one."""
LONG = 12
"""Characters of a code: 59 bits, which nobody tries out in a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A chat in which a lane is read."""

    lane: str
    channel: str
    chat: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """What a channel calls a person of the house."""

    channel: str
    handle: str
    person_id: str


def bind(bound: Bound, *, now: datetime) -> bool:
    """Have a lane be read in a chat; return False when it is already."""
    row = {"lane": bound.lane, "channel": bound.channel, "chat": bound.chat, "by": bound.by, "at": now}
    return db.execute(upsert(lanes).values(**row).on_conflict_do_nothing().returning(lanes.c.lane)).first() is not None


def unbind(lane: str, channel: str, chat: str) -> bool:
    """Have a lane no longer be read in a chat; return False when it was not."""
    here = delete(lanes).where(lanes.c.lane == lane, lanes.c.channel == channel, lanes.c.chat == chat)
    return db.execute(here.returning(lanes.c.lane)).first() is not None


def move(channel: str, old: str, new: str) -> Sequence[str]:
    """Have what is read in one chat be read in another, which that one became; return which lanes."""
    taken = select(lanes.c.lane).where(lanes.c.channel == channel, lanes.c.chat == new).scalar_subquery()
    here = (lanes.c.channel == channel) & (lanes.c.chat == old)
    db.execute(delete(lanes).where(here, lanes.c.lane.in_(taken)))
    return [row.lane for row in db.execute(update(lanes).where(here).values(chat=new).returning(lanes.c.lane))]


def bound(lane: str = "") -> Sequence[Bound]:
    """Return where a lane is read, or all of them, in the order of lane, channel and chat."""
    query = select(lanes).order_by(lanes.c.lane, lanes.c.channel, lanes.c.chat)
    rows = db.execute(query.where(lanes.c.lane == lane) if lane else query)
    return [Bound(lane=row.lane, channel=row.channel, chat=row.chat, by=row.by, at=row.at) for row in rows]


# --- who is who -------------------------------------------------------------------------------------------------------


def link(handle: Handle, *, name: str = "", now: datetime) -> None:
    """Record that a handle is a person's, whoever's it was before."""
    row = {"person_id": handle.person_id, "name": name, "at": now}
    db.execute(
        upsert(handles)
        .values(channel=handle.channel, handle=handle.handle, **row)
        .on_conflict_do_update(index_elements=["channel", "handle"], set_=row)
    )


def unlink(channel: str, handle: str) -> bool:
    """Forget whose a handle is; return False when it was nobody's."""
    here = delete(handles).where(handles.c.channel == channel, handles.c.handle == handle)
    return db.execute(here.returning(handles.c.handle)).first() is not None


def linked(channel: str, handle: str) -> Person | None:
    """Return whose a handle is, disabled or not; None for nobody's."""
    query = select(handles.c.person_id).where(handles.c.channel == channel, handles.c.handle == handle)
    row = db.execute(query).first()
    return None if row is None else person_of(row.person_id)


def handles_of(channels: Collection[str] | None = None) -> Sequence[Handle]:
    """Return the handles that people have on some channels, or on all."""
    query = select(handles).order_by(handles.c.channel, handles.c.handle)
    if channels is not None:
        query = query.where(handles.c.channel.in_(list(channels)))
    return [Handle(channel=row.channel, handle=row.handle, person_id=row.person_id) for row in db.execute(query)]


def new_code(person_id: str, channel: str, *, by: str, now: datetime, expires_at: datetime) -> str:
    """Store a code that links a person's chat once, and return it; it is shown once and never again."""
    code = "".join(secrets.choice(LETTERS) for _ in range(LONG))
    db.execute(
        insert(codes).values(
            digest=_digest(code), purpose="link", channel=channel, subject=person_id, by=by, created_at=now,
            expires_at=expires_at,
        )
    )  # fmt: skip
    return code


def use_code(code: str, channel: str, handle: str, *, now: datetime) -> str | None:
    """Use a code up and return whom it links; None when it is unknown, used, expired, or of another channel."""
    row = db.execute(
        update(codes)
        .where(
            codes.c.digest == _digest(code), codes.c.purpose == "link", codes.c.channel == channel,
            codes.c.used_at.is_(None), codes.c.expires_at > now,
        )
        .values(used_at=now, used_by=handle)
        .returning(codes.c.subject)
    ).first()  # fmt: skip
    return None if row is None else str(row.subject)


def _digest(code: str) -> str:
    plain = "".join(char for char in code.upper() if char in LETTERS)
    return hashlib.sha256(plain.encode()).hexdigest()


# --- what was heard ---------------------------------------------------------------------------------------------------


def keep(event: Pressed | Typed) -> int | None:
    """Store what somebody of the team did, once; return its number, or None when it is there already."""
    kind = "pressed" if isinstance(event, Pressed) else "typed"
    own = event.callback if isinstance(event, Pressed) else f"{event.chat}:{event.message}" if event.message else ""
    body = {**asdict(event), "at": event.at.isoformat()}
    key = own or hashlib.sha256(db.dumps(body).encode()).hexdigest()
    row = db.execute(
        upsert(lane_events)
        .values(key=f"{event.channel}:{kind}:{key}", channel=event.channel, kind=kind, body=body, at=event.at)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(lane_events.c.id)
    ).first()
    return None if row is None else int(row.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody of the team did, and what came of it."""

    event: Pressed | Typed
    outcome: str
    """Empty until it was handled."""


def heard(number: str) -> Heard:
    """Return what was kept under a number, locked until the commit."""
    row = db.execute(select(lane_events).where(lane_events.c.id == int(number)).with_for_update()).one()
    of: Mapping[str, Any] = {**row.body, "at": datetime.fromisoformat(row.body["at"])}
    return Heard(event=Pressed(**of) if row.kind == "pressed" else Typed(**of), outcome=row.outcome)


def handled(number: str, outcome: str, *, now: datetime) -> None:
    """Record what came of it."""
    db.execute(update(lane_events).where(lane_events.c.id == int(number)).values(handled_at=now, outcome=outcome))


def unhandled(before: datetime, *, limit: int = 100) -> list[int]:
    """Return the numbers of what was done before an instant and nobody handled yet."""
    query = "select id from lane_events where handled_at is null and at < %(before)s order by id limit %(limit)s"
    return [row.id for row in db.run(query, {"before": before, "limit": limit})]
