"""The gate: rules over facts, the approval matrix, and the decision they call for.

An unknown rule counts as a match and no sure match is R3, so forgetting a fact never lowers a tier
(tests/property/test_policy.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from caseward.core.conditions import All, Condition
from caseward.core.facts import Facts, FactSpec
from caseward.core.truths import KEPT, Answer, Truths


class Tier(IntEnum):
    """How much harm a wrong answer could do; higher asks more of the gate."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3

    def __str__(self) -> str:
        return self.name


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
    lane: str = ""
    """At least this lane must consent, whatever the matrix says; empty leaves it to the matrix."""
    auto_send: bool = True
    """False where nothing may go out by itself, whatever the matrix says."""
    over: tuple[str, ...] = ()
    """Rules (by id, by tier, or `all`) that this one may hold together with, though they demand something else: an
    overlap that nobody declared is an error."""

    def demands(self) -> tuple[object, ...]:
        """Return all that the rule asks for: two rules that ask the same may overlap silently."""
        return (self.tier, self.hold, self.executes, self.lane, self.auto_send)

    def stands_over(self, other: Rule) -> bool:
        """Return whether this rule declares that it may hold together with `other`."""
        return bool({"all", other.id, str(other.tier)} & set(self.over))


ALWAYS = All(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One row of the approval matrix: in this phase and topology, this tier needs this lane."""

    tier: Tier
    phases: frozenset[str]
    topologies: frozenset[str]
    when: Condition = ALWAYS
    """Only where this holds; where it may hold, the row speaks too."""
    lane: str
    needs: int = 1
    """How many people of the lane must consent."""
    auto_send: bool = False
    confidence: int = 0
    """Percent. Below this, what would go out by itself is looked at by the lowest lane that has people."""
    hold_seconds: int = 0
    """How long an approved reply waits before it leaves and anything is done, so that consent can be taken back."""
    expires_minutes: int | None = None
    """Business minutes after which an undecided request counts as denied; the lane's own when left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A break-glass trigger: where it holds or may hold, a person is woken whatever tier and matrix say."""

    id: str
    when: Condition
    lane: str
    """At least this lane must consent."""
    because: str
    severity: str = ""
    """Raises the case's severity to this, `P1` … `P4`."""


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
    triggers: tuple[Trigger, ...] = ()
    _table: _Table | None = field(default=None, init=False, repr=False, compare=False)

    def table(self) -> _Table:
        """Return the policy laid out for answering, which is done when it is first asked."""
        table = self._table
        if table is None:
            table = _Table(self)
            object.__setattr__(self, "_table", table)
        return table


class _Table:
    """Rules, triggers, and the rows of one phase and topology: asked together, each with its bit in the answer.

    Whatever the facts are, the same answer makes the same decision, which is therefore worked out once.
    """

    def __init__(self, policy: Policy) -> None:
        rows = [row for row in policy.matrix if policy.phase in row.phases and policy.topology in row.topologies]
        whens = [each.when for part in (policy.rules, policy.triggers, rows) for each in part]
        bits = iter([1 << i for i in range(len(whens))])
        self.truths = Truths(whens)
        self.rules = [(next(bits), rule) for rule in policy.rules]
        self.highest_first = sorted(self.rules, key=lambda each: -each[1].tier)
        self.triggers = [(next(bits), trigger) for trigger in policy.triggers]
        asked = [(next(bits), row) for row in rows]
        self.rows: dict[int, list[tuple[int, Grant]]] = {
            tier: [(bit, row) for bit, row in asked if row.tier is tier] for tier in Tier
        }
        self.strength = {lane: i for i, lane in enumerate(policy.lanes)}
        self.decided: dict[Answer, Decision] = {}

    def keep(self, answer: Answer, decision: Decision) -> None:
        """Remember what an answer leads to."""
        if len(self.decided) >= KEPT:
            self.decided.clear()
        self.decided[answer] = decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the approval matrix asks for."""

    lane: str
    auto_send: bool
    needs: int = 1
    confidence: int = 0
    hold_seconds: int = 0
    expires_minutes: int | None = None


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
    needs: int = 1
    """How many people of the lane must consent."""
    confidence: int = 0
    """Percent of confidence below which `auto_send` is not made use of."""
    hold_seconds: int = 0
    expires_minutes: int | None = None
    break_glass: tuple[str, ...] = ()
    """Triggers that hold or may hold: a person is woken."""


def decide(policy: Policy, facts: Facts) -> Decision:
    """Return the risk tier that `facts` call for, what it demands, and why.

    The highest tier among the rules that match or might match wins; R3 when no rule surely matches. `missing` names the
    unknown facts of rules that might match and would raise the tier, set a hold or be the only match: a decision with
    missing facts releases nothing. Lane and consent are the strictest that any such rule, any row of the matrix for a
    tier it may turn out to be, or any break-glass trigger asks for.
    """
    table = policy.table()
    answer = table.truths.ask(facts)
    decision = table.decided.get(answer)
    if decision is None:
        decision = _work_out(policy, answer)
        table.keep(answer, decision)
    return decision


def _work_out(policy: Policy, answer: Answer) -> Decision:
    table = policy.table()
    may, surely, unknown = answer
    unsure = may & ~surely
    sure = [rule for bit, rule in table.highest_first if surely & bit]
    open_ = [(bit, rule) for bit, rule in table.rules if unsure & bit]
    possible = [rule for _bit, rule in open_]
    matching = sure + possible

    tier = max(rule.tier for rule in matching) if sure else Tier.R3
    floor = sure[0].tier if sure else None
    unsettled = [bit for bit, rule in open_ if floor is None or rule.tier > floor or rule.hold]
    missing = table.truths.names(unsettled, unknown)

    holds = {rule.hold for rule in matching if rule.hold}
    if missing:
        holds.add(Hold.MISSING)
    hold = next((each for each in Hold if each in holds), None)

    consent = _consent(policy, range(floor if floor is not None else Tier.R0, tier + 1), may, surely)
    broken = [trigger for bit, trigger in table.triggers if may & bit]
    raised = [rule.lane for rule in matching if rule.lane] + [trigger.lane for trigger in broken]
    lane = max((consent.lane, *raised), key=table.strength.__getitem__) if raised else consent.lane
    attended = lane != policy.lanes[0] or not all(rule.auto_send for rule in matching)
    executes = any(rule.executes and rule.tier == tier for rule in sure)
    return Decision(
        tier=tier,
        approval=lane,
        auto_send=consent.auto_send and hold is None and not attended,
        executor="operations" if executes and hold is None else None,
        rules=tuple(rule.id for rule in sure),
        possible=tuple(rule.id for rule in possible),
        missing=missing,
        hold=hold,
        release=policy.release,
        holds=frozenset(holds),
        needs=consent.needs,
        confidence=consent.confidence,
        hold_seconds=consent.hold_seconds,
        expires_minutes=consent.expires_minutes,
        break_glass=tuple(trigger.id for trigger in broken),
    )


def _consent(policy: Policy, tiers: Iterable[int], may: int, surely: int) -> Consent:
    """Return the strictest that the matrix asks for on any of `tiers`, those it may turn out to be; the last lane where
    no row surely speaks. Something goes out by itself only where every row that speaks, or may, lets it."""
    table = policy.table()
    rows: list[Grant] = []
    spoken = True
    for tier in tiers:
        asked = table.rows[tier]
        rows += [row for bit, row in asked if may & bit]
        spoken = spoken and any(surely & bit for bit, _row in asked)
    lane = max((row.lane for row in rows), key=table.strength.__getitem__) if spoken and rows else policy.lanes[-1]
    return Consent(
        lane=lane,
        auto_send=spoken and lane == policy.lanes[0] and all(row.auto_send for row in rows),
        needs=max((row.needs for row in rows), default=1),
        confidence=max((row.confidence for row in rows), default=0),
        hold_seconds=max((row.hold_seconds for row in rows), default=0),
        expires_minutes=min((row.expires_minutes for row in rows if row.expires_minutes is not None), default=None),
    )
