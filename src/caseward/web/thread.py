"""The conversation of a case: what was said, what became of it, and what happened in between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from caseward.core.messages import Message
from caseward.store.conversation import Said
from caseward.web import attached, parcels, render, times, words
from caseward.web.attached import Attached
from caseward.web.entries import Told
from caseward.web.parcels import Way

QUIET_RUN = 3
"""More events than this in a row are folded into one line."""
DESK = "Support"
"""How the desk's own words are signed in the console."""
QUOTE = 90
"""Characters that are shown of a message that another one answers."""
WITHDRAWN, REACTION = "withdrawn", "reaction"
NUMBER = re.compile(r"(?<![\w#&/])#(?P<number>\d{1,9})\b")
"""A case as people and the desk name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a note or an event; a called one is somebody's name, one with an address is another case."""

    text: str
    called: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a message said before it was changed."""

    text: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing in the conversation."""

    kind: str
    """`message`, `note`, `event`, `events` for a folded run, or `day`."""
    at: datetime
    id: str = ""
    who: str = ""
    letters: str = ""
    ours: bool = False
    text: str = ""
    lang: str = ""
    aside: str = ""
    door: str = ""
    """By which other channel it came or went, and at which address, masked."""
    quote: str = ""
    """What it answers."""
    way: Way | None = None
    """What became of it; None where the contact reads what is stored."""
    attached: Sequence[Attached] = ()
    withdrawn: bool = False
    edited_at: datetime | None = None
    before: Sequence[Before] = ()
    reactions: Sequence[str] = ()
    pieces: Sequence[Piece] = ()
    """A note's text or an event's title, cut where it calls upon somebody or names another case."""
    icon: str = ""
    title: str = ""
    undo: str = ""
    """The merge or split that can be undone here."""
    events: Sequence[Item] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a conversation is told, and how."""

    name: str
    """The contact's, as the reader may see it."""
    names: Mapping[str, str]
    calls: re.Pattern[str] | None
    """Finds names of the house in a note."""
    language: str
    zone: ZoneInfo
    now: datetime
    may_open: bool
    """Whether files may be opened."""
    number: int = 0
    """The case's own, which leads nowhere."""


def thread(said: Sequence[Said], events: Iterable[Told], reader: Reader, *, acknowledged: str = "") -> list[Item]:
    """Return messages, notes and events by time, with long runs of events folded and each day named once.

    `acknowledged` is the id of the first reply, where that only says that we heard; it is told apart from an answer.
    """
    spoken = [each for each in said if each.message.kind != REACTION]
    known = {ref: each for each in spoken for ref in _refs(each) if ref}
    reactions: dict[str, list[str]] = {}
    lost = []
    for each in said:
        if each.message.kind == REACTION and each.reply_to in known:
            reactions.setdefault(known[each.reply_to].message.id, []).append(each.message.text)
        elif each.message.kind == REACTION:
            lost.append(each)
    items = [_said(each, known.get(each.reply_to), reactions.get(each.message.id, ()), reader) for each in spoken]
    items = _timed(spoken, items, acknowledged)
    items += [
        Item(kind="event", at=each.message.at, icon="message-circle", title=f"{reader.name} reacted",
             text=each.message.text)
        for each in lost
    ]  # fmt: skip
    items += [
        Item(
            kind="event",
            at=each.at,
            icon=each.icon,
            title=each.title,
            text=each.text,
            undo=each.undo,
            pieces=_pieces(each.title, None, reader.number) if each.kind == "link" else (),
        )
        for each in events
    ]
    return _by_day(_folded(sorted(items, key=lambda item: item.at)), reader)


def door(via: str) -> str:
    """Return `channel:address` in words, the address masked."""
    channel, _, address = via.partition(":")
    return words.joined([words.channel(channel), words.masked_address(address)]) if via else ""


def day(on: date, today: date) -> str:
    """Return a day's name: `Today`, `Yesterday`, `Fri 20 November`, with the year when it is not this one."""
    if on == today:
        return "Today"
    if on == today - timedelta(days=1):
        return "Yesterday"
    return f"{on:%a} {on.day} {on:%B}" + (f" {on.year}" if on.year != today.year else "")


def _said(each: Said, target: Said | None, reactions: Sequence[str], reader: Reader) -> Item:
    message = each.message
    if message.kind == "note":
        who = words.who(message.author, reader.names)
        pieces = _pieces(message.text, reader.calls, reader.number)
        return Item(kind="note", at=message.at, id=message.id, who=who, letters=render.initials(who), pieces=pieces)
    who = _who(message, reader)
    carried = attached.attached(each, may_open=reader.may_open)
    return Item(
        kind="message",
        at=message.at,
        id=message.id,
        who=who,
        letters=render.initials(who),
        ours=not message.inbound,
        text="" if carried and not message.words else message.text,
        lang=reader.language,
        aside="Picked by button" if message.choice else "",
        door=door(message.via),
        quote=_short(target.message.text) if target is not None else "",
        way=parcels.way(each.parcel) if each.parcel is not None else None,
        attached=carried,
        withdrawn=message.kind == WITHDRAWN,
        edited_at=each.edited_at if message.kind != WITHDRAWN else each.withdrawn_at,
        before=[Before(text=was.text, until=was.until) for was in each.earlier],
        reactions=reactions,
    )


def _who(message: Message, reader: Reader) -> str:
    if message.inbound:
        return reader.name
    return DESK if message.author in words.AGENTS else words.who(message.author, reader.names)


def _refs(each: Said) -> tuple[str, ...]:
    """Return the channel's ids of a message."""
    return (each.message.provider_id, each.parcel.provider_ref if each.parcel else "")


def _timed(said: Sequence[Said], items: list[Item], acknowledged: str) -> list[Item]:
    """Say beside the first reply how long the contact waited for it."""
    first_in = next((each.message.at for each in said if each.message.inbound), None)
    replies = [index for index, item in enumerate(items) if item.ours]
    if first_in is None or not replies or items[replies[0]].at < first_in:
        return items
    first = items[replies[0]]
    took = times.duration(first.at - first_in)
    aside = f"{'Acknowledged' if first.id == acknowledged else 'Answered'} in {took}"
    return [replace(item, aside=aside) if item is first else item for item in items]


def _pieces(text: str, calls: re.Pattern[str] | None, own: int) -> list[Piece]:
    """Return a text cut where it calls upon somebody, or names a case that is not its `own`."""
    marked = [(found, Piece(text=found[0], called=True)) for found in (calls.finditer(text) if calls else ())]
    marked += [
        (found, Piece(text=found[0], href=f"/cases/{int(found['number'])}"))
        for found in NUMBER.finditer(text)
        if int(found["number"]) != own
    ]
    pieces, end = [], 0
    for found, piece in sorted(marked, key=lambda each: each[0].start()):
        if found.start() >= end:
            pieces += [Piece(text=text[end : found.start()]), piece]
            end = found.end()
    return [each for each in (*pieces, Piece(text=text[end:])) if each.text]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTE else line[: QUOTE - 1] + "…"


def _folded(items: Iterable[Item]) -> list[Item]:
    out: list[Item] = []
    run: list[Item] = []
    for item in (*items, None):
        if item is not None and item.kind == "event" and not item.undo:
            run.append(item)
            continue
        if len(run) > QUIET_RUN:
            out.append(Item(kind="events", at=run[-1].at, id=f"events-{run[0].at.timestamp():.0f}", events=tuple(run)))
        else:
            out.extend(run)
        run = []
        if item is not None:
            out.append(item)
    return out


def _by_day(items: Sequence[Item], reader: Reader) -> list[Item]:
    """Name each day before what happened on it; a conversation of today alone needs no name for it."""
    today, out, last = reader.now.astimezone(reader.zone).date(), [], None
    for item in items:
        on = item.at.astimezone(reader.zone).date()
        if on != last and not (last is None and on == today):
            out.append(Item(kind="day", at=item.at, title=day(on, today)))
        out.append(item)
        last = on
    return out
