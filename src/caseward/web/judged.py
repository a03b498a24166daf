"""How a vendor judges the wording that the pack names, as it was looked at last; and whom a test message may reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.core.pack import Pack
from caseward.core.ports import Approving
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import lanes, people, trail
from caseward.store.people import Person
from caseward.web import words

LOOKS = 20
"""Looks among which the channel's last one is sought; there are few channels whose vendor judges."""
BY_STATUS = {"approved": ("Approved", "ok"), "pending": ("Pending", "warn"), "in_appeal": ("Pending", "warn")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One wording in one language."""

    template: str
    name: str
    """As the vendor knows it."""
    language: str
    code: str
    state: str
    """`Approved`, `Pending`, `Differs`, `Missing`, the vendor's own word for worse; empty where nobody looked."""
    level: str
    why: str
    """Of a rejection, or how the vendor's words differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a channel's vendor says of our wording."""

    judges: bool
    """Whether the vendor can be asked."""
    at: datetime | None
    by: str
    each: Sequence[Judged]


def look(channel: str, pack: Pack) -> Look:
    """Return what the pack names and what the vendor said of it last; asks nobody, needs an open transaction."""
    logged = trail.entries(trail.Filter(kind="wording"), limit=LOOKS)
    last = next((each for each in logged if (each.payload or {}).get("channel") == channel), None)
    found = None if last is None else {(each["name"], each["language"]): each for each in (last.payload or {})["found"]}
    return Look(
        judges=isinstance(tools.given().channels.get(channel), Approving),
        at=last.at if last else None,
        by=words.who(last.actor, people.names()) if last else "",
        each=list(_judged(channel, pack, found)),
    )


def own_address(channel: str, person: Person) -> str:
    """Return where a person reads on a channel, as far as the desk knows; needs an open transaction."""
    if channel == "email":
        return person.email
    mine = (each.handle for each in lanes.handles_of({channel}) if each.person_id == person.id)
    return next(mine, "")


def _judged(channel: str, pack: Pack, found: Mapping[tuple[str, str], Mapping[str, Any]] | None) -> Iterator[Judged]:
    for template, approved in pack.channels.of(channel).approved.items():
        for language, code in approved.languages.items():
            state, level, why = "", "", ""
            if found is not None:
                ours = wording.numbered(pack.template(template), language, approved.values)
                state, level, why = _state(found.get((approved.name, code)), ours)
            yield Judged(template=template, name=approved.name, language=words.language(language), code=code,
                         state=state, level=level, why=why)  # fmt: skip


def _state(theirs: Mapping[str, Any] | None, ours: str) -> tuple[str, str, str]:
    if theirs is None:
        return "Missing", "bad", "The vendor keeps no wording of this name and language."
    state, level = BY_STATUS.get(theirs["status"], (words.humane(theirs["status"]), "bad"))
    if level == "bad":
        return state, level, words.humane(theirs["why"])
    if theirs["text"].split() != ours.split():
        return "Differs", "warn", f"The vendor's words: {theirs['text']}"
    return state, level, ""
