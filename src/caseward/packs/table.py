"""Statements about the rules: that they leave nothing out, that each has a use, and that none contradicts another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from caseward.core.conditions import tests
from caseward.core.policy import Tier
from caseward.packs.encode import FIELDS, meaning
from caseward.packs.inputs import any_of, negated
from caseward.packs.places import RULES
from caseward.packs.schema import did_you_mean
from caseward.packs.subject import Fault, Subject

INTENT = "intent"
"""The fact that the desk fills with what the contact wants."""


def gaps(subject: Subject) -> Iterator[Fault]:
    """Yield known facts that no rule matches, however the others turn out.

    Where some whole set of facts is left out there are such facts, at the latest the whole set.
    """
    nothing = [negated(may) for _rule, _sure, may in subject.rules()]
    found = subject.search.example(*nothing, of=[subject.meaning])
    if found:
        message = f"no rule decides on {subject.facts(found.case)}"
        yield Fault(file=RULES, message=message, fix="add a rule for it, or one for whatever is unforeseen")


def unreachable(subject: Subject) -> Iterator[Fault]:
    """Yield rules and break-glass triggers whose conditions exclude each other."""
    entries = [(RULES, rule.id, sure, "match") for rule, sure, _may in subject.rules()]
    for trigger in subject.policy.triggers:
        entries.append(("break-glass.yaml", trigger.id, subject.inputs.truth(trigger.when)[0], "hold"))
    for file, id, sure, verb in entries:
        if not subject.search.ever(sure):
            message = f"this can never {verb}: its conditions exclude each other"
            yield Fault(file=file, id=id, at=("when",), message=message, fix="mend its `when`")


def overlaps(subject: Subject) -> Iterator[Fault]:
    """Yield pairs of rules that can hold together, ask for different things, and do not say so."""
    for (one, sure, _), (other, also, _) in combinations(subject.rules(), 2):
        if one.demands() == other.demands() or one.stands_over(other) or other.stands_over(one):
            continue
        if not subject.search.ever(sure, also):  # said at once; an example takes its time
            continue
        found = subject.search.example(sure, also, of=[subject.meaning], about=one.when.names() | other.when.names())
        if found:
            told = subject.facts(found.case)
            message = f"matches together with {other.id}, which asks for something else, on {told}"
            fix = f"make them exclude each other, or say that it is meant: `over: [{other.id}]`"
            yield Fault(file=RULES, id=one.id, message=message, fix=fix)


def misnamed(subject: Subject) -> Iterator[Fault]:
    """Yield entries of `over` that name no rule and no tier."""
    ids = [rule.id for rule in subject.policy.rules]
    for rule in subject.policy.rules:
        for name in rule.over:
            if name not in ("all", *ids, *Tier.__members__):
                message, fix = f"`over` names {name!r}, which is no rule and no tier", did_you_mean(name, ids)
                yield Fault(file=RULES, id=rule.id, at=("over",), message=message, fix=fix)


def idle(subject: Subject) -> Iterator[Fault]:
    """Yield rules without which every decision would be the same."""
    rules = [rule for rule, _sure, _may in subject.rules()]
    gone = [subject.inputs.variable(f"without {rule.id}") for rule in rules]
    fewer = meaning(subject.policy, subject.inputs, without=gone)
    differs = subject.inputs.named(subject.meaning.differs(fewer, FIELDS))
    for rule, without in zip(rules, gone, strict=True):
        others = (negated(each) for each in gone if each is not without)
        if not subject.search.ever(differs, without, *others):
            message, fix = "every decision would be the same without this rule", "take it out, or mend what it asks for"
            yield Fault(file=RULES, id=rule.id, message=message, fix=fix)


def idle_overs(subject: Subject) -> Iterator[Fault]:
    """Yield entries of `over` that name nothing this rule can hold together with and that asks for something else."""
    for rule, sure, _may in subject.rules():
        for name in rule.over:
            meant = [
                also
                for other, also, _ in subject.rules()
                if name in ("all", other.id, str(other.tier)) and other.demands() != rule.demands()
            ]
            if not subject.search.ever(sure, any_of(meant)):
                message = f"`over` names {name!r}, with which this has no overlap that needs saying"
                yield Fault(file=RULES, id=rule.id, at=("over",), message=message, fix="take it out")


def unnamed(subject: Subject) -> Iterator[Fault]:
    """Yield intents that no rule names: what holds for all of them alone decides on these."""
    asked = [test for rule in subject.policy.rules for test in tests(rule.when) if test.fact == INTENT]
    named = {name for test in asked for name in (test.value if isinstance(test.value, frozenset) else {test.value})}
    for intent, _term in subject.inputs.choices.get(INTENT, ()):
        if intent not in named:
            message, fix = f"no rule names intent {intent}", "say in a rule which tier it has, or take it out"
            yield Fault(file="facts.yaml", at=(INTENT, "values"), message=message, fix=fix)
