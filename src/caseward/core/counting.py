"""Reads which of several listed things is meant, in the words with which a pack's languages count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from caseward.core.pack import Counting
from caseward.core.text import words


class Ordinals:
    """Reads which of several listed things is meant."""

    def __init__(self, counting: Sequence[Counting], fillers: Iterable[str]) -> None:
        """Compile how each language counts; without any only digits are read. `fillers` are further words, as regular
        expressions, that may stand beside a number."""
        announcers = words((c.announcers for c in counting), where="announcers")
        each = range(max((len(c.ordinals) for c in counting), default=0))
        self._named = [
            words((name for c in counting for name in c.ordinals[i : i + 1]), where="ordinals") for i in each
        ]
        self._last = words((c.last for c in counting), where="last")
        self._cardinals = [
            words((name for c in counting for name in c.cardinals[i : i + 1]), where="cardinals") for i in range(12)
        ]
        lead = rf"(?:#|{announcers.pattern}[ .:#-]{{0,3}})" if announcers else "#"
        self._announced = re.compile(rf"{lead} ?(\d{{1,2}})(?![\w:/-]|[.,]\d)")
        self._counted = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th) (?:one|{announcers.pattern})") if announcers else None
        self._spelled = [
            re.compile(rf"{announcers.pattern} {word.pattern}") if announcers and word else None
            for word in self._cardinals
        ]
        self._filler = words((*(c.fillers for c in counting), *fillers), where="fillers")

    def announced(self, text: str, count: int) -> list[int]:
        """Return the places, from 0, that words such as `the second`, `option 2` or `nomor dua` name among `count`
        things; out of range ones as -1."""
        places = [int(match[1]) - 1 for match in self._announced.finditer(text)]
        places += [int(match[1]) - 1 for match in self._counted.finditer(text)] if self._counted else []
        places += [i for i, pattern in enumerate(self._named) if pattern and pattern.search(text)]
        places += [i for i, pattern in enumerate(self._spelled) if pattern and pattern.search(text)]
        if self._last and self._last.search(text):
            places.append(count - 1)
        return [place if 0 <= place < count else -1 for place in dict.fromkeys(places)]

    def without(self, text: str) -> str:
        """Return `text` without the announced numbers, which are neither days nor hours."""
        text = self._announced.sub(" ", text)
        return self._counted.sub(" ", text) if self._counted else text

    def bare(self, text: str) -> int | None:
        """Return the number when `text` is nothing but one and words that do not change it; None otherwise."""
        left = self._filler.sub(" ", text) if self._filler else text
        left = re.sub(r"[^\w\s/:.,-]|[.,](?!\d)", " ", left).strip()
        if re.fullmatch(r"\d{1,2}", left):
            return int(left)
        source = left or text
        named = [i + 1 for i, pattern in enumerate(self._cardinals) if pattern and pattern.search(source)]
        for pattern in (*self._cardinals, self._filler):
            source = pattern.sub(" ", source) if pattern else source
        return named[0] if len(named) == 1 and not re.search(r"\w", source) else None

    def spelled(self, announcer: re.Pattern[str] | None, text: str) -> str:
        """Return `text` with numbers in words after `announcer` as digits: `jam sepuluh` becomes `jam 10`."""
        if announcer:
            for i, pattern in enumerate(self._cardinals):
                if pattern and pattern.search(text):
                    text = re.sub(rf"({announcer.pattern}) (?:{pattern.pattern})", rf"\1 {i + 1}", text)
        return text
