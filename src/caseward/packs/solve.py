"""Asks the prover: can it ever be, and what is the plainest case of it?

Nothing is believed unseen: every case that the prover finds is put to core's `decide`, and where the two answer
differently the program is at fault and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import z3

from caseward.core.errors import CasewardError
from caseward.core.policy import Decision, Policy, decide
from caseward.packs.encode import Meaning
from caseward.packs.inputs import Case, Inputs, Term, all_of, negated

EFFORT = 3_000_000
"""How hard it is tried to show that fewer facts will not do, in steps of the solver: the same on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A case that was found, and what each policy that was asked about decides there."""

    case: Case
    decisions: tuple[Decision, ...]


class Search:
    """Looks for cases among the inputs. The same question always finds the same case."""

    def __init__(self, inputs: Inputs, policy: Policy) -> None:
        """Look among `inputs`; where phase and topology do not matter, an example stands where `policy` does."""
        self._inputs = inputs
        self._solver = inputs.solver
        self._at_most: dict[int, Term] = {}
        self._home = {"phase": policy.phase, "topology": policy.topology}

    def ever(self, *terms: Term) -> bool:
        """Return whether all of `terms` can hold together."""
        return self._sat(terms)

    def example(self, *terms: Term, of: Sequence[Meaning] = (), about: Collection[str] | None = None) -> Example | None:
        """Return a case in which all of `terms` hold and as few facts as possible are known; None when there is none.

        Of several, the one that is known by the facts that the pack lists first, with the values that it lists first.

        Args:
            terms: what must hold.
            of: whose decisions are wanted.
            about: the facts that the terms depend on, where that is known; the others are left unknown.
        """
        known = self._inputs.known
        asked = [known[name] for name in known if about is None or name in about]
        others = [negated(known[name]) for name in known if not (about is None or name in about)]
        goal = self._inputs.named(all_of((*terms, *others)))
        if not self._sat([goal]):
            return None
        fixed = [goal, self._bound(self._fewest(goal, asked))]
        for name, home in self._home.items():
            choices = self._inputs.setting[name]
            at_home = [term for value, term in choices if value == home]
            self._settle(fixed, at_home + [term for value, term in choices if value != home])
        for each in reversed(asked):
            self._settle(fixed, [negated(each), each])
        for choices_left in self._open(fixed):
            self._settle(fixed, choices_left)
        model = self._model(fixed)
        case = self._inputs.case(model)
        return Example(case=case, decisions=tuple(confirmed(each, case, model) for each in of))

    def _fewest(self, goal: Term, asked: Sequence[Term]) -> int:
        """Return how few facts must be known."""
        unknown: list[Term] = []
        for each in asked:  # quickly down to a few; whether fewer would do is seen below
            if self._sat([goal, *unknown, negated(each)]):
                unknown.append(negated(each))
        fewest = len(asked) - len(unknown)
        while fewest and self._might([goal, self._bound(fewest - 1)]):
            fewest -= 1
        return fewest

    def _open(self, fixed: Sequence[Term]) -> Iterator[Sequence[Term]]:
        """Yield the choices that are left: the value of each known fact."""
        for name in self._inputs.case(self._model(fixed)).facts:
            if name in self._inputs.members:
                for term in self._inputs.members[name].values():
                    yield [negated(term), term]
            else:
                yield [term for _value, term in self._inputs.choices[name]]

    def _settle(self, fixed: list[Term], choices: Sequence[Term]) -> None:
        """Add the first choice that is possible."""
        fixed.append(next(each for each in choices if self._sat([*fixed, each])))

    def _bound(self, count: int) -> Term:
        if count not in self._at_most:
            self._at_most[count] = self._inputs.at_most(self._inputs.known.values(), count)
        return self._at_most[count]

    def _might(self, terms: Sequence[Term]) -> bool:
        """Return whether they can hold together, as far as some effort shows."""
        self._solver.set("rlimit", EFFORT)
        answer = self._solver.check(*terms)
        self._solver.set("rlimit", 0)
        return bool(answer == z3.sat)

    def _model(self, terms: Sequence[Term]) -> z3.ModelRef:
        """Return a model of terms that can hold together."""
        self._sat(terms)
        return self._solver.model()

    def _sat(self, terms: Sequence[Term]) -> bool:
        if any(term is False for term in terms):
            return False
        answer = self._solver.check(*(term for term in terms if term is not True))
        if answer == z3.unknown:
            raise CasewardError(f"the prover gave up: {self._solver.reason_unknown()}")
        return bool(answer == z3.sat)


def confirmed(meaning: Meaning, case: Case, model: z3.ModelRef) -> Decision:
    """Return what the gate decides in a case that was found; raise CasewardError unless it is what was proved."""
    decision = decide(case.of(meaning.policy), case.facts)
    proved = meaning.read(model)
    if proved != decision:
        raise CasewardError(
            "the prover and the gate disagree, which is a fault of this program and not of the pack: "
            f"{case} was proved to be {proved}, and is decided as {decision}"
        )
    return decision
