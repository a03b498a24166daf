"""The gate and its proof: decisions a second, and how long it takes to prove a pack and to compare two.

Beside the school's pack, a made-up table of a hundred rules over sixty facts of every kind, with forty promises.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from caseward.core.conditions import All, Condition, Test
from caseward.core.facts import NUMBERS, FactKind, Facts, FactSpec, Value
from caseward.core.invariant import PHASES, TOPOLOGIES, Invariant
from caseward.core.pack import Pack
from caseward.core.policy import Grant, Hold, Policy, Rule, Tier, Trigger, decide
from caseward.packs import prove
from caseward.packs.load import load
from caseward.packs.subject import Subject
from caseward.packs.whatif import differences

SCHOOL = Path(__file__).parents[1] / "packs" / "vocal-coaching"
TOPICS, SIGNALS = 20, 20
"""Of the made-up table: four rules for each topic, and one for each signal."""
FACTS = 60


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Return the figures, in the units that their names say, with targets beside some."""
    rounds = 3 if quick else 10
    school = load(SCHOOL)
    large = replace(school, policy=made_up(), invariants=promises())
    sooner = replace(large.policy, rules=tuple(map(_stricter, large.policy.rules)))
    return {
        "school_decisions_per_s": _rate(school.policy, [case.facts for case in school.golden], rounds),
        "school_decisions_per_s_target": ">= 50000",
        "school_decisions_per_s_new_facts": _rate(school.policy, _random(school.policy, 4000), 1),
        "large_decisions_per_s": _rate(large.policy, _random(large.policy, 300), rounds),
        "large_decisions_per_s_new_facts": _rate(large.policy, _random(large.policy, 4000), 1),
        "school_proof_s": _seconds(lambda: _proved(school)),
        "school_proof_s_target": "<= 2",
        "school_difference_s": _seconds(lambda: differences(school.policy, _later(school.policy), limit=5)),
        "large_rules": len(large.policy.rules),
        "large_facts": len(large.policy.facts),
        "large_proof_s": _seconds(lambda: _proved(large)),
        "large_proof_s_target": "<= 30",
        "large_difference_s": _seconds(lambda: differences(large.policy, sooner, limit=5)),
        "large_proof_of_equality_s": _seconds(lambda: differences(large.policy, _turned(large.policy))),
    }


def made_up() -> Policy:
    """Return a large table that is like those that people write, always the same one."""
    chance = random.Random(1)  # noqa: S311
    facts = _facts()
    flags = [name for name, spec in facts.items() if spec.kind is FactKind.BOOL][SIGNALS:]
    numbers = [name for name, spec in facts.items() if spec.kind in NUMBERS]
    rules: list[Rule] = []
    for i in range(TOPICS):
        topic, flag, number = Test("topic", "is", f"topic-{i}"), chance.choice(flags), chance.choice(numbers)
        limit = chance.randrange(10, 1000)
        reads, changes = Test(flag, "is", False), Test(flag, "is", True)
        within, beyond = Test(number, "lt", limit), Test(number, "gte", limit)
        rules += [
            _rule(f"read-{i}", Tier.R1, topic, reads),
            _rule(f"change-{i}", Tier.R2, topic, changes, within),
            _rule(f"may-run-{i}", Tier.R2, topic, changes, within, Test("standing", "is", "proved"),
                  executes=True, over=(f"change-{i}",)),
            _rule(f"decide-{i}", Tier.R3, topic, changes, beyond, hold=chance.choice([None, Hold.VERIFICATION])),
        ]  # fmt: skip
    for i in range(SIGNALS):
        also = Test("size", "in", frozenset({"large", "huge"})) if i % 3 else Test("down", "has", f"system-{i % 6}")
        parts = (Test(f"signal-{i}", "is", True), also)[: 1 + i % 2]
        rules.append(_rule(f"signal-{i}", Tier.R3, *parts, over=("all",)))
    return Policy(
        release="made-up",
        phase="pilot",
        topology="hub",
        facts=facts,
        rules=tuple(rules),
        matrix=tuple(_rows()),
        lanes=load(SCHOOL).policy.lanes,
        triggers=tuple(
            Trigger(id=f"trigger-{i}", when=Test(f"signal-{i}", "is", True), lane="coach", because="") for i in range(8)
        ),
    )


def promises() -> tuple[Invariant, ...]:
    """Return what the made-up table promises, all of it true."""
    silent, r3 = Test("auto_send", "is", False), Test("tier", "is", "R3")
    rules = [rule for rule in made_up().rules if rule.tier is Tier.R3]
    return tuple(
        Invariant(id=rule.id, when=rule.when, then=silent if i % 2 else r3, because="A person decides.")
        for i, rule in enumerate(rules)
    )


def _facts() -> dict[str, FactSpec]:
    specs = [
        FactSpec(name="topic", kind=FactKind.ENUM, values=tuple(f"topic-{i}" for i in range(TOPICS))),
        FactSpec(name="standing", kind=FactKind.RANK, values=("unknown", "claimed", "proved")),
        FactSpec(name="size", kind=FactKind.RANK, values=("small", "middle", "large", "huge")),
        FactSpec(name="down", kind=FactKind.SET, values=tuple(f"system-{i}" for i in range(6))),
        *(FactSpec(name=f"signal-{i}", kind=FactKind.BOOL) for i in range(SIGNALS)),
        *(FactSpec(name=f"flag-{i}", kind=FactKind.BOOL) for i in range(18)),
        *(FactSpec(name=f"count-{i}", kind=FactKind.INTEGER, minimum=0) for i in range(8)),
        *(FactSpec(name=f"amount-{i}", kind=FactKind.MONEY, unit="EUR", minimum=0) for i in range(5)),
        *(FactSpec(name=f"time-{i}", kind=FactKind.DURATION) for i in range(5)),
    ]
    assert len(specs) == FACTS
    return {spec.name: spec for spec in specs}


def _rule(id: str, tier: Tier, *parts: Condition, **more: Any) -> Rule:
    return Rule(id=id, tier=tier, when=All(parts), because="", **more)


def _rows() -> list[Grant]:
    every, first, later = frozenset(PHASES), frozenset(PHASES[:1]), frozenset(PHASES[1:])
    rows = [
        Grant(tier=Tier.R0, phases=every, topologies=frozenset(), lane="none", auto_send=True),
        Grant(tier=Tier.R1, phases=first, topologies=frozenset(), lane="qa"),
        Grant(tier=Tier.R1, phases=later, topologies=frozenset(), lane="none", auto_send=True, confidence=80),
        Grant(tier=Tier.R2, phases=every, topologies=frozenset(), lane="qa", hold_seconds=10),
        Grant(tier=Tier.R3, phases=every, topologies=frozenset(), lane="coach", hold_seconds=10),
        Grant(
            tier=Tier.R3, phases=later, topologies=frozenset(), lane="coach", needs=2, when=Test("size", "is", "huge")
        ),
    ]
    return [replace(row, topologies=frozenset(TOPOLOGIES)) for row in rows]


def _stricter(rule: Rule) -> Rule:
    """Return a rule as another table has it: every fifth limit is a little lower."""
    if not rule.id.endswith(("-5", "-10")) or not isinstance(rule.when, All):
        return rule
    parts = tuple(
        replace(part, value=part.value - 5) if isinstance(part, Test) and type(part.value) is int else part
        for part in rule.when.parts
    )
    return replace(rule, when=All(parts))


def _later(policy: Policy) -> Policy:
    return replace(policy, rules=tuple(rule for rule in policy.rules if rule.id != "session-too-near"))


def _turned(policy: Policy) -> Policy:
    return replace(policy, rules=policy.rules[::-1], matrix=policy.matrix[::-1])


def _proved(pack: Pack) -> None:
    subject = Subject(pack)
    proofs = prove.proofs(subject)
    list(prove.doubtful(subject))
    failed = [proof.name for proof in proofs if not proof.holds]
    assert not failed, f"not proved: {failed}"


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return round(time.process_time() - began, 3)


def _rate(policy: Policy, cases: Sequence[Facts], rounds: int) -> int:
    """Return decisions per second of CPU time, the best of some rounds."""
    best = float("inf")
    for _round in range(rounds):
        began = time.process_time()
        for facts in cases:
            decide(policy, facts)
        best = min(best, time.process_time() - began)
    return round(len(cases) / best)


def _random(policy: Policy, count: int) -> list[Facts]:
    """Return facts that have hardly anything in common, one in twenty of them unknown."""
    chance = random.Random(2)  # noqa: S311

    def known() -> Mapping[str, Value]:
        return {name: _value(spec, chance) for name, spec in policy.facts.items() if chance.random() > 0.05}

    return [known() for _case in range(count)]


def _value(spec: FactSpec, chance: random.Random) -> Value:
    match spec.kind:
        case FactKind.BOOL:
            return chance.random() < 0.2
        case FactKind.ENUM | FactKind.RANK:
            return chance.choice(spec.values)
        case FactKind.SET:
            return frozenset(name for name in spec.values if chance.random() < 0.1)
        case _:
            return chance.randrange(0, 1000)
