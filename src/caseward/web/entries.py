"""The action log in words: an icon, a title and a line for every kind of entry, known or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.store.trail import Entry
from caseward.web import words

KINDS: Mapping[str, tuple[str, str]] = {
    "approval": ("hand", "Asked for a decision"),
    "case": ("circle-dot", "Case"),
    "check": ("shield-check", "Checked the draft"),
    "decision": ("shield-alert", "Decided by rule"),
    "draft": ("pencil", "Drafted a reply"),
    "fact": ("database", "Read a fact"),
    "identity": ("user-check", "Checked identity"),
    "inbound": ("message-circle", "Message came in"),
    "result": ("circle-check", "Carried out"),
    "reveal": ("eye", "Looked at personal data"),
    "send": ("send", "Reply sent"),
    "task": ("wrench", "Asked operations"),
    "verdict": ("check-check", "A person decided"),
}
"""Kind → icon and title. A kind that is not here is shown by its name."""
BETWEEN_MESSAGES = frozenset({"approval", "case", "decision", "identity", "result", "task", "verdict"})
"""Kinds shown in the conversation; the messages themselves stand there anyway, the rest is in the History tab."""
TELLING = ("summary", "question", "verdict", "reason", "tier", "status", "state", "skill", "rule", "detail", "why")
"""Parts of a payload that say what happened, in this order; texts of messages stay in the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry as a person reads it."""

    seq: int
    at: datetime
    icon: str
    title: str
    text: str
    actor: str
    case_id: str
    case_number: int | None
    hash: str
    kind: str


def title(kind: str) -> str:
    """Return a kind of entry in words."""
    return KINDS[kind][1] if kind in KINDS else words.humane(kind)


def icon(kind: str) -> str:
    """Return the icon of a kind of entry."""
    return KINDS[kind][0] if kind in KINDS else "circle-dot"


def told(entry: Entry, *, names: Mapping[str, str], numbers: Mapping[str, int]) -> Told:
    """Return an entry in words."""
    return Told(
        seq=entry.seq,
        at=entry.at,
        icon=icon(entry.kind),
        title=title(entry.kind),
        text=line(entry.payload),
        actor=words.who(entry.actor, names),
        case_id=entry.case_id,
        case_number=numbers.get(entry.case_id),
        hash=entry.hash,
        kind=entry.kind,
    )


def line(payload: Mapping[str, Any] | None) -> str:
    """Return what a payload tells in one line."""
    if payload is None:
        return "The content was erased; the entry stands"
    parts = [str(payload[name]) for name in TELLING if payload.get(name) not in (None, "", [])]
    text = words.joined(dict.fromkeys(parts))
    return text if len(text) <= 240 else text[:239] + "…"


def in_conversation(told: Told) -> bool:
    """Return whether an entry is shown between the messages."""
    return told.kind in BETWEEN_MESSAGES
