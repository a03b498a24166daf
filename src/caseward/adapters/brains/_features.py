"""One text, read once: masked words, marks of the detectors, and the weighted n-grams that every model uses.

Plain TF-IDF (logarithmic counts, smoothed document frequency, length 1) over words, pairs of words and pieces of words.
Written out because the usual library brings 100 MB and two seconds of imports for these few lines.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from caseward.core.entities import CLOCK, EMAIL, MONEY, NUMERIC_DATE, PHONE, TWELVE_HOUR, Shape, shapes
from caseward.core.pack import Entity, Lexicon
from caseward.core.signals import Detection, Detectors
from caseward.core.text import normalise, sentences, words
from caseward.core.understanding import Mood

CHARS = 2000
"""Characters the models look at; the detectors read on."""
HEARD = 20_000
"""Characters the detectors read, or as many as the business accepts in a message if that is more."""
_WORD = re.compile(r"\w+")
_GRAMS = (2, 3, 4)
_TWICE = 2
"""A word in only one training text counts as unknown there, so that the models learn what an unknown word means: a
message about things the business never speaks of."""


@dataclass(frozen=True, slots=True)
class Row:
    """A sparse vector of length 1; empty when nothing in the text is known."""

    columns: NDArray[np.int32]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the brain sees of one text."""

    plain: str
    detection: Detection
    row: Row
    words: tuple[tuple[int | None, float], ...]
    """The column of each word, None if no training text holds it, and how much it tells: the rarer, the more."""


class Features:
    """Learns the vocabulary of training texts and reads new texts in it."""

    def __init__(
        self,
        detectors: Detectors,
        lexicon: Mapping[str, Lexicon],
        entities: Mapping[str, Entity],
        *,
        heard: int = HEARD,
    ) -> None:
        self._detectors = detectors
        self._heard_chars = heard
        self._mood = Mood(lexicon)
        self._masks = tuple(_masks(lexicon, shapes(entities)))
        self._count: Counter[str] = Counter()
        self._columns: dict[str, int] = {}
        self._idf: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    @property
    def width(self) -> int:
        """How many columns a row may have."""
        return len(self._columns)

    def fit(self, questions: Sequence[str], statements: Sequence[str]) -> list[Row]:
        """Return one row for each of `questions`, then of `statements`, which carry no marks: what a page says about
        refunds is nobody's wish."""
        masked = [self._masked(normalise(text)) for text in (*questions, *statements)]
        self._count = Counter(word for text in masked for word in set(_WORD.findall(text)))
        marks = [self._marks(self._heard(text), plain, _TWICE) for text, plain in zip(questions, masked, strict=False)]
        marks += [[] for _ in statements]
        counts = [Counter((*_tokens(text), *mark)) for text, mark in zip(masked, marks, strict=True)]
        frequency = Counter(token for each in counts for token in each)
        self._columns = {token: column for column, token in enumerate(frequency)}
        held = np.fromiter(frequency.values(), dtype=np.float32, count=len(frequency))
        self._idf = np.log((1 + len(counts)) / (1 + held)) + np.float32(1)
        return [self._row(each) for each in counts]

    def read(self, text: str) -> Reading:
        """Return the reading of any text; none makes it raise."""
        detection = self._heard(text[: self._heard_chars])
        plain = normalise(text[:CHARS])
        masked = self._masked(plain)
        row = self._row(Counter((*_tokens(masked), *self._marks(detection, masked, 1))))
        return Reading(plain, detection, row, tuple(map(self._told, dict.fromkeys(_WORD.findall(masked)))))

    def besides(self, reading: Reading, known: Set[int]) -> list[str]:
        """Return the words of a reading that are in none of the `known` columns, in their order."""
        found = dict.fromkeys(_WORD.findall(self._masked(reading.plain)))
        return [word for word, (column, _) in zip(found, reading.words, strict=True) if column not in known]

    def _row(self, counts: Counter[str]) -> Row:
        columns: list[int] = []
        weights: list[float] = []
        for token, count in counts.items():
            column = self._columns.get(token)
            if column is not None:
                columns.append(column)
                weights.append(1.0 if count == 1 else 1.0 + math.log(count))
        where = np.array(columns, dtype=np.int32)
        values = np.array(weights, dtype=np.float32) * self._idf[where]
        return Row(where, values / np.float32(math.sqrt(float(values @ values)) or 1.0))

    def _heard(self, text: str) -> Detection:
        return self._detectors.detect(sentences(text))

    def _masked(self, plain: str) -> str:
        for pattern, mask in self._masks:
            plain = pattern.sub(mask, plain)
        return plain

    def _marks(self, detection: Detection, masked: str, common: int) -> list[str]:
        """Return tokens for what is not in the letters: signals, mood, and how much of the text is unknown."""
        found = _WORD.findall(masked)
        unknown = sum(self._count[word] < common for word in found)
        marks = [f"fired {signal.id}" for signal in detection.fired]
        marks += [f"about {signal.id}" for signal in detection.silenced]
        marks += [f"mood {self._mood.sentiment(masked)}", f"unknown {min(unknown, 4)}"]
        if unknown > 0.4 * len(found):
            marks.append("unknown most")
        if len(found) <= 2 or len(found) > 12:
            marks.append("short" if len(found) <= 2 else "long")
        return marks

    def _told(self, word: str) -> tuple[int | None, float]:
        column = self._columns.get(f"w {word}")
        return column, math.log(1 + len(self._count)) + 1 if column is None else float(self._idf[column])


def _tokens(masked: str) -> list[str]:
    """Return the words, pairs of words, and pieces of words of `masked`."""
    found = _WORD.findall(masked)
    tokens = [f"w {word}" for word in found]
    tokens += [f"w {first} {second}" for first, second in pairwise(found)]
    for word in masked.split():
        padded = f" {word} "
        for size in _GRAMS:
            if size >= len(padded):
                tokens.append(padded)
                break
            tokens += [padded[i : i + size] for i in range(len(padded) - size + 1)]
    return tokens


def _masks(lexicon: Mapping[str, Lexicon], own: Iterable[Shape]) -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield what to replace by the name of its kind: which day or amount was said does not tell what is wanted."""
    each = tuple(lexicon.values())
    house = {
        "xemail": EMAIL,
        "xdate": NUMERIC_DATE,
        "xclock": CLOCK,
        "xhour": TWELVE_HOUR,
        "xphone": PHONE,
        "xmoney": MONEY,
    }
    yield from ((shape.pattern, f" x{shape.name.replace('_', '')} ") for shape in own)
    yield from ((pattern, f" {mask} ") for mask, pattern in house.items())
    names: dict[str, Iterable[str]] = {
        "xday": (name for lex in each for day in lex.weekdays for name in day),
        "xsoon": (w for lex in each for days in (lex.today, lex.tomorrow, lex.day_after_tomorrow) for w in days),
        "xpart": (word for lex in each for word in lex.dayparts),
    }
    for mask, entries in names.items():
        if pattern := words(entries, where=f"lexicon, {mask}"):
            yield pattern, f" {mask} "
    yield re.compile(r"\d+"), " xnumber "
