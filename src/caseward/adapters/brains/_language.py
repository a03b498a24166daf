"""Which of the business's languages a text is in.

Learned from the pack's own phrasings, which know its slang and its mixing; general identifiers were no better here and
cost 75 MB. Everyday words decide short texts, the conversation so far decides what nothing else tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from caseward.adapters.brains._features import Reading
from caseward.adapters.brains._learning import Linear
from caseward.core.pack import Lexicon
from caseward.core.text import words

_LEARNED, _WORDS, _PRIOR = 4.0, 1.0, 0.8
"""Weights of the three witnesses."""


class Tongue:
    """Tells the language of a reading."""

    def __init__(self, model: Linear, lexicon: Mapping[str, Lexicon], languages: Sequence[str]) -> None:
        """Use `model`, whose labels are languages; `languages` are the business's, the default first."""
        self._model = model
        self._places = {language: i for i, language in enumerate(languages)}
        everyday = {
            language: (*lex.greetings, *lex.thanks, *lex.yes, *lex.no, *lex.today, *lex.tomorrow)
            for language, lex in lexicon.items()
            if language in self._places
        }
        self._hints = [
            (self._places[language], pattern)
            for language, entries in everyday.items()
            if (pattern := words(entries, where=f"lexicon, {language}"))
        ]

    def tell(self, reading: Reading, prior: str | None) -> str:
        """Return the language; `prior` is the conversation's so far."""
        scores = np.zeros(len(self._places), dtype=np.float32)
        scores[self._places.get(prior or "", 0)] += _PRIOR
        if reading.words:
            for label, score in zip(self._model.labels, self._model.scores(reading.row), strict=True):
                if label in self._places:
                    scores[self._places[label]] += _LEARNED * score
        for place, pattern in self._hints:
            scores[place] += _WORDS * len(pattern.findall(reading.plain))
        return tuple(self._places)[int(scores.argmax())]
