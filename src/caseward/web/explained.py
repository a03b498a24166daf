"""The decisions of a case, explained by the rules, the phase and the topology they were made in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from caseward.core.checks import facts_of
from caseward.core.errors import BadInput, CasewardError
from caseward.core.explain import Explanation, explain
from caseward.core.facts import Value
from caseward.core.pack import Pack
from caseward.core.policy import Policy
from caseward.packs import shelf
from caseward.packs.load import load_policy
from caseward.store import phases, releases
from caseward.store.casefile import CaseFile, Decided
from caseward.store.phases import PhaseDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One decision with its explanation."""

    turn: int
    policy: Policy
    """The rules it is explained by: those it was made by, where they were kept."""
    facts: Mapping[str, Value]
    """As far as the rules know them."""
    explanation: Explanation
    notes: Sequence[str]
    """What a reader must know beside it, a sentence each."""


def of_case(pack: Pack, file: CaseFile) -> list[Explained]:
    """Return the decisions of a case, newest first; needs an open transaction."""
    decided = phases.every()
    return [_explained(pack, each, decided) for each in file.decided]


def _explained(pack: Pack, decided: Decided, history: Sequence[PhaseDecision]) -> Explained:
    policy = _policy(pack, decided.release)
    phase = next((each for each in history if each.at <= decided.at), None)
    if phase is not None:
        policy = replace(policy, phase=phase.phase, topology=phase.topology)
    facts, strange = _facts(policy, decided)
    told = explain(policy, facts)
    return Explained(
        turn=decided.turn, policy=policy, facts=facts, explanation=told, notes=_notes(policy, decided, told, strange)
    )


def _notes(policy: Policy, decided: Decided, told: Explanation, strange: Sequence[str]) -> list[str]:
    notes = [f"A person was asked because {reason}." for reason in decided.body.get("reasons") or ()]
    if policy.release != decided.release:
        notes.append(f"The rules of release {decided.release} were not kept; these are those of {policy.release}.")
    if strange:
        notes.append(f"These rules do not know {', '.join(strange)}.")
    if told.decision.tier != decided.tier:
        notes.append(f"It was decided as {decided.tier}; by these rules it is {told.decision.tier}.")
    return notes


def _policy(pack: Pack, release: str) -> Policy:
    """Return the rules of a release, or those that are served where its own were not kept or cannot be read."""
    if release == pack.profile.release:
        return pack.policy
    try:
        return _kept(release)
    except CasewardError:
        return pack.policy


@lru_cache(maxsize=8)
def _kept(release: str) -> Policy:
    with shelf.laid_out(releases.files(release)) as folder:
        return replace(load_policy(folder), release=release)


def _facts(policy: Policy, decided: Decided) -> tuple[Mapping[str, Value], list[str]]:
    """Return the facts of a decision that the rules know, and the names of those that they do not."""
    known: dict[str, Value] = {}
    strange = []
    for fact in facts_of(decided.body):
        try:
            known[fact.name] = policy.facts[fact.name].parse(fact.value)
        except (KeyError, BadInput):
            strange.append(fact.name)
    return known, strange
