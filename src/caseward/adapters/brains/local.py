"""The brain that needs no model: a classifier and a search learned from the pack's own phrasings in about 2 s.

It knows only what the pack says: some dozens of phrasings of each intent and page. What is far from all of them is
unclear, and no page is sure to answer it. Two calls on one text (understand, find) read it once. Figures are in
bench/triage.py, quality on unseen messages in tests/unit/brains.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from caseward.adapters.brains._features import HEARD, Features, Reading
from caseward.adapters.brains._language import Tongue
from caseward.adapters.brains._learning import Task, learn
from caseward.adapters.brains._search import NO_PAGE, Phrasings, Search
from caseward.core.entities import Extractor
from caseward.core.knowledge import Finding
from caseward.core.messages import Understanding
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.core.signals import Detectors
from caseward.core.understanding import UNCLEAR, Guess, Mood, conclude

PUBLISHED = "faq"
"""The intent of a question that published pages answer: their phrasings are its phrasings."""
_SHARPNESS = 4.0
"""Makes the scores of intents honest as probabilities: of messages given 0.8, eight in ten are right."""
_REMEMBERED = 32
"""Readings kept, so that search and understanding share one."""
_ASKED_BESIDES = 2
"""Words from which on what a page does not use may be a question of its own; a single one is mostly a way of asking."""


@dataclass(frozen=True, slots=True)
class _Example:
    text: str
    language: str
    intent: str | None
    page: str | None
    """NO_PAGE for what no page answers; None for what teaches nothing about pages."""


class LocalBrain:
    """Understands and finds with what it learned from one pack; safe to share between threads."""

    def __init__(self, pack: Pack) -> None:
        """Learn `pack`; raise BadInput when a pattern of its signals or lexicon is not a regular expression."""
        self._lesson = _lesson(pack)
        self._intents = pack.intents
        self._limit = pack.profile.limits.confidence
        self._mood = Mood(pack.lexicon)
        self._extractor = Extractor(pack.lexicon, pack.entities)
        detectors = Detectors(pack.signals, pack.profile.languages)
        self._facts = detectors.facts

        asked, said = _asked(pack), _said(pack)
        features = Features(detectors, pack.lexicon, pack.entities, heard=max(HEARD, pack.profile.limits.message_chars))
        rows = features.fit([each.text for each in asked], [each.text for each in said])
        self._reads(features)
        examples = [*asked, *said]
        self._intent, page, tongue = learn(
            rows,
            features.width,
            [
                Task(labels=[each.intent for each in examples]),
                Task(labels=[each.page for each in examples], regularity=2.0),
                Task(labels=[each.language if each.intent else None for each in examples]),
            ],
        )
        self._tongue = Tongue(tongue, pack.lexicon, pack.profile.languages)
        paged = [(row, each.text, each.page) for row, each in zip(rows, asked, strict=False) if each.page]
        phrasings = Phrasings(
            [row for row, *_ in paged], features.width, [t for _, t, _ in paged], [p for *_, p in paged]
        )
        used: dict[str, set[int]] = {}
        for row, each in zip(rows, examples, strict=True):
            if each.page:
                used.setdefault(each.page, set()).update(row.columns.tolist())
        self._search = Search(page, phrasings, {name: frozenset(columns) for name, columns in used.items()})

    def _reads(self, features: Features) -> None:
        self._features = features
        self._read = lru_cache(maxsize=_REMEMBERED)(features.read)

    def __getstate__(self) -> dict[str, Any]:
        """Return what was learned; readings stay with the process that made them."""
        return {name: value for name, value in vars(self).items() if name != "_read"}

    def __setstate__(self, learned: Mapping[str, Any]) -> None:
        """Take over what another process learned."""
        vars(self).update(learned)
        self._reads(self._features)
        _kept.append(self)

    def knows(self, pack: Pack) -> bool:
        """Return whether learning `pack` would make this very brain."""
        return self._lesson == _lesson(pack)

    def understand(self, text: str, *, language: str | None = None) -> Understanding:
        """Return what `text` means; no text makes it raise. `language` decides when the text is too short to tell."""
        reading = self._read(text)
        return conclude(
            self._guess(reading),
            reading.detection,
            facts=self._facts,
            intents=self._intents,
            limit=self._limit,
            sentiment=self._mood.sentiment(reading.plain),
            language=self._tongue.tell(reading, language),
            entities=self._extractor.extract(text),
        )

    def find(self, text: str, *, language: str) -> Finding:
        """Return the published pages that may answer `text`; no text makes it raise.

        The phrasings of every language are searched whatever `language` is, because people mix languages, and a page
        holds its answer in all of them. When the first page is sure: _search.py, Search. It is not where the words that
        it does not use surely find another page: then two things are asked, and it answers one.
        """
        reading = self._read(text)
        finding = self._search.find(reading)
        if not finding.sure:
            return finding
        page = finding.hits[0].article_id
        rest = self._features.besides(reading, self._search.uses(page))
        other = self._search.find(self._read(" ".join(rest))) if len(rest) >= _ASKED_BESIDES else finding
        if not other.sure or other.hits[0].article_id == page:
            return finding
        return replace(finding, sure=False, why=f"two things are asked: {page} and {other.hits[0].article_id}")

    def _guess(self, reading: Reading) -> Guess:
        if not reading.words or not self._intent.labels:
            return Guess(intent=UNCLEAR, confidence=0.0)
        odds = self._intent.odds(reading.row, sharpness=_SHARPNESS)
        ranked = [self._intent.labels[place] for place in np.argsort(-odds)]
        confidence = float(odds.max())
        if confidence < self._limit and PUBLISHED in ranked[:2]:
            finding = self._search.find(reading)
            if finding.sure:  # the question may be put strangely, but a page surely answers it
                return Guess(intent=PUBLISHED, confidence=finding.hits[0].score, runner_up=ranked[0])
        return Guess(intent=ranked[0], confidence=confidence, runner_up=ranked[1] if len(ranked) > 1 else "")


def _asked(pack: Pack) -> list[_Example]:
    """Return what people say: the phrasings of intents, and of the pages that may be cited."""
    examples = [
        _Example(text, language, intent.id, None if intent.id == PUBLISHED else NO_PAGE)
        for intent in pack.intents.values()
        for language, texts in intent.asked_as.items()
        for text in texts
    ]
    return examples + [
        _Example(text, language, PUBLISHED, page.id)
        for page in pack.articles.values()
        if page.status == "published"
        for language, texts in page.asked_as.items()
        for text in texts
    ]


def _said(pack: Pack) -> list[_Example]:
    """Return what we say: titles and answers, which teach about their pages only."""
    return [
        _Example(text, language, None, page.id)
        for page in pack.articles.values()
        if page.status == "published"
        for texts in (page.title, page.answer)
        for language, text in texts.items()
    ]


def _lesson(pack: Pack) -> tuple[object, ...]:
    """Return all of `pack` that a brain is made from: what `LocalBrain.__init__` looks at and nothing else."""
    profile = pack.profile
    return pack.intents, pack.articles, pack.signals, pack.lexicon, pack.entities, profile.languages, profile.limits


_kept: deque[LocalBrain] = deque(maxlen=2)
"""The last brains that this process learned or was handed."""


def brain(pack: Pack) -> Brain:
    """Return the brain of `pack`; one that learned the same is used again, as after a release that only changes rules
    or a roll-back."""
    for known in tuple(_kept):
        if known.knows(pack):
            return known
    made = LocalBrain(pack)
    _kept.append(made)
    return made
