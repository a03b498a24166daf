"""One plain form of whatever people type, so that patterns and the classifier see through decoration."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

from caseward.core.errors import BadInput

_SPELLED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|/]+){3,}[^\W\d_](?![^\W_])")
"""Four or more single letters set apart, as in `r e f u n d`."""
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
"""A letter three times or more in a row, as in `pleaseee`."""
_SPACE = re.compile(r"\s+")
_END = re.compile(r"[\n\r\u2028\u2029]+|(?<=[.?!;])[.?!;]*\s+")
"""Ends of sentences. A full stop inside `10.30` or `1.300.000` is none, for no space follows it."""
_EDGE = r"\b"
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What stands for itself in a regular expression: an escaped character, a class of characters."""
_GROUP = re.compile(r"\([^()]*\)")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'", "\u2013": "-", "\u2014": "-"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (zero-width, direction marks), surrogate, private and unassigned characters."""


def normalise(text: str) -> str:
    """Return `text` in lower case, without accents, control or zero-width characters, with single spaces.

    Spelled-out words are joined (`r e f u n d` is `refund`) and stretched letters reduced (`refuuund` is `refund`).
    Any string is accepted, lone surrogates included.
    """
    plain = text.lower() if text.isascii() else _plain(text)
    plain = _SPACE.sub(" ", _printable(plain)).strip()
    plain = _STRETCHED.sub(r"\1", plain)
    return _SPELLED.sub(lambda match: "".join(char for char in match[0] if char.isalpha()), plain)


def clean(text: str) -> str:
    """Return `text` as it may be stored and shown: composed (NFC), without control or direction-changing characters."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if composed.replace("\n", "").replace("\t", "").isprintable():  # as most are: several times as fast
        return composed
    return "".join(char for char in composed if char in "\n\t" or unicodedata.category(char) not in _UNSEEN)


def sentences(text: str) -> tuple[str, ...]:
    """Return the normalised sentences of `text`, empty ones left out; a line break ends a sentence."""
    return tuple(plain for part in _END.split(text) if (plain := normalise(part)))


def alternatives(patterns: Iterable[str], *, where: str) -> re.Pattern[str] | None:
    """Return one regular expression that matches where any of `patterns` does, None for no pattern at all.

    Those that begin at a word's edge are tried at such an edge only, which most places of a text are not.

    Raises BadInput that names `where` and the pattern that is not a regular expression.
    """
    parts = tuple(patterns)
    for part in parts:
        try:
            re.compile(part)
        except re.error as error:
            raise BadInput(f"{where}: {part!r} is not a regular expression ({error}); mend it") from None
    if not parts:
        return None
    runs = (
        _EDGE + _either(part.removeprefix(_EDGE) for part in run) if at_edge else _either(run)
        for at_edge, run in groupby(parts, _begins_at_edge)
    )
    return re.compile(_either(runs))


def _either(parts: Iterable[str]) -> str:
    return "(?:" + "|".join(f"(?:{part})" for part in parts) + ")"


def _begins_at_edge(part: str) -> bool:
    """Return whether the whole of a pattern follows its first mark of an edge: a bar outside of groups ends that."""
    bare = _LITERAL.sub("", part)
    while (fewer := _GROUP.sub("", bare)) != bare:
        bare = fewer
    return part.startswith(_EDGE) and "|" not in bare


def words(entries: Iterable[str], *, where: str) -> re.Pattern[str] | None:
    """Return one regular expression that matches any of `entries` as whole words, None for no entry at all."""
    each = alternatives(entries, where=where)
    return re.compile(rf"(?<!\w)(?:{each.pattern})(?!\w)") if each else None


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(_QUOTES))
    return "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Cf", "Cs", "Co")).lower()


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
