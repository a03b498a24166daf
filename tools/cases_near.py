"""Facts near those of golden cases, and all that a gate can say: what slips and promises are tried on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from caseward.core.conditions import All, Condition, Not, Test
from caseward.core.conditions import Any as AnyOf
from caseward.core.facts import NUMBERS, FactKind, Facts, FactSpec, Value
from caseward.core.pack import Pack
from caseward.core.policy import Hold, Policy, Tier


def neighbours(pack: Pack) -> Iterator[Facts]:
    """Yield the facts of every golden case, and those that differ from them in one fact: another value, or unknown."""
    policy = pack.policy
    conditions = [rule.when for rule in policy.rules] + [row.when for row in policy.matrix]
    conditions += [trigger.when for trigger in policy.triggers] + [promise.when for promise in pack.invariants]
    values = {name: tuple(_values(spec, conditions)) for name, spec in policy.facts.items()}
    seen = set()
    for case in pack.golden:
        fewer = [{key: value for key, value in case.facts.items() if key != name} for name in case.facts]
        other = ({**case.facts, name: value} for name in values for value in values[name])
        for facts in (dict(case.facts), *fewer, *other):
            if (key := frozenset(facts.items())) not in seen:
                seen.add(key)
                yield facts


def decisions(policy: Policy, thens: Iterable[Condition]) -> Iterator[Facts]:
    """Yield all that promises can be told of a decision: nothing goes out by itself that needs consent or is held, and
    nothing is done that is held (tests/property/test_policy.py). Numbers lie around the bounds in `thens`.
    """
    bounds = [(test.fact, bound) for test in tests(thens) for bound in _around(test)]
    people, seconds = (
        sorted({least} | {bound for fact, bound in bounds if fact == name and bound >= least})
        for name, least in (("needs", 1), ("hold_seconds", 0))
    )
    switches = (False, True)
    for tier, lane, hold, auto, runs in product(Tier, policy.lanes, ("none", *Hold), switches, switches):
        if (auto and (lane != policy.lanes[0] or hold != "none")) or (runs and hold != "none"):
            continue
        said: dict[str, Value] = {"tier": str(tier), "lane": lane, "hold": str(hold)}
        for needs, wait in product(people, seconds):
            yield {**said, "auto_send": auto, "executes": runs, "needs": needs, "hold_seconds": wait}


def tests(conditions: Iterable[Condition]) -> Iterator[Test]:
    """Yield every comparison in conditions."""
    for condition in conditions:
        match condition:
            case Test():
                yield condition
            case All(parts=parts) | AnyOf(parts=parts):
                yield from tests(parts)
            case Not(part=part):
                yield from tests((part,))


def _values(spec: FactSpec, conditions: Iterable[Condition]) -> Iterator[Value]:
    """Yield the values of a fact that conditions tell apart: all there are, or those around each bound."""
    if spec.kind is FactKind.BOOL:
        yield from (False, True)
    elif spec.kind is FactKind.SET:
        yield from (frozenset(), *(frozenset({value}) for value in spec.values), frozenset(spec.values))
    elif spec.kind in NUMBERS:
        near = {value for test in tests(conditions) if test.fact == spec.name for value in _around(test)}
        low, high = spec.minimum, spec.maximum
        yield from (each for each in sorted(near) if (low is None or each >= low) and (high is None or each <= high))
    else:
        yield from spec.values


def _around(test: Test) -> tuple[int, ...]:
    return tuple(test.value + step for step in (-1, 0, 1)) if isinstance(test.value, int) else ()
