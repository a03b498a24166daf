"""Statements about consent: the approval matrix, the lanes, and what must never go out without a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product

from caseward.core.invariant import PHASES, TOPOLOGIES
from caseward.core.policy import ALWAYS, Decision, Grant, Policy, Rule, Tier, decide
from caseward.packs.encode import Consent, ask, strongest
from caseward.packs.inputs import Case, Term, all_of, any_of, negated, unlike
from caseward.packs.subject import Fault, Subject, agreed, answer, standing

MATRIX = "approvals.yaml"


def blank(subject: Subject) -> Iterator[Fault]:
    """Yield places of the matrix that no row speaks of, whether or not a decision can fall there."""
    rows = subject.policy.matrix
    for tier, phase, topology in product(Tier, PHASES, TOPOLOGIES):
        if not any(row.tier == tier and phase in row.phases and topology in row.topologies for row in rows):
            yield _fault(f"no row speaks of {tier} in {phase}, {topology}", fix="add a row for it")


def unspoken(subject: Subject) -> Iterator[Fault]:
    """Yield decisions of a settled tier that no row speaks of, so that they fall to the strictest lane unsaid."""
    matches = subject.meaning.matches
    for tier in Tier:
        rows = [row for row in subject.policy.matrix if row.tier is tier]
        silent = [negated(_there(subject, row)) for row in rows]
        found = subject.search.example(matches.tier[tier], matches.above[tier], *silent, of=[subject.meaning])
        if found:
            case = found.case
            agreed(found.decisions[0].tier is tier and not any(_speaks(row, case) for row in rows), case)
            yield _fault(f"no row speaks of {tier} {standing(case)} on {subject.facts(case)}", fix="add a row for it")


def weaker(subject: Subject) -> Iterator[Fault]:
    """Yield cases in which the matrix asks for weaker consent to a tier than to the one below it.

    Consent is weaker in a weaker lane, by fewer people of the same lane, or where it goes out by itself.
    """
    asked = {tier: ask(subject.policy, subject.inputs, tier.__eq__) for tier in Tier}
    for low, high in pairwise(Tier):
        found = subject.search.example(_falls(subject, asked[low], asked[high]))
        if found:
            case = found.case
            below, above = (decide(_matrix_alone(case.of(subject.policy), tier), case.facts) for tier in (low, high))
            agreed(_strength(above, subject.policy) < _strength(below, subject.policy), case)
            message = (
                f"{standing(case)} on {subject.facts(case)}: {low} {_consent(below)}, and {high} {_consent(above)}"
            )
            yield _fault(message, fix="make the rows of the higher tier at least as strict")


def undecidable(subject: Subject) -> Iterator[Fault]:
    """Yield lanes of which consent is asked though nobody there may give it, or too few, or that escalate to such."""
    lanes, policy = subject.pack.profile.lanes, subject.policy
    staffed = [name for name in policy.lanes if lanes[name].roles]
    for name, lane in lanes.items():
        asks = subject.meaning.approval[name]
        if name in staffed[:1]:  # what may not go out by itself, and has no lane, is looked at there
            aside = (subject.meaning.approval[policy.lanes[0]], subject.meaning.auto_send[False])
            asks = any_of((asks, all_of(aside)))
        elif name == policy.lanes[0] and staffed:
            continue
        enough = len(lane.people) if lane.people else max(subject.meaning.needs)
        short = any_of(term for count, term in subject.meaning.needs.items() if count > enough)
        found = subject.search.example(asks, short if lane.roles else True, of=[subject.meaning])
        if found:
            who, fix = "nobody may decide", "give the lane roles, or ask another lane"
            if lane.roles:
                who, fix = f"only {enough} may decide", "name more people, or need fewer"
            told = f"{answer(found.decisions[0])} {standing(found.case)} on {subject.facts(found.case)}"
            yield _in_lane(name, f"{who}, and it is asked: {told}", fix=fix)
        if lane.escalates_to in lanes:
            yield from _escalation(subject, name)


def unattended(subject: Subject) -> Iterator[Fault]:
    """Yield a case in which R3 goes out without a person."""
    meaning, lanes = subject.meaning, subject.pack.profile.lanes
    nobody = [term for lane, term in meaning.approval.items() if not lanes[lane].roles]
    found = subject.search.example(meaning.tier[Tier.R3], any_of((meaning.auto_send[True], *nobody)), of=[meaning])
    if found:
        told = f"{standing(found.case)} on {subject.facts(found.case)}"
        yield _fault(f"{answer(found.decisions[0])} {told}", fix="have R3 ask a lane that has people")


def released_in_spite(subject: Subject) -> Iterator[Fault]:
    """Yield a case in which something is held and goes out or is executed all the same."""
    meaning = subject.meaning
    held = any_of((*meaning.holds.values(), *meaning.missing.values()))
    released = any_of((meaning.auto_send[True], meaning.executor["operations"]))
    found = subject.search.example(held, released, of=[meaning])
    if found:
        told = f"{standing(found.case)} on {subject.facts(found.case)}"
        yield _fault(f"{answer(found.decisions[0])} {told}", fix="this is a fault of the program; report it")


def idle_rows(subject: Subject) -> Iterator[Fault]:
    """Yield rows that no decision ever asks."""
    for row, speaks in subject.meaning.consent.rows:
        if not subject.search.ever(speaks):
            where = next(i for i, each in enumerate(subject.policy.matrix) if each is row)
            message = f"no decision ever asks this row of {row.tier}"
            yield Fault(file=MATRIX, at=(where,), message=message, fix="take it out, or mend its `when`")


def _escalation(subject: Subject, name: str) -> Iterator[Fault]:
    lanes, order = subject.pack.profile.lanes, subject.policy.lanes.index
    to = lanes[name].escalates_to
    if order(to) < order(name):
        fix = "escalate to this lane itself, or to a stronger one"
        yield _in_lane(name, f"escalates to {to}, which is weaker", "escalates_to", fix=fix)
    if lanes[name].roles and not lanes[to].roles:
        fix = "give that lane roles, or escalate to another"
        yield _in_lane(name, f"escalates to {to}, where nobody may decide", "escalates_to", fix=fix)


def _falls(subject: Subject, low: Consent, high: Consent) -> Term:
    """Return when what `high` asks for has less strength than what `low` does."""
    policy, inputs = subject.policy, subject.inputs
    below, above = (strongest(each.lanes(policy), policy, inputs) for each in (low, high))
    weaker_lane = (
        all_of((below[lane], above[other])) for i, lane in enumerate(policy.lanes) for other in policy.lanes[:i]
    )
    same_lane = any_of(all_of((below[lane], above[lane])) for lane in policy.lanes)
    alone_below, alone = (each.silent() for each in (low, high))
    needs_below, needs = (each.most("needs", 1, inputs) for each in (low, high))
    fewer = any_of(all_of((needs_below[n], needs[m])) for n in needs_below for m in needs if m < n)
    in_lane_none = all_of((same_lane, above[policy.lanes[0]]))
    return any_of(
        (
            *weaker_lane,
            all_of((in_lane_none, alone, negated(alone_below))),
            all_of((in_lane_none, negated(unlike(alone, alone_below)), fewer)),
            all_of((same_lane, negated(above[policy.lanes[0]]), fewer)),
        )
    )


def _strength(decision: Decision, policy: Policy) -> tuple[int, bool, int]:
    return policy.lanes.index(decision.approval), not decision.auto_send, decision.needs


def _matrix_alone(policy: Policy, tier: Tier) -> Policy:
    sure = Rule(id="sure", tier=tier, when=ALWAYS, because="Asks the matrix alone.")
    return replace(policy, rules=(sure,), triggers=())


def _there(subject: Subject, row: Grant) -> Term:
    """Return when the row speaks, or might, were its tier asked about."""
    where = [subject.inputs.standing("phase", row.phases), subject.inputs.standing("topology", row.topologies)]
    return all_of((*where, subject.inputs.truth(row.when)[1]))


def _speaks(row: Grant, case: Case) -> bool:
    return case.phase in row.phases and case.topology in row.topologies and row.when.truth(case.facts) is not False


def _consent(decision: Decision) -> str:
    if decision.auto_send:
        return "goes out by itself"
    return (
        f"needs {decision.needs} of lane {decision.approval}"
        if decision.needs > 1
        else f"needs lane {decision.approval}"
    )


def _fault(message: str, *, fix: str) -> Fault:
    return Fault(file=MATRIX, message=message, fix=fix)


def _in_lane(lane: str, message: str, *at: str, fix: str) -> Fault:
    return Fault(file="pack.yaml", at=("lanes", lane, *at), message=f"lane {lane}: {message}", fix=fix)
