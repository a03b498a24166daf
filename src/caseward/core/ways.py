"""What would make a condition true: the conjunctions of its tests, and the values that each fact would have to take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from caseward.core.conditions import OPERATORS, All, Any, Condition, Not, Test
from caseward.core.facts import NUMBERS, FactKind, Facts, FactSpec, Value
from caseward.core.policy import Policy

MOST_WAYS = 400
"""Conjunctions that are followed of one condition; rules as people write them have a handful."""
MOST_MEMBERS = 8
"""Up to so many members of a set that tests ask for, every combination is tried."""


@dataclass(frozen=True, slots=True)
class Line:
    """A test as a condition uses it: as it stands, or turned round."""

    test: Test
    negated: bool = False

    @property
    def fact(self) -> str:
        """The fact it asks about."""
        return self.test.fact

    def truth(self, facts: Facts) -> bool | None:
        """Return whether it holds; None when the fact is unknown."""
        truth = self.test.truth(facts)
        return truth if truth is None else truth is not self.negated

    def holds_for(self, value: Value) -> bool:
        """Return whether it holds for a value of its fact."""
        return OPERATORS[self.test.operator](value, self.test.value) is not self.negated


Way: TypeAlias = tuple[Line, ...]
"""Lines that, all true together, make a condition true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Values of one fact between which no test of the policy tells a difference."""

    fact: str
    value: Value
    """One of them: for numbers the end that is nearest to the rest of them."""
    values: tuple[Value, ...] = ()
    """All of them, for a bool, an enum or a rank."""
    low: int | None = None
    high: int | None = None
    """Ends of the span, for a number; None where it has no end."""

    def near(self, now: Value | None) -> Value:
        """Return the value of this choice that is nearest to what the fact is now."""
        if isinstance(now, bool) or not isinstance(now, int) or isinstance(self.value, str | frozenset | bool):
            return self.value
        if self.low is not None and now < self.low:
            return self.low
        return self.high if self.high is not None and now > self.high else now

    def has(self, value: Value) -> bool:
        """Return whether `value` is one of these."""
        if self.values or isinstance(self.value, frozenset):
            return value in (self.values or (self.value,))
        low, high = self.low, self.high
        return isinstance(value, int) and (low is None or value >= low) and (high is None or value <= high)


Choices: TypeAlias = Mapping[str, Sequence[Choice]]
"""Fact → its values as far as a policy tells them apart."""


def lines(condition: Condition, *, negated: bool = False) -> Iterator[Line]:
    """Yield the tests of a condition in the order in which it is written, turned round where `not` stands before."""
    match condition:
        case Test():
            yield Line(condition, negated)
        case All(parts) | Any(parts):
            for part in parts:
                yield from lines(part, negated=negated)
        case Not(part):
            yield from lines(part, negated=not negated)


def held(condition: Condition, facts: Facts, *, negated: bool = False) -> Iterator[Line]:
    """Yield the tests that made a true condition true: all of a conjunction, of alternatives those that hold."""
    match condition:
        case Test():
            line = Line(condition, negated)
            if line.truth(facts):
                yield line
        case Not(part):
            yield from held(part, facts, negated=not negated)
        case All(parts) | Any(parts):
            for part in parts:
                if part.truth(facts) is not negated and part.truth(facts) is not None:
                    yield from held(part, facts, negated=negated)


def ways(condition: Condition, facts: Facts, most: int, *, sure: bool = True) -> list[Way]:
    """Return the ways to make a condition true by changing at most `most` facts, those with the fewest first.

    Args:
        condition: what is to become true.
        facts: what is known now.
        most: facts that may be changed.
        sure: whether unknown facts must become known; else it is enough that the condition may be true.
    """
    found = _ways(condition, facts, most, sure, negated=False)
    return sorted(found, key=lambda way: len(to_change(way, facts, sure=sure)))


def to_change(way: Iterable[Line], facts: Facts, *, sure: bool = True) -> tuple[str, ...]:
    """Return the facts that would have to change, in the order of the lines."""
    wrong = (line.fact for line in way if not (line.truth(facts) or (line.truth(facts) is None and not sure)))
    return tuple(dict.fromkeys(wrong))


def _ways(condition: Condition, facts: Facts, most: int, sure: bool, *, negated: bool) -> list[Way]:
    match condition:
        case Test():
            alone = (Line(condition, negated),)
            return [alone] if len(to_change(alone, facts, sure=sure)) <= most else []
        case Not(part):
            return _ways(part, facts, most, sure, negated=not negated)
        case All(parts) | Any(parts):
            each = [_ways(part, facts, most, sure, negated=negated) for part in parts]
            if isinstance(condition, Any) is not negated:
                return list(dict.fromkeys(way for found in each for way in found))[:MOST_WAYS]
            joined: list[Way] = [()]
            for found in each:
                both = dict.fromkeys(tuple(dict.fromkeys((*left, *right))) for left in joined for right in found)
                joined = [way for way in both if len(to_change(way, facts, sure=sure)) <= most][:MOST_WAYS]
            return joined


def choices(policy: Policy) -> Choices:
    """Return, for every fact that rules, matrix or triggers ask about, its values as far as they tell them apart."""
    conditions = [
        *(rule.when for rule in policy.rules),
        *(row.when for row in policy.matrix),
        *(trigger.when for trigger in policy.triggers),
    ]
    asked: dict[str, list[Test]] = {}
    for condition in conditions:
        for line in lines(condition):
            if line.test not in asked.setdefault(line.fact, []):
                asked[line.fact].append(line.test)
    return {name: _choices(spec, asked[name]) for name, spec in policy.facts.items() if name in asked}


def _choices(spec: FactSpec, tests: Sequence[Test]) -> list[Choice]:
    if spec.kind in NUMBERS:
        return _spans(spec, tests)
    if spec.kind is FactKind.SET:
        return [Choice(fact=spec.name, value=value) for value in _sets(spec, tests)]
    alike: dict[tuple[bool, ...], list[Value]] = {}
    for value in (False, True) if spec.kind is FactKind.BOOL else spec.values:
        alike.setdefault(_answers(tests, value), []).append(value)
    return [Choice(fact=spec.name, value=values[0], values=tuple(values)) for values in alike.values()]


def _answers(tests: Iterable[Test], value: Value) -> tuple[bool, ...]:
    return tuple(OPERATORS[test.operator](value, test.value) for test in tests)


def _spans(spec: FactSpec, tests: Sequence[Test]) -> list[Choice]:
    """Return the stretches between the numbers that tests name, each with its own answer to all of them."""
    low, high = spec.minimum, spec.maximum
    named = {test.value for test in tests if isinstance(test.value, int)}
    starts = sorted({start for number in named for start in (number, number + 1)})
    inner = [start for start in starts if (low is None or start > low) and (high is None or start <= high)]
    spans: list[tuple[int | None, int | None]] = []
    for span in zip((low, *inner), (*(start - 1 for start in inner), high), strict=True):
        if spans and _answers(tests, _end(spans[-1])) == _answers(tests, _end(span)):
            spans[-1] = (spans[-1][0], span[1])
        else:
            spans.append(span)
    return [Choice(fact=spec.name, value=_end(span), low=span[0], high=span[1]) for span in spans]


def _end(span: tuple[int | None, int | None]) -> int:
    low, high = span
    return low if low is not None else high if high is not None else 0


def _sets(spec: FactSpec, tests: Sequence[Test]) -> list[Value]:
    """Return sets that differ in what tests say of them, those with the fewest members first."""
    named = {
        name for test in tests for name in (test.value if isinstance(test.value, frozenset) else {str(test.value)})
    }
    members = [name for name in spec.values if name in named]
    sizes = range(len(members) + 1) if len(members) <= MOST_MEMBERS else (0, 1, len(members))
    alike: dict[tuple[bool, ...], Value] = {}
    for size in sizes:
        for some in combinations(members, size):
            alike.setdefault(_answers(tests, frozenset(some)), frozenset(some))
    return list(alike.values())
