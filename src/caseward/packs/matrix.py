"""The approval matrix tried out whole, by asking the gate: every tier, phase, topology and intent there is. That is few
enough to be a proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from caseward.core.conditions import All
from caseward.core.pack import Pack
from caseward.core.policy import Decision, Rule, Tier, decide

PHASES = ("pilot", "hardening", "production")
TOPOLOGIES = ("hub", "empowered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One place of the matrix, and what the gate says there."""

    tier: Tier
    phase: str
    topology: str
    intent: str
    decision: Decision

    def __str__(self) -> str:
        return f"{self.tier} in {self.phase}, {self.topology}, intent {self.intent}"


def unspoken(pack: Pack) -> Iterator[str]:
    """Yield what no row speaks of, so that it falls to the strictest lane without anybody having said so."""
    for tier, phase, topology in product(Tier, PHASES, TOPOLOGIES):
        if not any(
            row.tier == tier and phase in row.phases and topology in row.topologies for row in pack.policy.matrix
        ):
            yield f"no row speaks of {tier} in {phase}, {topology}"


def undecidable(pack: Pack) -> Iterator[str]:
    """Yield the situations in which somebody must consent and nobody may."""
    for each in _situations(pack):
        lane = pack.profile.lanes[each.decision.approval]
        if not each.decision.auto_send and not lane.roles:
            yield f"{each} needs consent in lane {each.decision.approval}, in which nobody may decide"


def unattended(pack: Pack) -> Iterator[str]:
    """Yield the situations in which R3 would go out without a person."""
    for each in _situations(pack):
        if each.tier is Tier.R3 and (each.decision.auto_send or not pack.profile.lanes[each.decision.approval].roles):
            yield f"{each} goes out without a person"


def weaker(pack: Pack) -> Iterator[str]:
    """Yield the situations in which a higher tier needs weaker consent than the one below it."""
    order = pack.policy.lanes.index
    situations = {(each.phase, each.topology, each.intent, each.tier): each for each in _situations(pack)}
    for (phase, topology, intent, tier), each in situations.items():
        if tier is Tier.R0:
            continue
        below = situations[phase, topology, intent, Tier(tier - 1)]
        if order(each.decision.approval) < order(below.decision.approval) or (
            each.decision.auto_send and not below.decision.auto_send
        ):
            yield f"{each} needs only {each.decision.approval}, but {below.tier} needs {below.decision.approval}"


def _situations(pack: Pack) -> Iterator[Situation]:
    for tier, phase, topology, intent in product(Tier, PHASES, TOPOLOGIES, pack.intents):
        sure = Rule(id="sure", tier=tier, when=All(()), because="Asks the matrix alone.")
        policy = replace(pack.policy, phase=phase, topology=topology, rules=(sure,), triggers=())
        decision = decide(policy, {"intent": intent})
        yield Situation(tier=tier, phase=phase, topology=topology, intent=intent, decision=decision)
