"""Whether a pack is fit to be served: its files read, its parts fit together, its golden cases and its proofs hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caseward.core.errors import PackError
from caseward.core.pack import Golden, Pack
from caseward.core.policy import Decision, Policy, decide
from caseward.packs import guards, load, references, samples, separation
from caseward.packs.places import RULES, Places

if TYPE_CHECKING:
    from caseward.packs.prove import Proof
    from caseward.packs.subject import Fault


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
    from caseward.packs import prove  # the prover is large, and whoever only loads a pack need not wait for it

    places = Places(folder)
    golden = tuple(_golden(_decided(pack.policy, pack.golden)))
    found = prove.findings(pack)
    wrong = [*found.unfit, *(fault for proof in found.proofs for fault in proof.faults)]
    return Report(
        pack=pack,
        errors=(
            *references.check(pack, places, skills=skills),
            *golden,
            *_records(pack, places),
            *separation.check(pack, places),
            *guards.check(pack, places),
            *(_placed(places, fault) for fault in wrong),
        ),
        warnings=(
            *_warnings(pack, places, today),
            *guards.doubtful(pack, places),
            *(_placed(places, fault) for fault in found.doubtful),
        ),
        proofs=(prove.statement("every golden case is decided as expected", map(str, golden)), *found.proofs),
    )


def _golden(cases: Iterable[tuple[Golden, Decision]]) -> Iterator[PackError]:
    for case, decision in cases:
        for message in case.differs(decision):
            fix = "mend the rules, or what the case expects"
            yield PackError(message, file=case.file, line=case.line, rule=case.case, fix=fix)


def _decided(policy: Policy, cases: Iterable[Golden]) -> Iterator[tuple[Golden, Decision]]:
    """Yield what is decided in each case, in the phase and topology that it means."""
    places: dict[tuple[str, str], Policy] = {}
    for case in cases:
        place = (case.phase or policy.phase, case.topology or policy.topology)
        if place not in places:
            places[place] = replace(policy, phase=place[0], topology=place[1])
        yield case, decide(places[place], case.facts)


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
    yield from _unguarded(pack, places)


def _unguarded(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield the rules that could be lost without any golden case being decided otherwise than it expects."""
    about: dict[str, list[Golden]] = defaultdict(list)
    for case, decision in _decided(pack.policy, pack.golden):
        for name in (*decision.rules, *decision.possible):
            about[name].append(case)
    for rule in pack.policy.rules:
        policy = replace(pack.policy, rules=tuple(each for each in pack.policy.rules if each is not rule))
        if not any(_golden(_decided(policy, about[rule.id]))):
            message = "no golden case would notice if this rule were lost"
            yield places.entry(places.rule_file(rule.id), rule.id, message, fix="add a case with its boundary values")


def _placed(places: Places, fault: Fault) -> PackError:
    if fault.id:
        file = places.rule_file(fault.id) if fault.file == RULES else fault.file
        return places.entry(file, fault.id, fault.message, at=fault.at, fix=fault.fix)
    if fault.file == RULES:
        return PackError(fault.message, file=fault.file, fix=fault.fix)
    return places.error(fault.file, fault.message, at=fault.at, fix=fault.fix)
