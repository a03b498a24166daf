"""Whether a pack is fit to be served: its files read, its parts fit together, its golden cases and its matrix hold.

What is called a proof here was tried for every case there is. Statements over all possible facts are the prover's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from caseward.core.errors import PackError
from caseward.core.pack import Golden, Pack
from caseward.core.policy import Policy, decide
from caseward.packs import load, matrix, references, samples, separation
from caseward.packs.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A statement about a pack that was tried for every case there is."""

    name: str
    holds: bool
    counterexample: str = ""
    """The first case in which it does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is wrong with a pack, what should be looked at, and what is sure."""

    pack: Pack | None
    errors: tuple[PackError, ...]
    warnings: tuple[PackError, ...] = ()
    """Does not stop a pack from being served."""
    proofs: tuple[Proof, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the pack may be served."""
        return not self.errors and all(proof.holds for proof in self.proofs)


def check(folder: Path, *, skills: Collection[str], today: date) -> Report:
    """Check the pack in `folder` against the skills that exist, as of a day in its own zone."""
    pack, unreadable = load.read(folder)
    if pack is None:
        return Report(pack=None, errors=tuple(unreadable))
    places = Places(folder)
    errors = [*references.check(pack, places, skills=skills), *_golden(pack), *_records(pack, places)]
    errors += separation.check(pack, places)
    errors += [_in_matrix(places, message) for message in (*matrix.unspoken(pack), *matrix.undecidable(pack))]
    return Report(
        pack=pack,
        errors=tuple(errors),
        warnings=tuple(_warnings(pack, places, today)),
        proofs=(
            _proof("every golden case is decided as expected", (str(error) for error in _golden(pack))),
            _proof("R3 always needs a person", matrix.unattended(pack)),
            _proof("a higher tier never needs weaker consent", matrix.weaker(pack)),
            _proof("whatever needs consent has somebody who may give it", matrix.undecidable(pack)),
        ),
    )


def _golden(pack: Pack) -> Iterator[PackError]:
    for case in pack.golden:
        for message in case.differs(decide(_policy_of(pack, case), case.facts)):
            fix = "mend the rules, or what the case expects"
            yield PackError(message, file=case.file, line=case.line, rule=case.case, fix=fix)


def _policy_of(pack: Pack, case: Golden) -> Policy:
    policy = pack.policy
    return replace(policy, phase=case.phase or policy.phase, topology=case.topology or policy.topology)


def _records(pack: Pack, places: Places) -> Iterator[PackError]:
    try:
        samples.resolve(pack, datetime(2026, 1, 1, tzinfo=UTC))
    except PackError as error:
        yield places.entry(error.file, error.rule, error.message, fix=error.fix)


def _warnings(pack: Pack, places: Places, today: date) -> Iterator[PackError]:
    for article in pack.articles.values():
        if article.status == "published" and article.review_due(today):
            message = f"last reviewed on {article.reviewed}, and due every {article.review_days} days"
            fix = "read it again, and set `reviewed`"
            yield places.error(f"knowledge/{article.id}.yaml", message, at=("reviewed",), fix=fix)
    for rule in pack.policy.rules:
        others = tuple(each for each in pack.policy.rules if each is not rule)
        if not any(_golden(replace(pack, policy=replace(pack.policy, rules=others)))):
            message = "no golden case would notice if this rule were lost"
            yield places.entry(places.rule_file(rule.id), rule.id, message, fix="add a case with its boundary values")


def _in_matrix(places: Places, message: str) -> PackError:
    return places.error("approvals.yaml", message, fix="add a row for it, or let somebody decide in its lane")


def _proof(name: str, counterexamples: Iterable[str]) -> Proof:
    first = next(iter(counterexamples), "")
    return Proof(name=name, holds=not first, counterexample=first)
