"""Published knowledge, as a reply may cite it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One knowledge page of a pack."""

    id: str
    status: str
    """Only `published` pages inside the release may be cited."""
    title: Mapping[str, str]
    """Language → title."""
    answer: Mapping[str, str]
    """Language → the words we stand behind."""
    asked_as: Mapping[str, tuple[str, ...]]
    """Language → phrasings that people use for it."""
    owner: str
    effective: date
    reviewed: date
    review_days: int
    applies_to: str
    topics: tuple[str, ...] = ()

    def in_force(self, on: date) -> bool:
        """Return whether the page may be cited on that day of the ops zone."""
        return self.status == "published" and self.effective <= on

    def review_due(self, on: date) -> bool:
        """Return whether the page is past its review date."""
        return (on - self.reviewed).days > self.review_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A page that may answer a question."""

    article_id: str
    score: float
    """0 to 1; comparable within one search only."""
    phrasing: str
    """The stored phrasing that came nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of a search: the hits, and whether the first may go out by itself."""

    hits: tuple[Hit, ...]
    sure: bool
    """The first hit is near enough, leads the second page by the margin, and leaves nothing for another to answer."""
    why: str
