"""The action log in words: an icon, a title and a line for every kind of entry, known or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from caseward.core import naming
from caseward.core.case import DESK, CaseStatus
from caseward.desk import tools
from caseward.store.trail import Entry
from caseward.web import times, words

Payload = Mapping[str, Any]
VERDICTS: Mapping[str, str] = {
    "approve": "approved",
    "edit": "approved with other words",
    "deny": "denied",
    "escalate": "escalated",
    "expired": "not decided in time, which counts as denied",
    "write": "answered in their own words",
    "undo": "took the consent back; everybody is asked anew",
}
LONGEST = 240
"""Characters of a line; the whole entry is in the log itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry as a person reads it."""

    seq: int
    at: datetime
    kind: str
    icon: str
    title: str
    text: str
    actor: str
    case_id: str
    case_number: int | None
    hash: str
    undo: str = ""
    """What was put together or taken apart here, as long as a person may undo it."""


def _parts(*names: str) -> Callable[[Payload], str]:
    """Return what joins some parts of a payload that say something."""

    def line(payload: Payload) -> str:
        return words.joined(_plain(payload.get(name)) for name in names)

    return line


def _decision(payload: Payload) -> str:
    return words.joined(
        [
            str(payload.get("tier") or ""),
            _plain(payload.get("rules")) or "no rule for sure",
            _held(payload),
            f"not known: {_plain(payload['missing'])}" if payload.get("missing") else "",
            _plain(payload.get("reasons")),
        ]
    )


def _fact(payload: Payload) -> str:
    value = payload.get("value")
    said = {True: "yes", False: "no"}.get(value, _plain(value)) if isinstance(value, bool) else _plain(value)
    return words.joined(
        [f"{words.humane(str(payload.get('name', '')))}: {said or 'none'}", _plain(payload.get("source"))]
    )


def _status(payload: Payload) -> str:
    status = str(payload.get("status") or "")
    return words.STATUS[CaseStatus(status)][0].lower() if status in set(CaseStatus) else _plain(status)


def _verdict(payload: Payload) -> str:
    verdict = str(payload.get("verdict") or "")
    needs = int(payload.get("needs") or 1)
    return words.joined(
        [
            VERDICTS.get(verdict, verdict),
            f"{payload.get('votes')} of {needs}" if needs > 1 else "",
            _plain(payload.get("reason")),
            _plain(payload.get("conditions")),
        ]
    )


def _case(payload: Payload) -> str:
    """Return what changed of a case: its status, or who has it."""
    return words.joined([_status(payload), _plain(payload.get("disposition"))])


def _link(payload: Payload) -> str:
    """Return what was put together, taken apart, opened or closed."""
    for name, told in (
        ("merged", "{merged} became part of {into}"),
        ("unmerged", "{unmerged} is apart from {from} again"),
        ("split", "{split} was split off {off}"),
        ("opened", "What comes in by {opened} belongs here"),
        ("closed", "What comes in by {closed} belongs here no longer"),
    ):
        if payload.get(name):
            said = told.format_map({key: _door(value) for key, value in payload.items()})
            return words.joined([said, _plain(payload.get("reason"))])
    if "reach" in payload:
        return f"Goes on by {_door(payload['reach'])}" if payload["reach"] else "Goes on wherever the contact writes"
    return ""


def _door(value: Any) -> str:
    """Return a value, or an address with its channel in words, masked."""
    channel, colon, address = str(value).partition(":")
    return words.joined([words.channel(channel), words.masked_address(address)]) if colon else _plain(value)


def _check(payload: Payload) -> str:
    return "Passed" if payload.get("passed") else f"Failed: {_plain(payload.get('failed'))}"


def _health(payload: Payload) -> str:
    state = "cannot be relied on" if payload.get("degraded") else "is well again"
    return words.joined([f"{words.humane(str(payload.get('system') or ''))} {state}", _plain(payload.get("why"))])


def _clock(payload: Payload) -> str:
    return times.label(str(payload.get("clock") or ""))


def _shift(payload: Payload) -> str:
    return "Is given cases" if payload.get("on shift") else "Is away"


def _preference(payload: Payload) -> str:
    wants = "Wants to hear from us" if payload.get("wanted") else "Wants nothing they did not ask for"
    return words.joined([wants, words.channel(str(payload.get("channel") or ""))])


def _retention(payload: Payload) -> str:
    return f"{payload.get('count')} of {_plain(payload.get('kind'))}, older than {payload.get('days')} days"


def _outreach(payload: Payload) -> str:
    """Return what became of a playbook's call, without whom it was about."""
    return words.joined([words.humane(str(payload.get("playbook") or "").replace("-", "_")),
                         _plain(payload.get("step")), _plain(payload.get("why"))])  # fmt: skip


def _snooze(payload: Payload) -> str:
    until = naming.instant(payload.get("until"))
    if until is not None:
        return f"Out of sight until {naming.local(until, tools.pack().hours.zone, now=tools.now())}"
    return words.joined(["Brought back", _plain(payload.get("woken"))])


def _tag(payload: Payload) -> str:
    """Return the tag as it was typed; it is no code."""
    return next((f"{what} {payload[name]}" for name, what in (("added", "Put on"), ("removed", "Taken off"))
                 if payload.get(name)), "")  # fmt: skip


def _view(payload: Payload) -> str:
    did = next((each for each in ("saved", "renamed", "moved", "deleted") if each in payload), "changed")
    return words.joined([did.capitalize(), str(payload.get("name") or "")])


def _phase(payload: Payload) -> str:
    return words.joined(
        [f"{_plain(payload.get('phase'))}, {_plain(payload.get('topology'))}", _plain(payload.get("reason"))]
    )


def _lane(payload: Payload) -> str:
    return words.joined([_plain(payload.get("what")), _plain(payload.get("lane")),
                         words.channel(str(payload.get("channel") or ""))])  # fmt: skip


KINDS: Mapping[str, tuple[str, str, Callable[[Payload], str]]] = {
    "admission": ("user-check", "Let in on a channel", _parts("state", "channel")),
    "approval": ("hand", "Asked for a decision", _parts("question")),
    "break_glass": ("triangle-alert", "Woke a person", _parts("wakes", "because", "severity")),
    "breach": ("triangle-alert", "A promise was missed", _clock),
    "case": ("circle-dot", "Case", _case),
    "candidate": ("circle-help", "Question without an answer", _parts("state", "reason")),
    "check": ("shield-check", "Checked the draft", _check),
    "confirmation": ("send", "Confirmation by mail", _parts("state", "why")),
    "decision": ("shield-alert", "Decided by rule", _decision),
    "delivery": ("send", "Delivery", _parts("state", "error")),
    "denied": ("lock", "Refused to do it", _parts("effect", "why", "role", "lane")),
    "draft": ("pencil", "Drafted a reply", _parts("reply")),
    "edited": ("pencil", "Customer changed a message", _parts("what", "text")),
    "error": ("triangle-alert", "A fault of ours", _parts("what")),
    "export": ("arrow-up-right", "Took data out", _parts("of", "format", "filters")),
    "fact": ("database", "Read a fact", _fact),
    "health": ("activity", "Health of a system", _health),
    "identity": ("user-check", "Checked identity", _parts("outcome")),
    "inbound": ("message-circle", "Message came in", _parts("text")),
    "lane": ("users", "Where the team reads", _lane),
    "link": ("history", "What belongs together", _link),
    "mention": ("eye", "Saw that a note calls upon them", _parts("seen")),
    "note": ("pencil", "Wrote an internal note", _parts("text")),
    "outreach": ("send", "Message nobody asked for", _outreach),
    "phase": ("shield-check", "How far the desk is trusted", _phase),
    "preference": ("bell", "What the contact wants to hear", _preference),
    "rating": ("message-circle", "Said how it was", _parts("score", "comment")),
    "transcript": ("send", "Conversation by mail", _parts("state", "to")),
    "letter": ("send", "Mail with a secret", _parts("what", "name", "to", "state", "why")),
    "person": ("users", "People of the house", _parts("what", "name", "role", "reason")),
    "result": ("circle-check", "Carried out", _parts("skill", "status", "reference", "detail")),
    "read": ("history", "Had the facts read anew", _parts()),
    "release": ("book-open", "Release", _parts("release", "state", "reason")),
    "retention": ("database", "Deleted what was old", _retention),
    "reveal": ("eye", "Looked at personal data", _parts("field")),
    "send": ("send", "Reply sent", _parts("text")),
    "shift": ("users", "Cases in turn", _shift),
    "sign_in": ("lock", "Sign-in", _parts("what", "method", "whose")),
    "snooze": ("clock", "Snooze", _snooze),
    "stale": ("history", "Decided anew, because something moved", _parts("readings", "policy")),
    "tag": ("pencil", "Tag", _tag),
    "task": ("wrench", "Asked operations", _parts("skill", "state")),
    "test": ("send", "Test message", _parts("channel", "address", "state", "why")),
    "token": ("lock", "Token for a program", _parts("what", "name", "role")),
    "triage": ("info", "Understood the message", _parts("intent", "language", "signals")),
    "trouble": ("triangle-alert", "Trouble with a channel", _parts("channel", "what", "why")),
    "undelivered": ("triangle-alert", "Did not reach the contact", _parts("why")),
    "view": ("inbox", "View of the inbox", _view),
    "verdict": ("check-check", "Verdict", _verdict),
    "wording": ("shield-check", "Looked at approved wording", _parts("channel", "count")),
    "withheld": ("lock", "Not said: a person answers", _parts("text")),
    "warning": ("clock", "A promise is near", _clock),
}
"""Kind → icon, title, and what its payload says in a line. A kind that is not here is shown by its name."""
BETWEEN_MESSAGES = frozenset(
    {"approval", "breach", "break_glass", "case", "decision", "denied", "identity", "link", "result", "verdict"}
)
"""Kinds shown in the conversation; the messages themselves stand there anyway, the rest is in the History tab."""
AWAITED = words.STATUS[CaseStatus.WAITING_APPROVAL][0].lower()
WORDS_OF_PEOPLE = frozenset({"draft", "inbound", "note", "rating", "send"})
"""Kinds whose line is what somebody wrote; not for readers who may not see personal data."""
HIDDEN = "Words hidden from your role"
ERASED = "The content was erased; the entry stands"


def title(kind: str) -> str:
    """Return a kind of entry in words."""
    return KINDS[kind][1] if kind in KINDS else words.humane(kind)


def icon(kind: str) -> str:
    """Return the icon of a kind of entry."""
    return KINDS[kind][0] if kind in KINDS else "circle-dot"


def told(entry: Entry, *, names: Mapping[str, str], numbers: Mapping[str, int], masked: bool = False) -> Told:
    """Return an entry in words; masked, without the words of people."""
    hidden = masked and entry.kind in WORDS_OF_PEOPLE
    return Told(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        icon=icon(entry.kind),
        title=title(entry.kind),
        text=HIDDEN if hidden else line(entry.kind, entry.payload),
        actor=words.who(entry.actor, names),
        case_id=entry.case_id,
        case_number=numbers.get(entry.case_id),
        hash=entry.hash,
    )


def line(kind: str, payload: Payload | None) -> str:
    """Return what a payload tells in one line."""
    if payload is None:
        return ERASED
    tell = KINDS[kind][2] if kind in KINDS else _parts("summary", "status", "state", "reason", "why", "detail")
    text = " ".join(tell(payload).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def spoken(
    told: Told, payload: Payload | None, *, channel: str, names: Mapping[str, str], standing: Collection[str] = ()
) -> Told:
    """Return an entry as the conversation tells it; `standing` are the merges that may be undone there."""
    payload = payload or {}
    match told.kind:
        case "verdict":
            return replace(told, title=told.actor)
        case "case" if is_opening(payload):
            return replace(told, title=f"Opened on {words.channel(channel)}", text="")
        case "case" if "owner" in payload:
            return replace(told, title=_owner(str(payload["owner"]), names), text="")
        case "case":
            return replace(told, title=told.text[:1].upper() + told.text[1:], text="")
        case "decision":
            why = words.joined(
                [_held(payload), _plain(payload.get("reasons")) or _plain(payload.get("rules")).replace("-", " ")]
            )
            return replace(told, title=f"Classified {payload.get('tier', '')}".strip(), text=why)
        case "link":
            return replace(told, title=told.text, text="", undo=_undoable(payload, standing))
    return told


def is_opening(payload: Payload | None) -> bool:
    """Return whether an entry says that a case was opened."""
    return bool(payload) and (payload or {}).get("status") == "opened"


def in_conversation(told: Told) -> bool:
    """Return whether an entry is shown between the messages; that a decision is awaited says the request itself."""
    return told.kind in BETWEEN_MESSAGES and (told.kind, told.text) != ("case", AWAITED)


def _held(payload: Payload) -> str:
    hold = payload.get("hold")
    return f"held: {_plain(hold)}" if hold else ""


def _owner(owner: str, names: Mapping[str, str]) -> str:
    return "Given back to the desk" if owner == DESK else f"{words.who(owner, names)} has the case"


def _undoable(payload: Payload, standing: Collection[str]) -> str:
    merge = str(payload.get("merge") or "")
    return merge if merge in standing and "unmerged" not in payload else ""


def _plain(value: Any) -> str:
    """Return a value of a payload in words; codes without their underscores."""
    if isinstance(value, Mapping):
        return ", ".join(f"{words.humane(str(name))} {_plain(each)}" for name, each in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_plain(each) for each in value)
    text = "" if value is None else str(value)
    return text.replace("_", " ") if text.islower() else text
