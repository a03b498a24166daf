"""Which published page answers a text, and whether it surely does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from caseward.adapters.brains._features import Reading, Row
from caseward.adapters.brains._learning import Linear
from caseward.core.knowledge import Finding, Hit

NO_PAGE = ""
"""The page label of messages that no page answers."""
SURE = 0.45
"""Score from which a page may go out by itself; below it, out-of-scope questions begin."""
LEAD = 0.15
"""By how much the first page must lead the second."""
HITS = 5
_SHARPNESS = 5.0


class Phrasings:
    """An inverted index: column → the phrasings that hold it, with their weights."""

    def __init__(self, rows: Sequence[Row], width: int, texts: Sequence[str], pages: Sequence[str]) -> None:
        """Keep `rows`, with columns below `width`: the vectors of `texts`, each a phrasing of its page in `pages`."""
        self._texts = tuple(texts)
        self._of = {
            page: np.array([i for i, each in enumerate(pages) if each == page]) for page in dict.fromkeys(pages)
        }
        columns = np.concatenate([np.zeros(0, dtype=np.int32), *(row.columns for row in rows)])
        values = np.concatenate([np.zeros(0, dtype=np.float32), *(row.values for row in rows)])
        owners = np.repeat(np.arange(len(rows), dtype=np.int32), [row.columns.size for row in rows])
        order = np.argsort(columns, kind="stable")
        self._owners, self._values = owners[order], values[order]
        self._starts = np.searchsorted(columns[order], np.arange(width + 1))

    def likeness(self, row: Row) -> NDArray[np.float64]:
        """Return the cosine, 0 to 1, of `row` and each phrasing."""
        spans = [slice(self._starts[column], self._starts[column + 1]) for column in row.columns]
        if not spans:
            return np.zeros(len(self._texts))
        weights = [self._values[span] * value for span, value in zip(spans, row.values, strict=True)]
        owners = np.concatenate([self._owners[span] for span in spans])
        return np.bincount(owners, weights=np.concatenate(weights), minlength=len(self._texts)).astype(np.float64)

    def nearest(self, likeness: NDArray[np.float64], page: str) -> str:
        """Return the phrasing of `page` that came nearest; empty for a page that has none."""
        places = self._of.get(page)
        return "" if places is None else self._texts[int(places[likeness[places].argmax()])]


class Search:
    """Finds pages with a classifier that also learned what no page answers.

    The classifier sees what a question has in common with a page, and would take `when does the mall open` for opening
    hours. So the score is its share times the part of the question's weight that lies in words the page itself uses.
    """

    def __init__(self, model: Linear, phrasings: Phrasings, vocabulary: Mapping[str, frozenset[int]]) -> None:
        """Use `model`, whose labels are pages and NO_PAGE; `vocabulary` holds the columns that each page uses."""
        self._model, self._phrasings, self._vocabulary = model, phrasings, vocabulary

    def find(self, reading: Reading) -> Finding:
        """Return the pages that may answer, best first, and whether the first may go out by itself."""
        if not reading.words or not self._vocabulary:
            return Finding(hits=(), sure=False, why="there is nothing to search for")
        odds = self._model.odds(reading.row, sharpness=_SHARPNESS)
        near = [(self._model.labels[place], float(odds[place])) for place in np.argsort(-odds)]
        scores = {page: share * self._covered(reading, page) for page, share in near[: HITS + 1] if page != NO_PAGE}
        likeness = self._phrasings.likeness(reading.row)
        hits = tuple(
            Hit(article_id=page, score=round(scores[page], 4), phrasing=self._phrasings.nearest(likeness, page))
            for page in sorted(scores, key=lambda page: -scores[page])[:HITS]
        )
        best, lead = hits[0].score, hits[0].score - (hits[1].score if len(hits) > 1 else 0.0)
        if best < SURE:
            return Finding(hits=hits, sure=False, why=f"no page is near enough: {best:.2f}, at least {SURE}")
        if lead < LEAD:
            return Finding(hits=hits, sure=False, why=f"two pages are about as near: {lead:.2f} apart, at least {LEAD}")
        return Finding(hits=hits, sure=True, why=f"{best:.2f} near, {lead:.2f} ahead of the next page")

    def uses(self, page: str) -> frozenset[int]:
        """Return the columns that a page itself uses."""
        return self._vocabulary[page]

    def _covered(self, reading: Reading, page: str) -> float:
        own = self._vocabulary[page]
        told = sum(weight for _, weight in reading.words)
        return sum(weight for column, weight in reading.words if column in own) / told
