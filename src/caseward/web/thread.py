"""The conversation of a case: what was said, and what happened in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from caseward.core.events import Delivery
from caseward.core.messages import Message
from caseward.store.casefile import CaseFile
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel
from caseward.web import render, times, words
from caseward.web.entries import Told

MESSAGES = 200
"""Messages a page shows; the rest is in the log."""
QUIET_RUN = 3
"""More events than this in a row are folded into one line."""
DESK = "Support"
"""How the desk's own words are signed in the console."""

STATES: Mapping[EffectState, str] = {
    EffectState.QUEUED: "On its way",
    EffectState.RUNNING: "On its way",
    EffectState.UNKNOWN: "Not known whether it was sent",
    EffectState.HELD: "Waits for the contact to write",
    EffectState.FAILED: "Did not arrive",
}
DELIVERY: Mapping[Delivery, str] = {
    Delivery.SENT: "Sent",
    Delivery.DELIVERED: "Delivered",
    Delivery.READ: "Read",
    Delivery.FAILED: "Did not arrive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing in the conversation."""

    kind: str
    """`message`, `note`, `event`, or `events` for a folded run."""
    at: datetime
    who: str = ""
    letters: str = ""
    ours: bool = False
    text: str = ""
    lang: str = ""
    aside: str = ""
    delivery: str = ""
    """What became of it at the vendor's, in words; empty where the contact reads what is stored."""
    icon: str = ""
    title: str = ""
    events: Sequence[Item] = ()


def thread(file: CaseFile, events: Iterable[Told], *, name: str, names: Mapping[str, str]) -> list[Item]:
    """Return messages, notes and events by time, with long runs of events folded."""
    shown = file.messages[-MESSAGES:]
    sent = {parcel.message_id: delivered(parcel) for parcel in file.parcels}
    said = [replace(_said(each, file, name, names), delivery=sent.get(each.id, "")) for each in shown]
    first_in = next((each.at for each in shown if each.inbound), None)
    first_out = next((index for index, each in enumerate(shown) if not each.inbound and each.kind == "text"), None)
    if first_in is not None and first_out is not None and shown[first_out].at >= first_in:
        answered = f"Answered in {times.duration(shown[first_out].at - first_in)}"
        said[first_out] = replace(said[first_out], aside=answered)
    happened = [Item(kind="event", at=each.at, icon=each.icon, title=each.title, text=each.text) for each in events]
    return _folded(sorted([*said, *happened], key=lambda item: item.at))


def _said(each: Message, file: CaseFile, name: str, names: Mapping[str, str]) -> Item:
    if each.kind == "note":
        who = words.who(each.author, names)
        return Item(kind="note", at=each.at, who=who, letters=render.initials(who), text=each.text)
    who = name if each.inbound else DESK if each.author in words.AGENTS else words.who(each.author, names)
    return Item(
        kind="message",
        at=each.at,
        who=who,
        letters=render.initials(who),
        ours=not each.inbound,
        text=each.text,
        lang=file.case.language,
    )


def delivered(parcel: Parcel) -> str:
    """Return what became of words on their way, for a person."""
    if parcel.state is EffectState.DONE:
        return DELIVERY[parcel.delivery] if parcel.delivery is not None else ""
    return STATES[parcel.state]


def _folded(items: Iterable[Item]) -> list[Item]:
    out: list[Item] = []
    run: list[Item] = []
    for item in (*items, None):
        if item is not None and item.kind == "event":
            run.append(item)
            continue
        if len(run) > QUIET_RUN:
            out.append(Item(kind="events", at=run[-1].at, events=tuple(run)))
        else:
            out.extend(run)
        run = []
        if item is not None:
            out.append(item)
    return out
