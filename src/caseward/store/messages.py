"""Conversations, their messages, and the mailbox: the durable queue of turns, one row a conversation.

A message is stored before it is acknowledged. `ready_at` says when the conversation's next turn may begin: the debounce
pushes it out, `collect_max` caps it. A turn claims every unclaimed message while it holds the row's lock, so turns of
one conversation never overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core import ids
from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.core.ids import ConversationId
from caseward.core.messages import Choice, Message, Sender
from caseward.store import db
from caseward.store.tables import conversations
from caseward.store.tables import messages as table

NO_TURN = 0
"""Stands in a message's turn where none is to take it."""


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
    return db.run("select * from conversations where token_hash = %(token)s", {"token": token_hash}).fetchone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that was stored, now or earlier."""

    message: Message
    new: bool
    ready: datetime
    """When its turn may begin."""
    turn: int = 0
    """The turn that will take it."""
    lately: int = 0
    """How many messages came in on this conversation within the last minute, this one included."""


_RECEIVE: Final = """
    insert into messages (id, conversation_id, inbound, author, kind, text, at, provider_id)
    select %(id)s, locked.id, true, 'customer', %(kind)s, %(text)s, %(at)s, %(provider_id)s
    from (select id from conversations where id = %(conversation)s for update) as locked
    on conflict (conversation_id, provider_id) do nothing
    returning *
"""
"""The conversation is locked before the number is drawn, so that numbers become visible in their order."""
_RECEIVE_MORE: Final = """
    insert into messages (
        id, conversation_id, inbound, author, kind, text, at, provider_id, via, reply_to, choice, attachments, sender,
        turn, case_id)
    select
        %(id)s, locked.id, true, 'customer', %(kind)s, %(text)s, %(at)s, %(provider_id)s,
        case when (channel, address) = (%(channel)s::text, %(address)s::text) then ''
            else %(channel)s::text || ':' || %(address)s::text end,
        %(reply_to)s, %(choice)s, %(attachments)s, %(sender)s, %(turn)s::integer,
        case when %(turn)s::integer is not null then
            (
                select id from cases where conversation_id = locked.id and merged is null
                order by number desc limit 1
            )
        end
    from (select id, channel, address from conversations where id = %(conversation)s for update) as locked
    on conflict (conversation_id, provider_id) do nothing
    returning *
"""
"""As above, with what a vendor's message may carry; one that needs no turn is filed at once."""
_COLLECT: Final = """
    update conversations set
        heard_at = case when %(here)s then greatest(heard_at, %(at)s) else heard_at end,
        first_at = coalesce(first_at, %(now)s),
        ready_at = least(%(ready)s, coalesce(first_at, %(now)s) + %(longest)s)
    where id = %(conversation)s
    returning ready_at, turn, (
        select count(*) from messages where conversation_id = %(conversation)s and inbound and at >= %(minute_ago)s
    ) as lately
"""
_BEGIN: Final = """
    update conversations set turn = turn + 1, ready_at = null, first_at = null
    where id = %(conversation)s and ready_at is not null
    returning turn, channel, address, language
"""
_ADD: Final = """
    insert into messages (id, conversation_id, case_id, inbound, author, kind, text, at)
    values (%(id)s, %(conversation)s, %(case)s, false, %(author)s, %(kind)s, %(text)s, %(at)s)
"""
_SAY: Final = """
    insert into messages (id, conversation_id, case_id, inbound, author, kind, text, at, via, choices)
    select %(id)s, id, %(case)s, false, %(author)s, %(kind)s, %(text)s, %(at)s,
        case when channel || ':' || address = %(to)s then '' else %(to)s end, %(choices)s
    from conversations where id = %(conversation)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What a message of a vendor's may carry beside its words."""

    channel: str
    address: str
    """Where it was written; kept where that is another door than the conversation's own."""
    reply_to: str = ""
    choice: str = ""
    attachments: Sequence[Mapping[str, Any]] = ()
    sender: Mapping[str, Any] = field(default_factory=dict)
    answered: bool = True
    """Whether a turn is to take it; a reaction and what a machine wrote are only filed."""


def receive(
    conversation_id: ConversationId,
    *,
    provider_id: str,
    text: str,
    kind: str,
    at: datetime,
    debounce: timedelta,
    collect_max: timedelta,
    now: datetime | None = None,
    extra: Extra | None = None,
) -> Received:
    """Store an inbound message and make the conversation's next turn due; a repeated provider id stores nothing.

    It was written `at` and came in `now`, from which the wait for more is counted; None for the same instant.
    """
    now = now or at
    given: dict[str, Any] = {
        "id": ids.new("msg"),
        "conversation": conversation_id,
        "kind": kind,
        "text": text,
        "at": at,
        "provider_id": provider_id,
    }
    if extra is None:
        row = db.run(_RECEIVE, given).fetchone()
    else:
        row = db.run(_RECEIVE_MORE, given | _columns(extra)).fetchone()
    if row is None:
        found = db.execute(
            select(table).where(table.c.conversation_id == conversation_id, table.c.provider_id == provider_id)
        ).one()
        return Received(message=of_row(found), new=False, ready=found.at)
    if extra is not None and not extra.answered:
        return Received(message=of_row(row), new=True, ready=now)
    [mailbox] = db.run(
        _COLLECT,
        {
            "conversation": conversation_id,
            "at": at,
            "here": not row.via,
            "now": now,
            "ready": now + debounce,
            "longest": collect_max,
            "minute_ago": now - timedelta(minutes=1),
        },
    )
    return Received(message=of_row(row), new=True, ready=mailbox.ready_at, turn=mailbox.turn + 1, lately=mailbox.lately)


def _columns(extra: Extra) -> dict[str, Any]:
    return {
        "channel": extra.channel,
        "address": extra.address,
        "reply_to": extra.reply_to,
        "choice": extra.choice,
        "attachments": Jsonb([dict(each) for each in extra.attachments]),
        "sender": Jsonb(dict(extra.sender)),
        "turn": None if extra.answered else NO_TURN,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A conversation that is locked for its next turn."""

    turn: int
    channel: str
    address: str
    language: str


def begin(conversation_id: ConversationId) -> Claim | None:
    """Begin the conversation's next turn and lock it until the commit; None when nothing is unclaimed."""
    row = db.run(_BEGIN, {"conversation": conversation_id}).fetchone()
    return (
        None if row is None else Claim(turn=row.turn, channel=row.channel, address=row.address, language=row.language)
    )


def lock(conversation_id: ConversationId) -> Any:
    """Lock the conversation until the commit, and return its row: stories of one conversation go one by one."""
    [row] = db.run("select * from conversations where id = %(id)s for update", {"id": conversation_id})
    return row


def ready(*, before: datetime, limit: int = 200) -> list[tuple[ConversationId, int]]:
    """Return conversations whose turn has been due since `before`, with the number of the turn to begin."""
    query = "select id, turn from conversations where ready_at <= %(before)s order by ready_at limit %(limit)s"
    rows = db.run(query, {"before": before, "limit": limit})
    return [(ConversationId(row.id), row.turn + 1) for row in rows]


def add(
    conversation_id: ConversationId,
    *,
    case_id: str | None,
    author: str,
    text: str,
    at: datetime,
    kind: str = "text",
) -> Message:
    """Store a message of ours: a reply, or an internal note (`kind="note"`)."""
    row = _ours(conversation_id, case_id, author, text, at, kind, ids.new("msg"))
    [added] = db.run(_ADD + "returning *", row)
    return of_row(added)


def say(
    conversation_id: ConversationId,
    *,
    case_id: str,
    text: str,
    at: datetime,
    id: str,
    to: str,
    choices: Sequence[Choice] = (),
) -> None:
    """Store a reply `to` an address (`channel:address`) with the commit: the conversation must be locked, so that its
    number is drawn in its order."""
    offered = Jsonb([{"id": each.id, "label": each.label} for each in choices])
    db.hold(_SAY, {**_ours(conversation_id, case_id, "desk", text, at, "text", id), "to": to, "choices": offered})


def offered(conversation_id: ConversationId, choice: str) -> Choice | None:
    """Return a choice that the desk has offered in a conversation, None for one that it has not."""
    query: Final = """
        select choices from messages
        where conversation_id = %(conversation)s and not inbound and choices @> %(choice)s
        order by seq desc limit 1
    """
    given = {"conversation": conversation_id, "choice": Jsonb([{"id": choice}])}
    row = db.run(query, given).fetchone()
    return None if row is None else next(Choice(**each) for each in row.choices if each["id"] == choice)


def _ours(
    conversation_id: str, case_id: str | None, author: str, text: str, at: datetime, kind: str, id: str
) -> dict[str, object]:
    return {
        "id": id,
        "conversation": conversation_id,
        "case": case_id,
        "author": author,
        "kind": kind,
        "text": text,
        "at": at,
    }


def visible(conversation_id: ConversationId, *, after: int, limit: int = 200) -> list[Message]:
    """Return what the contact sees of a conversation after number `after`, at its own address, oldest first."""
    here = (table.c.kind != "note", table.c.via == "")
    rows = db.execute(
        select(table)
        .where(table.c.conversation_id == conversation_id, table.c.seq > after, *here)
        .order_by(table.c.seq)
        .limit(limit)
    )
    return [of_row(row) for row in rows]


def of_turn(conversation_id: ConversationId, turn: int) -> list[Message]:
    """Return the messages that a turn claimed, by when they were written: vendors deliver in any order."""
    of_it = (table.c.conversation_id == conversation_id, table.c.turn == turn)
    rows = db.execute(select(table).where(*of_it).order_by(table.c.at, table.c.seq))
    return [of_row(row) for row in rows]


def of_case(case_id: str, *, last: int | None = None) -> list[Message]:
    """Return every message of a case, notes included, or its last ones, oldest first."""
    latest = select(table).where(table.c.case_id == case_id).order_by(table.c.seq.desc()).limit(last)
    return [of_row(row) for row in reversed(db.execute(latest).all())]


def of_row(row: Any) -> Message:
    """Return the message of a row."""
    return Message(
        id=row.id,
        seq=row.seq,
        conversation_id=ConversationId(row.conversation_id),
        inbound=row.inbound,
        author=row.author,
        kind=row.kind,
        text=row.text,
        at=row.at,
        provider_id=row.provider_id or "",
        choice=row.choice,
        via=row.via,
        sender=_sender(row.sender) if row.sender else NOBODY,
        choices=tuple(Choice(**each) for each in row.choices),
    )


def _sender(told: Mapping[str, Any]) -> Sender:
    return Sender(name=told.get("name", ""), phone=told.get("phone", ""), email=told.get("email", ""))


NOBODY: Final = Sender()


def address(case: Case) -> str:
    """Return `channel:address` to which a case's replies go: where somebody said, else where its contact wrote last."""
    if case.reach:
        return case.reach
    row = db.run(_ADDRESS, {"conversation": case.conversation_id, "case": case.id}).fetchone()
    if row is None:
        raise NotFound(f"case {case.id} has no conversation")
    return str(row.address)


_ADDRESS: Final = """
    select coalesce((
        select last.at from (
            select coalesce(nullif(messages.via, ''), theirs.channel || ':' || theirs.address) as at
            from messages join conversations as theirs on theirs.id = messages.conversation_id
            where messages.case_id = %(case)s and messages.inbound and messages.turn > 0
            order by messages.seq desc limit 1
        ) as last
        join doors on doors.case_id = %(case)s and doors.closed_at is null
            and doors.channel || ':' || doors.address = last.at
    ), home.channel || ':' || home.address) as address
    from conversations as home where id = %(conversation)s
"""
"""An address other than the conversation's own counts as long as its door stands open."""


def holds(provider_id: str, *conversations: ConversationId) -> ConversationId | None:
    """Return which of some conversations has a message of that id, or None."""
    given = {"provider_id": provider_id, "conversations": list(conversations)}
    row = db.run(_HOLDS, given).fetchone()
    return None if row is None else ConversationId(row.conversation_id)


_HOLDS: Final = """
    select conversation_id from messages
    where conversation_id = any(%(conversations)s) and provider_id = %(provider_id)s limit 1
"""


def adopt_notes(conversation_id: ConversationId, case_id: str) -> None:
    """File with a new case what was noted in its conversation before it began."""
    db.hold(_ADOPT, {"conversation": conversation_id, "case": case_id})


_ADOPT: Final = """
    update messages set case_id = %(case)s
    where conversation_id = %(conversation)s and case_id is null and kind = 'note'
"""
