"""Verdicts as people type them in answer to a request: `APPROVE if paid`, `EDIT new words`, `TOLAK sudah lewat`.

Nothing is guessed. The verdict is the first word or there is none; what follows it must be what that verdict takes, and
anything else is asked back about. Of the words after EDIT not a letter is changed. tests/property/test_lanes.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caseward.core.approval import Word
from caseward.core.channels import Team

_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_OPENING = re.compile(rf"[\s{_UNSEEN}]*[/\[]?")
"""What may stand before the verdict: it may be typed as a command, or in brackets."""
_CLOSING = re.compile(r"[:\]]?[ \t]*\n?")
"""What may stand between the verdict and what follows it."""
_STOPS = " \t\n:,.!-\u2013\u2014]"
"""What means nothing before or after a condition or a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One verdict, as it was typed."""

    word: Word
    text: str = ""
    """The new words of an edit, exactly."""
    reason: str = ""
    conditions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """Something like a verdict that could mean more than one thing, or lacks what it needs."""

    why: str
    """In words, for who typed it."""


def read(text: str, team: Team) -> Spoken | Unclear | None:
    """Return the verdict that a message is, why it is none that counts, or None where its first word is none at all."""
    found = _leading(text, team)
    if not found:
        return None
    if len(found) > 1:
        both = " and ".join(word.upper() for word in sorted(found))
        return Unclear(why=f"the first word means both {both} here")
    (word, end), = found.items()  # fmt: skip
    rest = text[_CLOSING.match(text, end).end() :]  # type: ignore[union-attr]
    match word:
        case Word.EDIT:
            worded = re.search(r"\w", rest)
            return Spoken(word=word, text=rest) if worded else Unclear(why="EDIT needs the new words after it")
        case Word.APPROVE:
            return _approval(rest, text, team)
        case _:
            reason = rest.lstrip(_STOPS).rstrip()
            if not reason:
                return Unclear(why=f"{word.upper()} needs a reason after it")
            if _leading(reason, team):
                return Unclear(why="it begins with two verdicts")
            return Spoken(word=word, reason=reason)


def _approval(rest: str, text: str, team: Team) -> Spoken | Unclear:
    """Return consent: alone, or with a condition that is announced as one."""
    said = rest.strip(_STOPS)
    if "?" in text:
        return Unclear(why="it asks something")
    if not said:
        return Spoken(word=Word.APPROVE)
    for condition in team.conditions:
        found = _word(condition).match(said)
        if found:
            what = said[found.end() :].lstrip(_STOPS)
            return Spoken(word=Word.APPROVE, conditions=what) if what else Unclear(why="the condition is missing")
    return Unclear(why="APPROVE stands alone or before a condition")


def _leading(text: str, team: Team) -> Mapping[Word, int]:
    """Return the verdicts that a text begins with, each with where its word ends: the longest words that fit."""
    start = _OPENING.match(text).end()  # type: ignore[union-attr]
    fits = [(word, found.end()) for word, typed in _words(team) if (found := _word(typed).match(text, start))]
    longest = max((end for _word_, end in fits), default=0)
    return {word: end for word, end in fits if end == longest}


def _words(team: Team) -> Iterator[tuple[Word, str]]:
    for word, typed in (
        (Word.APPROVE, team.approve), (Word.EDIT, team.edit), (Word.DENY, team.deny), (Word.ESCALATE, team.escalate),
    ):  # fmt: skip
        yield from ((word, each) for each in typed)


def _word(typed: str) -> re.Pattern[str]:
    """Return what finds a word or several as they are typed, whatever the case and the spaces between."""
    return re.compile(r"[ \t]+".join(map(re.escape, typed.split())) + r"(?![\w'’])", re.IGNORECASE)
