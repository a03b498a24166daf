"""A pack that statements are proved of: its policy as formulas, where to look for cases, and how to tell of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from caseward.core.errors import CasewardError
from caseward.core.facts import Facts, FactSpec
from caseward.core.pack import Pack
from caseward.core.policy import Decision, Rule
from caseward.packs.encode import meaning
from caseward.packs.inputs import Case, Inputs, Term
from caseward.packs.solve import Search
from caseward.packs.yamlfile import Place

SHOWN = 4
"""Rules that are named before the others are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in a pack's files that is wrong or useless."""

    file: str
    """A file of the pack, or places.RULES for a rule."""
    id: str = ""
    """The entry of the file, or the rule."""
    at: Place = ()
    """The part of that entry, or of the file."""
    message: str
    fix: str


class Subject:
    """A pack, translated once for all that is asked about it."""

    def __init__(self, pack: Pack) -> None:
        """Translate the pack's policy."""
        self.pack = pack
        self.policy = pack.policy
        self.inputs = Inputs(pack.policy, invariants=pack.invariants)
        self.meaning = meaning(pack.policy, self.inputs)
        self.search = Search(self.inputs, pack.policy)

    def rules(self) -> Iterator[tuple[Rule, Term, Term]]:
        """Yield each rule, with when it surely matches and when it may."""
        matches = self.meaning.matches
        yield from zip(self.policy.rules, matches.sure, matches.may, strict=True)

    def facts(self, case: Case) -> str:
        """Return the facts of a case as the pack writes them."""
        return in_words(self.inputs.specs, case.facts)


def in_words(specs: Mapping[str, FactSpec], facts: Facts) -> str:
    """Return facts as a pack writes them."""
    return ", ".join(f"{name}: {specs[name].show(value)}" for name, value in facts.items()) or "nothing known"


def standing(case: Case) -> str:
    """Return where the business stands in a case."""
    return f"in {case.phase}, {case.topology}"


def answer(decision: Decision) -> str:
    """Return in words what is decided, and by which rules."""
    if decision.auto_send:
        parts = [f"{decision.tier} goes out by itself"]
    else:
        people = f", {decision.needs} people" if decision.needs > 1 else ""
        parts = [f"{decision.tier} in lane {decision.approval}{people}"]
    parts += ["operations may run the task"] if decision.executor else []
    parts += [f"held: {decision.hold}"] if decision.hold else []
    might = f"; perhaps {_some(decision.possible)}" if decision.possible else ""
    return f"{', '.join(parts)} (by {_some(decision.rules) or 'no rule surely'}{might})"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def agreed(seen: bool, case: Case) -> None:
    """Raise CasewardError unless the gate was seen to do in a case what the prover says of it."""
    if not seen:
        raise CasewardError(
            f"the prover and the gate disagree, which is a fault of this program and not of the pack: {case}"
        )
