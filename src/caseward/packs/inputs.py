"""Every question that policies can be asked, as yes-or-no variables of a prover.

A fact is known or not, and has one of finitely many values: of a number only which stretch it lies in, between the
bounds that some condition names, for nothing tells two numbers of one stretch apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import z3

from caseward.core.conditions import OPERATORS, All, Condition, Not, Test, bounds
from caseward.core.errors import BadInput
from caseward.core.facts import NUMBERS, FactKind, Facts, FactSpec, Value
from caseward.core.invariant import SETTING, Invariant
from caseward.core.policy import Policy

Term: TypeAlias = z3.BoolRef | bool
"""Something that holds or not, depending on the variables; a plain bool where it does not depend on them."""
Choices: TypeAlias = Sequence[tuple[Value, Term]]
"""The values that something may have, each with whether it has it; exactly one holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question: the facts that are known, and where the business stands."""

    facts: Facts
    phase: str
    topology: str

    def of(self, policy: Policy) -> Policy:
        """Return the policy as it would be there."""
        return replace(policy, phase=self.phase, topology=self.topology)


class Inputs:
    """The variables of some policies, in a solver of their own."""

    def __init__(self, *policies: Policy, invariants: Iterable[Invariant] = ()) -> None:
        """Make the variables for these policies and promises; raise BadInput where a fact is not the same in all."""
        self.specs = _united(policies)
        self._context = z3.Context()  # of its own, so that two threads may prove at once
        self.solver = z3.SolverFor("QF_FD", ctx=self._context)
        self.solver.set("random_seed", 1)
        self._count = 0
        self._truths: dict[tuple[Condition, bool], tuple[Term, Term]] = {}
        told_apart = bounds(_whens(policies, invariants))
        self.known: dict[str, Term] = {name: self.variable(f"{name} is known") for name in self.specs}
        self.members = {
            name: {member: self.variable(f"{name} has {member}") for member in spec.values}
            for name, spec in self.specs.items()
            if spec.kind is FactKind.SET
        }
        """Fact that is a set → member → whether it is in."""
        self.choices: dict[str, Choices] = {
            name: self._one_of(name, list(_values(spec, told_apart.get(name, ()))))
            for name, spec in self.specs.items()
            if spec.kind is not FactKind.SET
        }
        """Any other fact → its values."""
        self.setting: dict[str, Choices] = {name: self._one_of(name, spec.values) for name, spec in SETTING.items()}
        """`phase` and `topology`, which are always known."""
        for name, choices in self.choices.items():
            if not choices:
                self.solver.add(negated(self.known[name]))

    def variable(self, name: str) -> z3.BoolRef:
        """Return a new variable; its name is for whoever looks at the formulas."""
        self._count += 1
        return z3.Bool(f"{self._count} {name}", ctx=self._context)

    def named(self, term: Term) -> Term:
        """Return a variable that stands for `term`, so that it is written once and may be asked for by itself."""
        if isinstance(term, bool):
            return term
        variable = self.variable("")
        self.solver.add(variable == term)
        return variable

    def at_most(self, terms: Iterable[Term], count: int) -> Term:
        """Return a variable that holds only where at most `count` of `terms` do."""
        variable = self.variable(f"at most {count}")
        self.solver.add(z3.Implies(variable, z3.AtMost(*terms, count)))
        return variable

    def truth(self, condition: Condition, *, promised: bool = False) -> tuple[Term, Term]:
        """Return when `condition` is surely true, and when it may be; that of a promise asks about the setting too."""
        key = (condition, promised)
        if key not in self._truths:
            self._truths[key] = self._truth(condition, promised)
        return self._truths[key]

    def standing(self, name: str, values: Iterable[str]) -> Term:
        """Return when the phase, or the topology, is one of `values`."""
        wanted = set(values)
        return any_of(term for value, term in self.setting[name] if value in wanted)

    def case(self, model: z3.ModelRef) -> Case:
        """Return the question that a model of the solver asks."""
        facts: dict[str, Value] = {}
        for name in self.specs:
            if true_in(model, self.known[name]):
                if name in self.members:
                    facts[name] = frozenset(each for each, term in self.members[name].items() if true_in(model, term))
                else:
                    facts[name] = chosen(model, self.choices[name])
        phase, topology = (str(chosen(model, self.setting[name])) for name in ("phase", "topology"))
        return Case(facts=facts, phase=phase, topology=topology)

    def _one_of(self, name: str, values: Sequence[Value]) -> Choices:
        choices = [(value, self.variable(f"{name} is {value}")) for value in values]
        if choices:
            variables = [term for _value, term in choices]
            self.solver.add(z3.Or(variables), z3.AtMost(*variables, 1))
        return choices

    def _truth(self, condition: Condition, promised: bool) -> tuple[Term, Term]:
        if isinstance(condition, Test):
            return self._test(condition, promised)
        if isinstance(condition, Not):
            sure, may = self.truth(condition.part, promised=promised)
            return negated(may), negated(sure)
        join = all_of if isinstance(condition, All) else any_of
        parts = [self.truth(part, promised=promised) for part in condition.parts]
        return self.named(join(sure for sure, _may in parts)), self.named(join(may for _sure, may in parts))

    def _test(self, test: Test, promised: bool) -> tuple[Term, Term]:
        holds = OPERATORS[test.operator]
        if promised and test.fact in self.setting:
            fits = any_of(term for value, term in self.setting[test.fact] if holds(value, test.value))
            return fits, fits
        if test.fact in self.members:
            members = self.members[test.fact].items()
            fits = any_of(term for member, term in members if holds(frozenset({member}), test.value))
        else:
            fits = any_of(term for value, term in self.choices[test.fact] if holds(value, test.value))
        known = self.known[test.fact]
        return self.named(all_of((known, fits))), self.named(any_of((negated(known), fits)))


def all_of(terms: Iterable[Term]) -> Term:
    """Return when all hold; True when there are none."""
    kept = [term for term in terms if term is not True]
    if any(term is False for term in kept):
        return False
    return z3.And(kept) if len(kept) > 1 else kept[0] if kept else True


def any_of(terms: Iterable[Term]) -> Term:
    """Return when one of them holds; False when there are none."""
    kept = [term for term in terms if term is not False]
    if any(term is True for term in kept):
        return True
    return z3.Or(kept) if len(kept) > 1 else kept[0] if kept else False


def negated(term: Term) -> Term:
    """Return when `term` does not hold."""
    return not term if isinstance(term, bool) else z3.Not(term)


def unlike(one: Term, other: Term) -> Term:
    """Return when one holds and the other does not."""
    if isinstance(one, bool):
        return negated(other) if one else other
    if isinstance(other, bool):
        return negated(one) if other else one
    return False if one.eq(other) else z3.Xor(one, other)


def true_in(model: z3.ModelRef, term: Term) -> bool:
    """Return whether `term` holds in a model."""
    return term if isinstance(term, bool) else z3.is_true(model.eval(term, model_completion=True))


def chosen(model: z3.ModelRef, choices: Choices) -> Value:
    """Return the value that it has in a model."""
    return next(value for value, term in choices if true_in(model, term))


def _united(policies: Iterable[Policy]) -> dict[str, FactSpec]:
    """Return the facts that any of the policies knows, each with all the values that any of them allows."""
    united: dict[str, FactSpec] = {}
    for policy in policies:
        for name, spec in policy.facts.items():
            united[name] = _both(united[name], spec) if name in united else spec
    return united


def _both(one: FactSpec, other: FactSpec) -> FactSpec:
    if _sort(one) != _sort(other):
        raise BadInput(
            f"fact {one.name} is {one.allowed()} in one pack and {other.allowed()} in the other, so that no case is a "
            "case of both; give the new fact another name"
        )
    lows = [spec.minimum for spec in (one, other) if spec.minimum is not None]
    highs = [spec.maximum for spec in (one, other) if spec.maximum is not None]
    return replace(
        other,
        values=tuple(dict.fromkeys((*one.values, *other.values))),
        minimum=min(lows) if len(lows) == 2 else None,
        maximum=max(highs) if len(highs) == 2 else None,
    )


def _sort(spec: FactSpec) -> tuple[FactKind, str]:
    """Return what two facts of a name must share to be the same fact."""
    kind = FactKind.ENUM if spec.kind is FactKind.RANK else spec.kind
    return kind, spec.unit if kind is FactKind.MONEY else ""


def _values(spec: FactSpec, begins: Iterable[int]) -> Iterator[Value]:
    """Yield the values to tell apart; of a number the lowest of each stretch, or the highest where it has no end."""
    if spec.kind is FactKind.BOOL:
        yield from (False, True)
    elif spec.kind not in NUMBERS:
        yield from spec.values
    elif spec.minimum is None or spec.maximum is None or spec.minimum <= spec.maximum:
        low, high = spec.minimum, spec.maximum
        inner = [each for each in begins if (low is None or each > low) and (high is None or each <= high)]
        below = inner[0] - 1 if inner else high if high is not None else 0
        yield from (below if low is None else low, *inner)


def _whens(policies: Iterable[Policy], invariants: Iterable[Invariant]) -> Iterator[Condition]:
    for policy in policies:
        yield from (rule.when for rule in policy.rules)
        yield from (row.when for row in policy.matrix)
        yield from (trigger.when for trigger in policy.triggers)
    yield from (promise.when for promise in invariants)
