"""What a business promises of every decision, whatever the facts: `packs/prove.py` proves it, `broken` tries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caseward.core.conditions import Condition
from caseward.core.facts import FactKind, Facts, FactSpec, Value
from caseward.core.policy import Decision, Hold, Policy, Tier, decide

PHASES = ("pilot", "hardening", "production")
TOPOLOGIES = ("hub", "empowered")

SETTING: Mapping[str, FactSpec] = {
    "phase": FactSpec(name="phase", kind=FactKind.RANK, values=PHASES, because="How far the business trusts the desk."),
    "topology": FactSpec(name="topology", kind=FactKind.ENUM, values=TOPOLOGIES, because="Who asks whom."),
}
"""What an invariant may ask about beside the pack's facts; it holds for all of them where it does not ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A promise: wherever `when` holds or might hold, the decision is as `then` says."""

    id: str
    when: Condition
    """Over the pack's facts, `phase` and `topology`."""
    then: Condition
    """Over the decision (`outcome_specs`)."""
    because: str


def outcome_specs(policy: Policy) -> Mapping[str, FactSpec]:
    """Return what a promise may say of a decision: tier, lane, auto_send, executes, hold, needs, hold_seconds."""
    specs = (
        FactSpec(name="tier", kind=FactKind.RANK, values=tuple(Tier.__members__)),
        FactSpec(name="lane", kind=FactKind.RANK, values=policy.lanes),
        FactSpec(name="auto_send", kind=FactKind.BOOL),
        FactSpec(name="executes", kind=FactKind.BOOL),
        FactSpec(name="hold", kind=FactKind.ENUM, values=("none", *Hold)),
        FactSpec(name="needs", kind=FactKind.INTEGER, minimum=1),
        FactSpec(name="hold_seconds", kind=FactKind.INTEGER, minimum=0),
    )
    return {spec.name: spec for spec in specs}


def outcome(decision: Decision) -> dict[str, Value]:
    """Return a decision as promises speak of it."""
    return {
        "tier": str(decision.tier),
        "lane": decision.approval,
        "auto_send": decision.auto_send,
        "executes": decision.executor is not None,
        "hold": str(decision.hold or "none"),
        "needs": decision.needs,
        "hold_seconds": decision.hold_seconds,
    }


def broken(policy: Policy, invariant: Invariant, facts: Facts) -> bool:
    """Return whether the decision on `facts`, in the policy's phase and topology, breaks the promise."""
    given = {**facts, "phase": policy.phase, "topology": policy.topology}
    if invariant.when.truth(given) is False:
        return False
    return invariant.then.truth(outcome(decide(policy, facts))) is not True
