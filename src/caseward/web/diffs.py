"""What differs between two texts, word by word, as it is shown: what went, what came, what stayed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of text."""

    text: str
    kind: Literal["", "in", "out"] = ""
    """Stayed, came or went."""


def differences(before: str, after: str) -> list[Piece]:
    """Return both texts as one, in pieces; nothing where they are the same."""
    if before == after:
        return []
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    pieces: list[Piece] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append(Piece(text="".join(old[a:b])))
            continue
        if b > a:
            pieces.append(Piece(text="".join(old[a:b]), kind="out"))
        if d > c:
            pieces.append(Piece(text="".join(new[c:d]), kind="in"))
    return pieces
