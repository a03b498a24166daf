"""Conditions over facts, in three-valued (Kleene) logic: over an unknown fact one is neither true nor false."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from caseward.core.facts import NUMBERS, FactKind, Facts, Value

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

ORDER = ("lt", "lte", "gt", "gte")
OPERATORS_OF: Mapping[FactKind, tuple[str, ...]] = {
    FactKind.BOOL: ("is", "not"),
    FactKind.ENUM: ("is", "not", "in"),
    FactKind.RANK: ("is", "not", "in", *ORDER),
    **dict.fromkeys(NUMBERS, ("is", "not", *ORDER)),
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


def tests(condition: Condition) -> Iterator[Test]:
    """Yield every comparison in a condition."""
    if isinstance(condition, Test):
        yield condition
    else:
        for part in (condition.part,) if isinstance(condition, Not) else condition.parts:
            yield from tests(part)


def bounds(conditions: Iterable[Condition]) -> Mapping[str, list[int]]:
    """Return number fact → the numbers that some condition tells from the ones below them, in order.

    Between two of them all numbers are alike to these conditions.
    """
    found: dict[str, set[int]] = {}
    for test in (test for condition in conditions for test in tests(condition)):
        if isinstance(test.value, int) and not isinstance(test.value, bool):
            begins = {test.value} if test.operator not in ("lte", "gt") else set()
            ends = {test.value + 1} if test.operator not in ("lt", "gte") else set()
            found.setdefault(test.fact, set()).update(begins | ends)
    return {name: sorted(numbers) for name, numbers in found.items()}
