"""What the gate made of each turn of a case, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.core.checks import facts_of
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.store.casefile import CaseFile, Decided
from caseward.web import explained, trying, words
from caseward.web.explained import Explained
from caseward.web.reasons import Reasons, reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """A fact with its source and the time it was read."""

    label: str
    value: str
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the gate made of one turn."""

    number: int
    at: datetime
    tier: Tier
    """As it was decided then."""
    summary: str
    reasons: Reasons
    notes: Sequence[str]
    facts: Sequence[FactLine]
    release: str
    setting: str
    """Phase and topology it was decided in."""
    try_href: str
    """Where to try the rules on these facts."""


def turns(pack: Pack, file: CaseFile) -> list[Turn]:
    """Return the decisions of a case, newest first; needs an open transaction."""
    pairs = zip(file.decided, explained.of_case(pack, file), strict=True)
    return [_turn(pack, decided, told) for decided, told in pairs]


def _turn(pack: Pack, decided: Decided, told: Explained) -> Turn:
    return Turn(
        number=decided.turn,
        at=decided.at,
        tier=decided.tier,
        summary=_summary(pack, decided.body),
        reasons=reasons(pack, told.policy, told.explanation),
        notes=told.notes,
        facts=[
            FactLine(
                label=words.fact_name(fact.name),
                value=words.fact_value(pack, fact.name, fact.value),
                source=words.humane(fact.source),
                at=fact.at,
            )
            for fact in facts_of(decided.body)
        ],
        release=decided.release,
        setting=f"{told.policy.phase}, {told.policy.topology}",
        try_href=trying.address(told.policy, told.facts),
    )


def _summary(pack: Pack, body: Mapping[str, Any]) -> str:
    """Return what was asked for then, which may be more than the rules ask for."""
    lane = str(body.get("approval") or "")
    hold = str(body.get("hold") or "")
    return words.joined(
        [
            f"Consent: {words.lane(pack, lane)}" if lane else "",
            f"Held: {words.humane(hold).lower()}" if hold else "",
            "Goes out by itself" if body.get("auto_send") else "",
        ]
    )
