"""An explanation's parts in plain words: lines of rules, what facts would have to be, what asks for consent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from caseward.core.changes import Change
from caseward.core.conditions import All, Any, Condition, Not, Test
from caseward.core.explain import Asked, Need
from caseward.core.facts import FactSpec, Value
from caseward.core.policy import ALWAYS, Rule
from caseward.core.ways import Line

COMPARED: Mapping[tuple[str, bool], str] = {
    ("is", False): "is {}",
    ("not", True): "is {}",
    ("is", True): "is not {}",
    ("not", False): "is not {}",
    ("in", False): "is {}",
    ("in", True): "is not {}",
    ("lt", False): "is less than {}",
    ("gte", True): "is less than {}",
    ("lte", False): "is {} or less",
    ("gt", True): "is {} or less",
    ("gt", False): "is more than {}",
    ("lte", True): "is more than {}",
    ("gte", False): "is {} or more",
    ("lt", True): "is {} or more",
    ("has", False): "has {}",
    ("has_any", False): "has {}",
    ("has", True): "does not have {}",
    ("has_any", True): "does not have {}",
}
"""Operator, and whether the test is turned round → words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """How facts and their values are written: as the pack writes them, unless a page has its own way."""

    facts: Mapping[str, FactSpec]
    name: Callable[[str], str] = str
    show: Callable[[FactSpec, Value], str] = FactSpec.show

    def value(self, fact: str, value: Value | None) -> str:
        """Return a value in words; `unknown` for none."""
        return "unknown" if value is None else self.show(self.facts[fact], value)

    def line(self, line: Line) -> str:
        """Return what a line says: `minutes_to_session is less than 60`."""
        return f"{self.name(line.fact)} {self.says(line)}"

    def says(self, line: Line) -> str:
        """Return what a line says of its fact: `is less than 60`."""
        test, spec = line.test, self.facts[line.fact]
        if isinstance(test.value, bool):
            return f"is {self.show(spec, line.holds_for(True))}"
        named = test.value if isinstance(test.value, frozenset) else frozenset({test.value})
        members = [self.show(spec, name) for name in spec.values if name in named]
        return COMPARED[test.operator, line.negated].format(either(members) or self.show(spec, test.value))

    def condition(self, condition: Condition, *, negated: bool = False) -> str:
        """Return a condition in words, alternatives in brackets; nothing for one that always holds."""
        match condition:
            case Test():
                return self.line(Line(condition, negated))
            case Not(part):
                return self.condition(part, negated=not negated)
            case All(parts) | Any(parts):
                told = [self.condition(part, negated=negated) for part in parts]
                if isinstance(condition, All) is not negated:
                    return " and ".join(told)
                return f"({' or '.join(told)})" if len(told) > 1 else "".join(told)

    def needed(self, need: Need) -> str:
        """Return what a fact would have to be, and what it is: `intent is refund (now faq)`."""
        wanted = " and ".join(self.says(line) for line in need.lines)
        return f"{self.name(need.fact)} {wanted}{self._now(need.fact, need.now)}"

    def changed(self, change: Change) -> str:
        """Return what a fact would have to be, and what it is: `minutes_to_session is 59 or less (now 300)`."""
        return f"{self.name(change.fact)} is {self.target(change)}{self._now(change.fact, change.before)}"

    def _now(self, fact: str, value: Value | None) -> str:
        """Return what a fact is, in brackets; nothing where it is not known: that is said once, above."""
        return "" if value is None else f" (now {self.value(fact, value)})"

    def target(self, change: Change) -> str:
        """Return all values of a change in words: `refund or cancel`, `59 or less`."""
        spec = self.facts[change.fact]
        low, high = change.low, change.high
        if isinstance(change.value, frozenset) or (low == high and low is not None):
            return self.show(spec, change.value)
        if change.values and len(change.values) < (len(spec.values) or 2):
            return either([self.show(spec, value) for value in change.values])
        if low is None and high is None:
            return "anything, once it is known"
        if low is None or high is None:
            return f"{self.show(spec, high)} or less" if high is not None else f"{self.show(spec, low or 0)} or more"
        return f"{self.show(spec, low)} to {self.show(spec, high)}"

    def asks(self, asked: Asked) -> str:
        """Return what asks for consent: `the approval matrix, for R1`."""
        match asked.by:
            case "row":
                where = f" where {self.condition(asked.row.when)}" if asked.row and asked.row.when != ALWAYS else ""
                return f"the approval matrix, for {asked.tier}{where}"
            case "no row":
                return f"the approval matrix, as no row of it surely speaks for {asked.tier}"
            case "rule":
                return f"rule {asked.id}"
            case "trigger":
                return f"break-glass trigger {asked.id}"


def demands(rule: Rule) -> str:
    """Return what a rule asks for beside its tier: `holds: verification, lane coach`."""
    also = (
        f"holds: {rule.hold}" if rule.hold else "",
        f"lane {rule.lane}" if rule.lane else "",
        "" if rule.auto_send else "never by itself",
        "may be run" if rule.executes else "",
    )
    return ", ".join(part for part in also if part)


def joined(parts: Iterable[str]) -> str:
    """Return words as one list: `a, b and c`."""
    return _listed(list(parts), "and")


def either(words: Sequence[str]) -> str:
    """Return words as alternatives: `a, b or c`."""
    return _listed(words, "or")


def _listed(words: Sequence[str], word: str) -> str:
    return f"{', '.join(words[:-1])} {word} {words[-1]}" if len(words) > 1 else "".join(words)
