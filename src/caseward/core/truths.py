"""Many conditions asked at once, and quickly: what the value of one fact does to all of them is worked out once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from caseward.core.conditions import All, Condition, bounds
from caseward.core.facts import Facts, Value

KEPT = 1024
"""Answers that are remembered before all are forgotten."""
Answer: TypeAlias = tuple[int, int, int]
"""Bits of the conditions that hold or may hold, of those that surely hold, and of the facts that are unknown."""


class Truths:
    """Conditions that are asked together. Each has a bit: 1, 2, 4, ... in their order; so has each fact."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        """Sort the parts of the conditions by the fact that they ask about; those about several stay as they are."""
        self._every = (1 << len(conditions)) - 1
        self._facts = sorted({name for condition in conditions for name in condition.names()})
        self._parts: dict[str, list[tuple[int, Condition]]] = {name: [] for name in self._facts}
        self._mixed: list[tuple[int, Condition]] = []
        for i, condition in enumerate(conditions):
            for part in _joined(condition):
                names = tuple(part.names())
                of_one = self._parts[names[0]] if len(names) == 1 else self._mixed
                of_one.append((1 << i, part))
        numbers = bounds(conditions)
        self._known: list[tuple[str, list[int] | None, dict[Value, Answer]]] = [
            (name, numbers.get(name), {}) for name in self._facts
        ]
        """Each fact; of a number the bounds between which all are alike; and value, or place among the bounds → the
        conditions that it makes false, those that it leaves open, and no unknown fact."""
        places = {name: 1 << i for i, name in enumerate(self._facts)}
        self._asked = {1 << i: sum(places[name] for name in each.names()) for i, each in enumerate(conditions)}
        """Bit of a condition → bits of the facts it asks about."""
        self._unknown = {name: (*self._work_out(name, {}), place) for name, place in places.items()}

    def ask(self, facts: Facts) -> Answer:
        """Return what all conditions say of some facts."""
        false = unsettled = unknown = 0
        for name, between, remembered in self._known:
            if name in facts:
                value = facts[name]
                place = value if between is None else bisect_right(between, value)
                found = remembered.get(place) or self._learn(name, value, place, remembered)
            else:
                found = self._unknown[name]
                unknown |= found[2]
            false |= found[0]
            unsettled |= found[1]
        for bit, condition in self._mixed:
            if not false & bit:
                truth = condition.truth(facts)
                if truth is None:
                    unsettled |= bit
                elif not truth:
                    false |= bit
        may = self._every & ~false
        return may, may & ~unsettled, unknown

    def names(self, bits: Iterable[int], unknown: int) -> tuple[str, ...]:
        """Return the facts that the conditions with these bits ask about and that are among `unknown`, sorted."""
        asked = 0
        for bit in bits:
            asked |= self._asked[bit]
        asked &= unknown
        return tuple(name for i, name in enumerate(self._facts) if asked & 1 << i) if asked else ()

    def _learn(self, name: str, value: Value, place: Value, remembered: dict[Value, Answer]) -> Answer:
        if len(remembered) >= KEPT:
            remembered.clear()
        remembered[place] = (*self._work_out(name, {name: value}), 0)
        return remembered[place]

    def _work_out(self, name: str, facts: Facts) -> tuple[int, int]:
        false = unsettled = 0
        for bit, part in self._parts[name]:
            truth = part.truth(facts)
            if truth is None:
                unsettled |= bit
            elif not truth:
                false |= bit
        return false, unsettled


def _joined(condition: Condition) -> Iterator[Condition]:
    """Yield the parts that must all hold for `condition` to hold."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _joined(part)
    else:
        yield condition
