"""What another pack would decide otherwise: proved for all facts, shown by example, and tried on cases that were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from caseward.core.errors import BadInput
from caseward.core.facts import Facts, FactSpec, Value, parse_facts
from caseward.core.pack import Golden, Pack
from caseward.core.policy import Decision, Hold, Policy, decide
from caseward.packs.encode import ANSWERS, FIELDS, Meaning, meaning
from caseward.packs.inputs import Inputs, Term, all_of, any_of, negated
from caseward.packs.rulediff import RuleChange, changes
from caseward.packs.solve import Search

PLAIN = ("tier", "approval", "auto_send", "executor", "hold")
"""Fields that tell what becomes of a case."""
AMOUNTS = tuple(name for name in ANSWERS if name not in PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A case that two policies decide differently."""

    facts: Facts
    phase: str
    topology: str
    before: Decision
    after: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A case that was: its facts as they were recorded."""

    where: str
    """What it is found by: a case's number and turn, a line of a file."""
    facts: Mapping[str, Any]
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A golden case or a past one that would be decided otherwise."""

    where: str
    facts: Facts
    before: Decision
    after: Decision
    differs: tuple[str, ...]
    """Fields of the decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Past cases, decided by either pack."""

    cases: tuple[Change, ...]
    """Those that come out otherwise."""
    tried: int
    """How many could be read."""
    unreadable: tuple[str, ...]
    """Those whose facts neither pack understands, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that another pack would decide otherwise."""

    differences: tuple[Difference, ...]
    """Examples, one of each kind; empty where it is proved that there are none."""
    golden: tuple[Change, ...]
    """Golden cases of either pack."""
    cases: tuple[Change, ...]
    """Past cases."""
    tried: int
    """How many past cases could be read."""
    unreadable: tuple[str, ...]
    """Past cases whose facts neither pack understands, and why."""
    rules: tuple[RuleChange, ...]
    """What was written otherwise."""

    @property
    def same(self) -> bool:
        """Whether nothing is ever decided otherwise, nor was."""
        return not (self.differences or self.golden or self.cases)


def compare(before: Pack, after: Pack, past: Iterable[Past] = (), *, limit: int = 20) -> Comparison:
    """Return what `after` would decide otherwise than `before`.

    Differences are looked for at the same phase and topology; golden and past cases are decided where each pack stands.

    Raises:
        BadInput: a fact of one pack is another kind of fact in the other.
    """
    past_cases = replay(before, after, past)
    return Comparison(
        differences=differences(before.policy, after.policy, limit=limit),
        golden=tuple(_golden(before, after)),
        cases=past_cases.cases,
        tried=past_cases.tried,
        unreadable=past_cases.unreadable,
        rules=tuple(changes(before, after)),
    )


def replay(before: Pack, after: Pack, past: Iterable[Past]) -> Replay:
    """Return which past cases `after` would have decided otherwise than `before`, each where it stands."""
    cases, unreadable, tried = [], [], 0
    for each in past:
        try:
            changed = _replayed(each.where, _known(before, after, each.facts), before.policy, after.policy)
        except BadInput as error:
            unreadable.append(f"{each.where}: {error}")
            continue
        tried += 1
        cases += changed
    return Replay(cases=tuple(cases), tried=tried, unreadable=tuple(unreadable))


def differences(a: Policy, b: Policy, *, limit: int = 20) -> tuple[Difference, ...]:
    """Return cases that two policies decide differently, the plainest first; nothing where they are proved equal.

    All facts that either knows are tried, in every phase and topology. Cases that both settle come before those in
    which a fact is missing. Each differs in another way from those before it: in what tier, lane, release, work and
    hold were and become, or in the amounts where those stay as they are.

    Raises:
        BadInput: a fact of one is another kind of fact in the other.
    """
    if a == replace(b, release=a.release):
        return ()  # the same to the letter: nothing is left to prove
    inputs = Inputs(a, b)
    before, after = meaning(a, inputs), meaning(b, inputs)
    search = Search(inputs, b)
    differs = inputs.named(before.differs(after, FIELDS))
    open_ = inputs.named(any_of((before.holds[Hold.MISSING], after.holds[Hold.MISSING])))
    shown: list[Term] = []
    found: list[Difference] = []
    for wanted in (negated(open_), open_):
        while len(found) < limit:
            example = search.example(differs, wanted, *shown, of=[before, after])
            if example is None:
                break
            case, (was, becomes) = example.case, example.decisions
            found.append(
                Difference(facts=case.facts, phase=case.phase, topology=case.topology, before=was, after=becomes)
            )
            shown.append(inputs.named(negated(_kind(before, after, was, becomes))))
    return tuple(found)


def _kind(before: Meaning, after: Meaning, was: Decision, becomes: Decision) -> Term:
    """Return when two policies differ in the way that these decisions do."""
    changed = [name for name in ANSWERS if getattr(was, name) != getattr(becomes, name)]
    plainly = any(name in PLAIN for name in changed)
    same = [] if plainly or changed else [negated(before.differs(after, AMOUNTS))]
    fields = PLAIN if plainly else (*PLAIN, *changed)
    return all_of((before.answers(was, fields), after.answers(becomes, fields), *same))


def _golden(before: Pack, after: Pack) -> Iterator[Change]:
    seen = set()
    for case in (*after.golden, *before.golden):
        key = (case.case, frozenset(case.facts.items()), case.phase, case.topology)
        if key not in seen:
            seen.add(key)
            yield from _replayed(f"{case.file}:{case.line}, {case.case}", case.facts, *_where(case, before, after))


def _where(case: Golden, before: Pack, after: Pack) -> tuple[Policy, Policy]:
    """Return both policies where the case stands."""
    policies = (before.policy, after.policy)
    one, other = (
        replace(each, phase=case.phase or each.phase, topology=case.topology or each.topology) for each in policies
    )
    return one, other


def _replayed(where: str, facts: Facts, before: Policy, after: Policy) -> list[Change]:
    was, becomes = decide(before, facts), decide(after, facts)
    differs = tuple(name for name in FIELDS if getattr(was, name) != getattr(becomes, name))
    return [Change(where=where, facts=facts, before=was, after=becomes, differs=differs)] if differs else []


def _known(before: Pack, after: Pack, raw: Mapping[str, Any]) -> Facts:
    """Return recorded facts as typed ones; raise BadInput for a fact or a value that neither pack knows."""
    specs: dict[str, FactSpec] = {**before.policy.facts, **after.policy.facts}
    facts: dict[str, Value] = {}
    for name, value in raw.items():
        try:
            facts |= parse_facts(specs, {name: value})
        except BadInput:
            if name not in before.policy.facts:
                raise
            facts |= parse_facts(before.policy.facts, {name: value})
    return facts
