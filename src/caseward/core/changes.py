"""The smallest change of facts that leads to another tier, or lets a reply go out by itself.

The search is complete within its bounds: at each step it branches only over facts that any change must touch, because a
rule that stands in the way has to fall, or one that is wanted has to match (tests/property/test_explain.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from caseward.core.facts import Facts, Value
from caseward.core.policy import Decision, Policy, Rule, Tier, decide
from caseward.core.ways import Choice, Choices, Way, to_change, ways

MOST_FACTS = 3
"""Facts that a change may touch."""
MOST_SHOWN = 8
"""Changes of the same size that are told."""
TRIES = 2500
"""Decisions that one search may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact, and what it would have to be instead."""

    fact: str
    before: Value | None
    """None where it is not known now."""
    value: Value
    """What leads there: the nearest to what it is now."""
    values: tuple[Value, ...] = ()
    """All that lead there, for a bool, an enum or a rank."""
    low: int | None = None
    high: int | None = None
    """The whole span that leads there, for a number; None where it has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is looked for: a tier, and perhaps that the reply then goes out by itself."""

    tier: Tier
    alone: bool = False

    def reached(self, decision: Decision) -> bool:
        """Return whether a decision is what is looked for."""
        return decision.tier == self.tier and (decision.auto_send or not self.alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found."""

    changes: tuple[tuple[Change, ...], ...]
    """The smallest changes, each enough; empty when none was found."""
    complete: bool
    """Whether everything up to three facts was tried: without a change, then, there is none."""


def search(policy: Policy, facts: Facts, goals: Sequence[Goal], known: Choices, *, tries: int = TRIES) -> Found:
    """Return the smallest changes of up to three of `facts` that reach one of `goals`.

    What is unknown may become known; nothing known becomes unknown. `known` are the values worth trying
    (`ways.choices`).
    """
    seeker = _Seeker(policy=policy, facts=facts, choices=known, tries=tries)
    for size in range(1, MOST_FACTS + 1):
        for goal in goals:
            seeker.dig(goal, {}, size)
        if seeker.found or seeker.tries <= 0:
            break
    order = {name: at for at, name in enumerate(policy.facts)}
    best = sorted(seeker.found, key=lambda steps: (_known(steps, facts), sorted(order[step] for step in steps)))
    told = _united(
        tuple(_change(steps[name], facts) for name in sorted(steps, key=order.__getitem__)) for steps in best
    )
    return Found(changes=tuple(told[:MOST_SHOWN]), complete=seeker.tries > 0 or bool(told))


Steps = Mapping[str, Choice]


@dataclass(slots=True, kw_only=True)
class _Seeker:
    policy: Policy
    facts: Facts
    choices: Choices
    tries: int
    found: list[Steps] = field(default_factory=list)
    rules: dict[str, Rule] = field(init=False)
    seen: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rules = {rule.id: rule for rule in self.policy.rules}

    def dig(self, goal: Goal, done: Steps, left: int) -> None:
        """Look for changes of `left` more facts that reach the goal."""
        if self.tries <= 0:
            return
        self.tries -= 1
        now = {**self.facts, **{name: choice.near(self.facts.get(name)) for name, choice in done.items()}}
        decision = decide(self.policy, now)
        if goal.reached(decision):
            if done and done not in self.found:
                self.found.append(done)
            return
        if left == 0:
            return
        for step in self._steps(goal, decision, now, frozenset(done), left):
            further = {**done, **step}
            mark = (goal, left - len(step), frozenset(further.items()))
            if mark not in self.seen:
                self.seen.add(mark)
                self.dig(goal, further, left - len(step))

    def _steps(self, goal: Goal, decision: Decision, now: Facts, done: frozenset[str], left: int) -> Iterator[Steps]:
        """Yield what any change that reaches the goal must have one of."""
        sure = [self.rules[name] for name in decision.rules]
        awake = [*sure, *(self.rules[name] for name in decision.possible)]
        above = [rule for rule in awake if rule.tier > goal.tier]
        if above:
            yield from self._fall(above, now, done)
        elif not sure and goal.tier < Tier.R3:
            yield from self._match([r for r in self.policy.rules if r.tier <= goal.tier], now, done, left, sure=True)
        elif decision.tier < goal.tier:
            yield from self._match([r for r in self.policy.rules if r.tier == goal.tier], now, done, left, sure=False)
            if goal.tier is Tier.R3:
                yield from self._fall(sure, now, done)
        else:
            yield from self._alone(decision, awake, now, done)

    def _alone(self, decision: Decision, awake: list[Rule], now: Facts, done: frozenset[str]) -> Iterator[Steps]:
        """Yield what might let a decision of the right tier go out by itself."""
        first = self.policy.lanes[0]
        stops = [rule for rule in awake if rule.hold or not rule.auto_send or (rule.lane or first) != first]
        woken = [each for each in self.policy.triggers if each.id in decision.break_glass and each.lane != first]
        if stops:
            yield from self._fall(stops, now, done)
        elif woken:
            yield from self._change(woken[0].when.names(), now, done)
        else:
            yield from self._change(self.choices, now, done)

    def _fall(self, rules: Sequence[Rule], now: Facts, done: frozenset[str]) -> Iterator[Steps]:
        """Yield the changes that could make one of `rules` fall, all of which have to: of the one with the fewest."""
        fewest: frozenset[str] = min((rule.when.names() - done for rule in rules), key=len, default=frozenset())
        yield from self._change(fewest, now, done)

    def _change(self, names: Iterable[str], now: Facts, done: frozenset[str]) -> Iterator[Steps]:
        for name in sorted(set(names) - done, key=list(self.choices).index):
            for choice in self._others(name, now):
                yield {name: choice}

    def _match(
        self, rules: Iterable[Rule], now: Facts, done: frozenset[str], left: int, *, sure: bool
    ) -> Iterator[Steps]:
        """Yield what would make one of `rules` match, or at least may match where it need not be `sure`."""
        for rule in rules:
            for way in ways(rule.when, now, left, sure=sure):
                names = to_change(way, now, sure=sure)
                if names and not done & set(names):
                    fitting = [self._fitting(name, way, now) for name in names]
                    for picked in product(*fitting):
                        yield dict(zip(names, picked, strict=True))

    def _fitting(self, name: str, way: Way, now: Facts) -> list[Choice]:
        lines = [line for line in way if line.fact == name]
        return [each for each in self._others(name, now) if all(line.holds_for(each.value) for line in lines)]

    def _others(self, name: str, now: Facts) -> list[Choice]:
        """Return what a fact may be instead of what it is."""
        return [choice for choice in self.choices[name] if name not in now or not choice.has(now[name])]


def _known(steps: Steps, facts: Facts) -> int:
    return sum(name in facts for name in steps)


def _change(choice: Choice, facts: Facts) -> Change:
    before = facts.get(choice.fact)
    value = choice.near(before)
    return Change(fact=choice.fact, before=before, value=value, values=choice.values, low=choice.low, high=choice.high)


def _united(found: Iterable[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
    """Return the changes with those that differ in the value of one fact told as one, in the order of their first."""
    told = list(found)
    for place in range(len(told[0]) if told else 0):
        groups: dict[object, list[tuple[Change, ...]]] = {}
        for changes in told:
            groups.setdefault((changes[place].fact, changes[:place], changes[place + 1 :]), []).append(changes)
        told = [
            (*alike[0][:place], change, *alike[0][place + 1 :])
            for alike in groups.values()
            for change in _as_one([changes[place] for changes in alike])
        ]
    return told


def _as_one(changes: Sequence[Change]) -> list[Change]:
    """Return changes of one fact with values listed together, spans that touch joined, and sets that change more than
    another left out."""
    first = changes[0]
    if first.values:
        return [replace(first, values=tuple(value for each in changes for value in each.values))]
    if isinstance(first.value, frozenset):
        return [each for each in changes if not any(_moved(other) < _moved(each) for other in changes)]
    joined: list[Change] = []
    for each in sorted(changes, key=lambda each: (each.low is not None, each.low or 0)):
        last = joined[-1] if joined else None
        if last is not None and last.high is not None and each.low == last.high + 1:
            nearest = min((last, each), key=_distance)
            joined[-1] = replace(last, value=nearest.value, high=each.high)
        else:
            joined.append(each)
    return joined


def _moved(change: Change) -> frozenset[str]:
    before = change.before if isinstance(change.before, frozenset) else frozenset()
    return before ^ change.value if isinstance(change.value, frozenset) else frozenset()


def _distance(change: Change) -> int:
    value, before = change.value, change.before
    return abs(value - before) if isinstance(value, int) and isinstance(before, int) else 0
