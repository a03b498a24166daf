"""The pack's deterministic detectors: which words were said, and whether they were only asked about.

A sentence at a time: `what is your refund policy? I want my money back` asks about refunds in its first sentence and
for one in its second, and the second counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caseward.core.pack import Signal, Words
from caseward.core.text import alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What the detectors found in one text."""

    fired: tuple[Signal, ...] = ()
    """Signals that count, in the pack's order."""
    silenced: tuple[Signal, ...] = ()
    """Signals whose words occur but are only asked about."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    signal: Signal
    patterns: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    always: re.Pattern[str] | None

    def truth(self, sentence: str) -> bool | None:
        """Return whether the sentence fires the signal; None when its words are only asked about."""
        said = bool(self.patterns and self.patterns.search(sentence))
        if said and not (self.unless and self.unless.search(sentence)):
            return True
        if self.always and self.always.search(sentence):
            return True
        return None if said else False


class Detectors:
    """A pack's signals, compiled once. The patterns of every language are tried on every text: people mix languages."""

    def __init__(self, signals: Iterable[Signal], languages: Sequence[str]) -> None:
        """Compile `signals`; raise BadInput that names the signal and pattern that is not a regular expression."""
        self._signals = tuple(
            _Compiled(
                signal,
                _compile(signal.patterns, languages, f"signal {signal.id}, patterns"),
                _compile(signal.unless, languages, f"signal {signal.id}, unless"),
                _compile(signal.always, languages, f"signal {signal.id}, always"),
            )
            for signal in signals
        )
        self.facts = tuple(dict.fromkeys(each.signal.fact for each in self._signals if each.signal.fact))
        """Boolean facts that the signals settle, in the pack's order."""

    def detect(self, sentences: Sequence[str]) -> Detection:
        """Return which signals fire in normalised `sentences` (core/text.py). One sentence that fires is enough."""
        fired: list[Signal] = []
        silenced: list[Signal] = []
        for each in self._signals:
            truths = [each.truth(sentence) for sentence in sentences]
            if True in truths:
                fired.append(each.signal)
            elif None in truths:
                silenced.append(each.signal)
        return Detection(fired=tuple(fired), silenced=tuple(silenced))


def _compile(words: Words, languages: Sequence[str], where: str) -> re.Pattern[str] | None:
    return alternatives((pattern for language in languages for pattern in words.get(language, ())), where=where)
