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
    out = into = ""
    for what, a, b, c, d in [*SequenceMatcher(None, old, new, autojunk=False).get_opcodes(), ("end", 0, 0, 0, 0)]:
        same = "".join(old[a:b])
        if (what == "equal" and not (same.isspace() and (out or into))) or what == "end":
            pieces += [Piece(text=out, kind="out"), Piece(text=into, kind="in"), Piece(text=same)]
            out = into = ""
        else:  # a space between two changes is part of them
            out, into = out + same, into + "".join(new[c:d])
    return [piece for piece in pieces if piece.text]
