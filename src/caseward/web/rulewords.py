"""The rules of a pack in words: rule by rule, and row by row of the approval matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caseward.core.pack import Pack
from caseward.core.policy import ALWAYS, Rule, Tier
from caseward.core.telling import Tongue, demands, joined
from caseward.web import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A rule, a row of the matrix or a trigger, in words."""

    id: str
    because: str
    when: str
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The rules of one tier."""

    tier: Tier
    lines: Sequence[Line]


def rule(pack: Pack, say: Tongue, rule: Rule) -> Line:
    """Return a rule in words."""
    lane = replace(rule, lane=words.lane(pack, rule.lane)) if rule.lane else rule
    return Line(id=rule.id, because=rule.because, when=sentence(say.condition(rule.when)), asks=demands(lane))


def consents(pack: Pack, say: Tongue, tier: Tier) -> Shelf:
    """Return who must consent to a tier in the phase and topology that are served."""
    policy = pack.policy
    rows = [
        row
        for row in policy.matrix
        if row.tier == tier and policy.phase in row.phases and policy.topology in row.topologies
    ]
    return Shelf(
        tier=tier,
        lines=[
            Line(
                id="",
                because="",
                when=sentence(say.condition(row.when)) if row.when != ALWAYS else "Always",
                asks=joined(
                    [
                        "Goes out by itself" if row.auto_send else words.lane(pack, row.lane),
                        *([f"{row.needs} people"] if row.needs > 1 else []),
                        *([f"looked at below {row.confidence} % confidence"] if row.confidence else []),
                        *([f"held for {row.hold_seconds} s"] if row.hold_seconds else []),
                    ]
                ),
            )
            for row in rows
        ],
    )


def sentence(text: str) -> str:
    """Return words with a capital at the beginning."""
    return text[:1].upper() + text[1:]
