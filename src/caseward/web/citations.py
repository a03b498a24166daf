"""Citations: the numbered evidence of a draft, and where in its words each is cited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caseward.core.task import Draft
from caseward.web import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One numbered source in the case file."""

    number: int
    title: str
    quote: str
    source: str
    at: datetime
    """When it was read."""
    published: bool
    kind: str
    id: str
    system: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the reply and the evidence cited at its end."""

    text: str
    cites: tuple[int, ...] = ()


def evidence_of(draft: Draft | None) -> list[Evidence]:
    """Return the evidence of a draft, numbered in its order."""
    return [
        Evidence(
            number=number,
            title=item.title,
            quote=item.excerpt,
            source=f"Release {item.source}" if item.kind in ("article", "house") else words.humane(item.source),
            at=item.at,
            published=item.kind == "article",
            kind=item.kind,
            id=item.id,
            system=item.source,
            values=item.values,
        )
        for number, item in enumerate(draft.evidence if draft else (), start=1)
    ]


def parts_of(reply: str, sources: Sequence[Evidence]) -> list[Part]:
    """Return the reply cut where a citation belongs: after the sentence that says what the evidence supports.

    A published page supports the reply as a whole and is cited at its end.
    """
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", reply)] or [len(reply)]
    cites: dict[int, list[int]] = {}
    for source in sources:
        places = [found.end() for value in source.values if (found := _said(value, reply))]
        if not places and source.kind == "article":
            places = [len(reply)]
        for place in {next((end for end in ends if end >= place), len(reply)) for place in places[:1]}:
            cites.setdefault(place, []).append(source.number)
    parts, start = [], 0
    for place in sorted(cites):
        parts.append(Part(text=reply[start:place], cites=tuple(cites[place])))
        start = place
    return [*parts, Part(text=reply[start:])]


def _said(value: str, reply: str) -> re.Match[str] | None:
    """Find a value in a reply as words of its own: the 0 of a count is not the 0 of 09:30."""
    return re.search(rf"(?<![\w.:,-]){re.escape(value)}(?!\w|[.:,-]\d)", reply) if value.strip() else None
