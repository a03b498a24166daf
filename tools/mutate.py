"""Try whether anything notices when a pack's policy slips: `python -m tools.mutate PACK... [--sample N]`.

A slip (`tools/mutants.py`) is noticed when a golden case, a promise or a proof fails because of it. One that is proved
to change no decision is no slip. Whatever else is left survives, unless the pack accepts it in mutants.yaml and says
why. A promise, or a part of one, is needed when a decision of a slipped policy breaks it, and not what is left of it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TypeAlias

from caseward.core.conditions import All
from caseward.core.errors import CasewardError, PackError
from caseward.core.facts import Facts
from caseward.core.invariant import PHASES, SETTING, TOPOLOGIES, Invariant, outcome, outcome_specs
from caseward.core.pack import Pack
from caseward.core.policy import Policy, decide
from caseward.packs.load import load
from caseward.packs.prove import prove
from caseward.packs.whatif import differences
from caseward.packs.yamlfile import read
from tools.cases_near import decisions, neighbours
from tools.mutants import Mutant, Weakened, mutants, weakened

ACCEPTED = "mutants.yaml"
TRIED = 400
"""Facts on which a slip is tried against the promises, in every phase and topology."""
TRIED_EACH = 10
"""Facts that a promise is about, which are tried beside them."""
NOTICED = ("golden case", "promise", "proof")
Noticed: TypeAlias = tuple[str, str] | tuple[()]
"""How and by what a slip was noticed; empty where it was not."""
FATES = (*NOTICED, "no slip", "accepted", "SURVIVED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one slip."""

    kind: str
    """`rule`, `row`, `trigger` or `promise`."""
    name: str
    fate: str
    """One of FATES."""
    by: str = ""
    """What noticed it, or why it is accepted."""


class Trial:
    """A pack whose policy is made to slip."""

    def __init__(self, pack: Pack, *, accepted: Mapping[str, str]) -> None:
        """Take a pack with the slips that it accepts, each with its reason."""
        self.pack = pack
        self.chance = random.Random(pack.digest)  # noqa: S311 - the same choice each time, and no secret
        self._accepted = accepted
        self._facts = list(neighbours(pack))
        self._weakened = list(weakened(pack.invariants, {**pack.policy.facts, **SETTING}, outcome_specs(pack.policy)))
        self._about = [
            facts
            for promise in pack.invariants
            for facts in [each for each in self._facts if promise.when.truth(each) is not False][:TRIED_EACH]
        ]
        self._needed: dict[str, str] = {}
        """Weakened promise → the slip that only the whole promise notices."""

    def sampled(self, chosen: Iterable[Mutant]) -> Iterator[Result]:
        """Yield what becomes of some slips, the quickest test first."""
        for mutant in chosen:
            yield self._result(mutant, self._case(mutant) or self._promise(mutant))

    def all(self) -> Iterator[Result]:
        """Yield what becomes of every slip, and of every promise that promises less."""
        for mutant in mutants(self.pack.policy):
            promise = self._promise(mutant)
            yield self._result(mutant, self._case(mutant) or promise)
        # triggers and rows are two nets under the same fall: without the one, the other is seen to hold
        for mutant in mutants(replace(self.pack.policy, triggers=())):
            if mutant.kind == "row":
                self._promise(mutant)
        for each in self._weakened:
            by = self._needed.get(each.name, "")
            if by:
                yield Result(kind="promise", name=each.name, fate="promise", by=by)
            elif _says_the_same(each, self.pack.policy):
                yield Result(kind="promise", name=each.name, fate="no slip")
            else:
                yield self._left("promise", each.name)

    def _result(self, mutant: Mutant, noticed: Noticed) -> Result:
        if noticed:
            return Result(kind=mutant.kind, name=mutant.name, fate=noticed[0], by=noticed[1])
        proof = next((each.name for each in prove(replace(self.pack, policy=mutant.policy)) if not each.holds), "")
        if proof:
            return Result(kind=mutant.kind, name=mutant.name, fate="proof", by=proof)
        if not differences(_in_effect(self.pack.policy, mutant), _in_effect(mutant.policy, mutant), limit=1):
            return Result(kind=mutant.kind, name=mutant.name, fate="no slip")
        return self._left(mutant.kind, mutant.name)

    def _left(self, kind: str, name: str) -> Result:
        because = self._accepted.get(f"{kind} {name}", "")
        return Result(kind=kind, name=name, fate="accepted" if because else "SURVIVED", by=because)

    def _case(self, mutant: Mutant) -> Noticed:
        """Return the first golden case that notices the slip."""
        for case in self.pack.golden:
            if mutant.touches(case.facts):
                where = (case.phase or self.pack.policy.phase, case.topology or self.pack.policy.topology)
                if case.differs(decide(_in(mutant.policy, where), case.facts)):
                    return "golden case", case.case
        return ()

    def _promise(self, mutant: Mutant) -> Noticed:
        """Return a promise that the slip breaks, if one is found; remember which parts of promises it shows needed."""
        touched = [facts for facts in self._facts if mutant.touches(facts)]
        about = [facts for facts in self._about if mutant.touches(facts)]
        found: Noticed = ()
        policies = [_in(mutant.policy, where) for where in product(PHASES, TOPOLOGIES)]
        for facts in (*about, *self.chance.sample(touched, min(TRIED, len(touched)))):
            for policy in policies:
                given = {**facts, "phase": policy.phase, "topology": policy.topology}
                said = outcome(decide(policy, facts))
                for promise in self.pack.invariants:
                    if _breaks(promise, given, said):
                        found = found or ("promise", promise.id)
                        self._need(promise, given, said, mutant)
        return found

    def _need(self, promise: Invariant, given: Facts, said: Facts, mutant: Mutant) -> None:
        for each in self._weakened:
            unsettled = each.promise is promise and each.name not in self._needed
            if unsettled and (each.left is None or not _breaks(each.left, given, said)):
                self._needed[each.name] = mutant.name


def try_out(folder: Path, *, sample: int = 0) -> tuple[Result, ...]:
    """Return what becomes of every slip in the pack in `folder`, or of `sample` of them, the same ones each time.

    Promises are weighed only when all slips are tried. Raises PackError for a pack that cannot be read, or accepts what
    does not survive.
    """
    pack = load(folder)
    accepted = _accepted(folder)
    trial = Trial(pack, accepted=accepted)
    if sample:
        every = list(mutants(pack.policy))
        return tuple(trial.sampled(trial.chance.sample(every, min(sample, len(every)))))
    results = tuple(trial.all())
    idle = accepted.keys() - {f"{each.kind} {each.name}" for each in results if each.fate == "accepted"}
    if idle:
        raise PackError(f"{min(idle)!r} is accepted and does not survive", file=ACCEPTED, fix="take it out")
    return results


def main(arguments: Sequence[str]) -> int:
    """Print what becomes of the slips in each pack; return 1 when one survives that nobody accepted."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description="Try whether slips are noticed.")
    parser.add_argument("packs", nargs="+", type=Path, metavar="PACK")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="try N slips of each pack instead of all")
    options = parser.parse_args(arguments)
    survived = 0
    for folder in options.packs:
        try:
            results = try_out(folder, sample=options.sample)
        except CasewardError as error:
            print(f"{folder}: {error}", file=sys.stderr)
            return 2
        print(f"{folder}\n{table(results)}", flush=True)
        survived += sum(each.fate == "SURVIVED" for each in results)
    return 1 if survived else 0


def table(results: Sequence[Result]) -> str:
    """Return the results as a table, with a line for every slip that is accepted or survived."""
    counts = Counter((each.kind, each.fate) for each in results)
    rows: list[tuple[object, ...]] = [("", "slips", *FATES)]
    for kind in (*dict.fromkeys(each.kind for each in results), "all"):
        row = [sum(n for (k, f), n in counts.items() if kind in (k, "all") and f == fate) for fate in FATES]
        rows.append((kind, sum(row), *row))
    lines = ["  " + "".join(f"{cell:>13}" for cell in row) for row in rows]
    real = sum(each.fate != "no slip" for each in results)
    noticed = sum(each.fate in NOTICED for each in results)
    lines.append(f"  {noticed} of {real} real slips are noticed ({noticed / max(real, 1):.1%}).")
    for each in results:
        if each.fate in ("accepted", "SURVIVED"):
            lines.append(f"  {each.fate}: {each.kind} {each.name}" + (f" ({each.by})" if each.by else ""))
    return "\n".join(lines)


def _accepted(folder: Path) -> dict[str, str]:
    path = folder / ACCEPTED
    if not path.exists():
        return {}
    file = read(path, ACCEPTED)
    accepted: dict[str, str] = {}
    for i, row in enumerate(file.data if isinstance(file.data, list) else [file.data]):
        if (
            not isinstance(row, dict)
            or set(row) != {"slip", "because"}
            or not all(str(row[key]).strip() for key in row)
        ):
            raise file.error("an entry is a slip and a reason", at=(i,), fix="write `- slip: ...` and `because: ...`")
        accepted[str(row["slip"])] = str(row["because"])
    return accepted


def _in(policy: Policy, where: tuple[str, str]) -> Policy:
    return replace(policy, phase=where[0], topology=where[1])


def _in_effect(policy: Policy, mutant: Mutant) -> Policy:
    """Return a policy without what cannot matter as long as the matrix is whole: confidence counts only where something
    goes out by itself, and there the tier is settled, so that it hangs on the row alone.
    """
    if mutant.kind == "row":
        return policy
    return replace(policy, matrix=tuple(replace(row, confidence=0) for row in policy.matrix))


def _says_the_same(each: Weakened, policy: Policy) -> bool:
    """Return whether what is left of a promise says the same of every decision that a gate can make."""
    left = each.left or replace(each.promise, then=All(()))
    thens = (each.promise.then, left.then)
    return left.when == each.promise.when and all(
        thens[0].truth(said) is thens[1].truth(said) for said in decisions(policy, thens)
    )


def _breaks(promise: Invariant, given: Facts, said: Facts) -> bool:
    return promise.when.truth(given) is not False and promise.then.truth(said) is not True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
