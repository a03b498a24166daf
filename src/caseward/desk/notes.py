"""Internal notes: what the team says among itself in a case, and whom it calls upon there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from caseward.core.case import Case
from caseward.core.messages import Message
from caseward.desk import tools
from caseward.store import log, mentions, messages


def write(case: Case, text: str, *, person: str, people: Mapping[str, str]) -> Message:
    """Leave a note in a case; `people` are those who can be called upon in it by `@Name`: id → name."""
    now, called = tools.now(), [each for each in mentioned(text, people) if each != person]
    note = messages.add(case.conversation_id, case_id=case.id, author=person, text=text, at=now, kind="note")
    if called:
        mentions.add(case.id, note.id, called, by=person, at=now)
    said = {"text": text, **({"mentions": called} if called else {})}
    log.of_case(case, "note", person, said, at=now)
    return note


def seen(case: Case, person: str) -> None:
    """Record that somebody opened a case, if a note in it calls upon them that they had not seen."""
    number = mentions.see(case.id, person, now=tools.now())
    if number:
        log.append("mention", person, {"seen": number}, at=tools.now(), case_id=case.id)


def mentioned(text: str, people: Mapping[str, str]) -> list[str]:
    """Return the ids of those whom a text calls upon, in its order; of two names the longer one is meant."""
    found = names(people.values())
    by_name = {name.casefold(): id for id, name in people.items()}
    called = [by_name[match[1].casefold()] for match in found.finditer(text)] if found else []
    return list(dict.fromkeys(called))


def names(known: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds `@Name` of some names in a text, the name as its first group; None for no names."""
    longest = sorted({each for each in known if each}, key=len, reverse=True)
    if not longest:
        return None
    return re.compile(rf"(?<!\w)@({'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)
