"""The gate: typed facts, rules over them, and the decision they call for.

Truth is three-valued (Kleene): a condition over an unknown fact is neither true nor false. An unknown rule counts as
a match and no sure match is R3, so forgetting a fact never lowers a tier (tests/property/test_policy.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeAlias, assert_never

from caseward.core.errors import BadInput

Value: TypeAlias = bool | int | str | frozenset[str]
Facts: TypeAlias = Mapping[str, Value]
"""Fact name → value in the unit the pack declares. An unknown fact is left out, never None."""


class Tier(IntEnum):
    """How much harm a wrong answer could do; higher asks more of the gate."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3

    def __str__(self) -> str:
        return self.name


class FactKind(StrEnum):
    """The types a fact may have."""

    BOOL = "bool"
    ENUM = "enum"
    INTEGER = "integer"
    SET = "set"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """What a pack declares about one fact."""

    name: str
    kind: FactKind
    values: tuple[str, ...] = ()
    """Allowed members, for an enum or a set."""
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""
    because: str = ""
    """What the fact means, in the pack's words."""

    def parse(self, raw: object) -> Value:
        """Return `raw` as this fact's value; raise BadInput that names the fact, the value and what is allowed."""
        match self.kind:
            case FactKind.BOOL if isinstance(raw, bool):
                return raw
            case FactKind.INTEGER if isinstance(raw, int) and not isinstance(raw, bool):
                low, high = self.minimum, self.maximum
                if (low is None or raw >= low) and (high is None or raw <= high):
                    return raw
            case FactKind.ENUM if isinstance(raw, str) and raw in self.values:
                return raw
            case FactKind.SET if isinstance(raw, list | tuple | set | frozenset) and all(
                isinstance(item, str) and item in self.values for item in raw
            ):
                return frozenset(raw)
            case _:
                pass
        raise BadInput(f"fact {self.name}: {raw!r} is not {self.allowed()}")

    def allowed(self) -> str:
        """Say in words what values this fact takes."""
        match self.kind:
            case FactKind.BOOL:
                return "true or false"
            case FactKind.INTEGER:
                span = [f">= {self.minimum}" if self.minimum is not None else ""]
                span.append(f"<= {self.maximum}" if self.maximum is not None else "")
                limits = " and ".join(part for part in span if part)
                return f"a whole number {limits}".strip() + (f" ({self.unit})" if self.unit else "")
            case FactKind.ENUM:
                return "one of " + ", ".join(self.values)
            case FactKind.SET:
                return "a list of any of " + ", ".join(self.values)
            case _:
                assert_never(self.kind)


def parse_facts(specs: Mapping[str, FactSpec], raw: Mapping[str, object]) -> dict[str, Value]:
    """Return `raw` as typed facts; raise BadInput for a fact the pack does not know or a value it does not allow."""
    facts: dict[str, Value] = {}
    for name, value in raw.items():
        if name not in specs:
            raise BadInput(f"unknown fact {name!r}; this pack knows {', '.join(sorted(specs))}")
        facts[name] = specs[name].parse(value)
    return facts


OPERATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "is": lambda fact, value: fact == value,
    "not": lambda fact, value: fact != value,
    "in": lambda fact, value: fact in value,  # type: ignore[operator]
    "lt": lambda fact, value: fact < value,  # type: ignore[operator]
    "lte": lambda fact, value: fact <= value,  # type: ignore[operator]
    "gt": lambda fact, value: fact > value,  # type: ignore[operator]
    "gte": lambda fact, value: fact >= value,  # type: ignore[operator]
    "has": lambda fact, value: value in fact,  # type: ignore[operator]
    "has_any": lambda fact, value: bool(fact & value),  # type: ignore[operator]
}
"""Operator name → test. Packs are type-checked at load, so an operator never meets a value it cannot compare."""

OPERATORS_OF: Mapping[FactKind, tuple[str, ...]] = {
    FactKind.BOOL: ("is", "not"),
    FactKind.ENUM: ("is", "not", "in"),
    FactKind.INTEGER: ("is", "not", "lt", "lte", "gt", "gte"),
    FactKind.SET: ("has", "has_any"),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of one fact."""

    fact: str
    operator: str
    value: Value

    def truth(self, facts: Facts) -> bool | None:
        """Return whether the comparison holds; None when the fact is unknown."""
        if self.fact not in facts:
            return None
        return OPERATORS[self.operator](facts[self.fact], self.value)

    def names(self) -> frozenset[str]:
        """Return the facts this condition asks about."""
        return frozenset({self.fact})


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is; the empty conjunction is true."""

    parts: tuple[Condition, ...]

    def truth(self, facts: Facts) -> bool | None:
        """Return False if any part is false, else None if any is unknown, else True."""
        unknown = False
        for part in self.parts:
            truth = part.truth(facts)
            if truth is False:
                return False
            unknown = unknown or truth is None
        return None if unknown else True

    def names(self) -> frozenset[str]:
        """Return the facts this condition asks about."""
        return frozenset().union(*(part.names() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Any:
    """True when one part is; the empty disjunction is false."""

    parts: tuple[Condition, ...]

    def truth(self, facts: Facts) -> bool | None:
        """Return True if any part is true, else None if any is unknown, else False."""
        unknown = False
        for part in self.parts:
            truth = part.truth(facts)
            if truth is True:
                return True
            unknown = unknown or truth is None
        return None if unknown else False

    def names(self) -> frozenset[str]:
        """Return the facts this condition asks about."""
        return frozenset().union(*(part.names() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false."""

    part: Condition

    def truth(self, facts: Facts) -> bool | None:
        """Return the opposite; unknown stays unknown."""
        truth = self.part.truth(facts)
        return None if truth is None else not truth

    def names(self) -> frozenset[str]:
        """Return the facts this condition asks about."""
        return self.part.names()


Condition: TypeAlias = Test | All | Any | Not


class Hold(StrEnum):
    """Why nothing may be released yet, in the order in which holds are lifted."""

    VERIFICATION = "verification"
    """The person must prove who they are first."""
    MISSING = "missing"
    """A fact that the rules ask about is unknown."""
    DEGRADED = "degraded"
    """A system that the answer rests on is unhealthy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of policy: when it holds, at least this much care is due."""

    id: str
    tier: Tier
    when: Condition
    because: str
    source: str = ""
    """Knowledge page or document the rule rests on."""
    hold: Hold | None = None
    executes: bool = False
    """True where a sure match, if it is the highest, lets operations run the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One row of the approval matrix: in this phase and topology, this tier needs this lane."""

    tier: Tier
    phases: frozenset[str]
    topologies: frozenset[str]
    intents: frozenset[str] = frozenset()
    """Only for these intents; empty means all."""
    lane: str
    auto_send: bool = False

    def covers(self, tier: Tier, phase: str, topology: str, intent: Value | None) -> bool:
        """Return whether this row speaks about that decision, or might once an unknown `intent` is known."""
        return (
            tier == self.tier
            and phase in self.phases
            and topology in self.topologies
            and (not self.intents or intent is None or intent in self.intents)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A pack's rules and approval matrix, ready to be asked."""

    release: str
    phase: str
    topology: str
    facts: Mapping[str, FactSpec]
    rules: tuple[Rule, ...]
    matrix: tuple[Grant, ...]
    lanes: tuple[str, ...]
    """Lane names from the weakest (`none`) to the strongest; the last is the lane of anything unforeseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate answers, and why."""

    tier: Tier
    approval: str
    auto_send: bool
    executor: str | None
    """`operations` when the task may run once approved; None when nothing may be executed."""
    rules: tuple[str, ...]
    """Rules that surely match, highest tier first."""
    possible: tuple[str, ...]
    """Rules that an unknown fact may yet make match."""
    missing: tuple[str, ...]
    """Facts that would settle the possible rules."""
    hold: Hold | None
    release: str
    holds: frozenset[Hold] = field(default_factory=frozenset)


def decide(policy: Policy, facts: Facts) -> Decision:
    """Return the risk tier that `facts` call for, what it demands, and why.

    The highest tier among the rules that match or might match wins; R3 when no rule surely matches. `missing` names the
    unknown facts of rules that might match and would raise the tier, set a hold or be the only match: a decision with
    missing facts releases nothing.
    """
    sure: list[Rule] = []
    possible: list[Rule] = []
    for rule in policy.rules:
        truth = rule.when.truth(facts)
        if truth:
            sure.append(rule)
        elif truth is None:
            possible.append(rule)

    sure.sort(key=lambda rule: -rule.tier)
    tier = max((rule.tier for rule in (*sure, *possible)), default=Tier.R3) if sure else Tier.R3
    floor = sure[0].tier if sure else None
    unsettled = [rule for rule in possible if floor is None or rule.tier > floor or rule.hold]
    missing = _unknown(unsettled, facts)

    holds = {rule.hold for rule in (*sure, *possible) if rule.hold}
    if missing:
        holds.add(Hold.MISSING)
    hold = next((each for each in Hold if each in holds), None)

    lane, auto_send = _grant(policy, range(floor if floor is not None else Tier.R0, tier + 1), facts.get("intent"))
    executes = any(rule.executes and rule.tier == tier for rule in sure)
    return Decision(
        tier=tier,
        approval=lane,
        auto_send=auto_send and hold is None,
        executor="operations" if executes and hold is None else None,
        rules=tuple(rule.id for rule in sure),
        possible=tuple(rule.id for rule in possible),
        missing=missing,
        hold=hold,
        release=policy.release,
        holds=frozenset(holds),
    )


def _unknown(rules: Iterable[Rule], facts: Facts) -> tuple[str, ...]:
    return tuple(sorted({name for rule in rules for name in rule.when.names() if name not in facts}))


def _grant(policy: Policy, tiers: Iterable[int], intent: Value | None) -> tuple[str, bool]:
    """Return the strictest lane that the matrix asks for on any of `tiers`, those it may turn out to be, and whether
    all their rows let the answer go out by itself."""
    lane, auto_send = policy.lanes[0], True
    for tier in map(Tier, tiers):
        rows = [row for row in policy.matrix if row.covers(tier, policy.phase, policy.topology, intent)]
        if not rows or (intent is None and all(row.intents for row in rows)):
            return policy.lanes[-1], False
        lane = max(lane, *(row.lane for row in rows), key=policy.lanes.index)
        auto_send = auto_send and all(row.auto_send for row in rows)
    return lane, auto_send and lane == policy.lanes[0]
