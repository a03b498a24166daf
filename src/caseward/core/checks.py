"""The checks of an approval card: identity, then the limits that the deciding rules set, each with value and source.

Nothing is decided here. The rules are read from the pack that is served, the facts from the stored decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.core import naming
from caseward.core.case import IdentityState
from caseward.core.conditions import All, Condition, Not, Test
from caseward.core.conditions import Any as AnyOf
from caseward.core.facts import NUMBERS, FactKind, FactSpec
from caseward.core.pack import Pack
from caseward.core.policy import Rule, Tier

LIMIT: Mapping[str, str] = {
    "lt": "Needs {} or more",
    "lte": "Needs more than {}",
    "gt": "Needs {} or fewer",
    "gte": "Needs fewer than {}",
}
"""Operator of a rule that asks for more care → what would have been needed instead."""
MOST = 3
"""Checks a card shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact of a decision, as stored."""

    name: str
    value: Any
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of the card."""

    name: str
    icon: str
    level: str
    """`ok`, `warn` or `bad`."""
    value: str
    limit: str
    cite: int
    """Number of the evidence, 0 without one."""
    at: datetime | None = None
    """Written after the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What may be cited: numbered evidence by what it is of."""

    number: int
    kind: str
    id: str
    source: str
    title: str


def facts_of(body: Mapping[str, Any]) -> list[Fact]:
    """Return the facts of a stored decision; those kept without a source too."""
    raw = body.get("facts") or []
    rows = [{"name": name, "value": value} for name, value in raw.items()] if isinstance(raw, Mapping) else raw
    return [
        Fact(
            name=str(row["name"]),
            value=row.get("value"),
            source=str(row.get("source") or ""),
            at=naming.instant(row.get("at")),
        )
        for row in rows
    ]


def checks(
    pack: Pack,
    *,
    facts: Iterable[Fact],
    rules: Iterable[str],
    tier: Tier,
    verified_at: datetime | None,
    sources: Iterable[Source],
) -> list[Check]:
    """Return identity first, then the limits that are broken, the other rules that decided, the limits that are kept.

    Args:
        pack: whose rules are read.
        facts: of the decision.
        rules: ids of the rules that surely matched.
        tier: of the decision.
        verified_at: when identity was proved.
        sources: the evidence that may be cited.
    """
    known = {fact.name: fact for fact in facts}
    cited = list(sources)
    limits = list(_limits(pack, known, cited))
    matched = set(rules)
    deciding = [rule for rule in pack.policy.rules if rule.id in matched and rule.tier == tier and not rule.executes]
    shown = {check.name for check in limits}
    others = [
        _rule(rule, cited)
        for rule in deciding
        if not any(naming.fact_name(test.fact) in shown for test in _tests(rule.when))
    ]
    broken = [check for check in limits if check.level == "bad"]
    kept = [check for check in limits if check.level != "bad"]
    return [_identity(known.get("identity"), verified_at, cited), *broken, *others, *kept][:MOST]


def _identity(fact: Fact | None, at: datetime | None, sources: list[Source]) -> Check:
    state = str(fact.value) if fact else IdentityState.UNKNOWN
    icon, level, value = {
        IdentityState.VERIFIED: ("user-check", "ok", "Matches record"),
        IdentityState.MISMATCH: ("user-x", "bad", "Does not match"),
    }.get(IdentityState(state), ("user-x", "warn", "Not proved"))
    cite = next((source.number for source in sources if source.kind == "identity"), 0)
    return Check(name="Identity", icon=icon, level=level, value=value, limit="Verified" if at else "", at=at, cite=cite)


def _limits(pack: Pack, known: Mapping[str, Fact], sources: list[Source]) -> Iterator[Check]:
    """Yield a check for each number that a rule of the most care limits, as far as the rest of the rule fits."""
    values = {name: _typed(fact.value) for name, fact in known.items()}
    seen: set[str] = set()
    for rule in sorted(pack.policy.rules, key=lambda rule: -rule.tier):
        for test in _tests(rule.when):
            spec = pack.policy.facts.get(test.fact)
            if spec is None or spec.kind not in NUMBERS or test.operator not in LIMIT:
                continue
            if test.fact in seen or rule.tier < Tier.R3 or test.fact not in known:
                continue
            others = {name: value for name, value in values.items() if name != test.fact}
            if rule.when.truth(others) is False:
                continue
            seen.add(test.fact)
            broken = bool(test.truth(values))
            yield Check(
                name=naming.fact_name(test.fact),
                icon="circle-x" if broken else "circle-check",
                level="bad" if broken else "ok",
                value=naming.fact_value(pack, test.fact, known[test.fact].value),
                limit=_limit(spec, test),
                cite=_cite(known[test.fact], rule, sources),
            )


def _limit(spec: FactSpec, test: Test) -> str:
    """Return what would have been needed: `Needs 60 or more`, `Needs 100.00 EUR or less`."""
    said = LIMIT[test.operator]
    if spec.kind is FactKind.INTEGER or not isinstance(test.value, int):
        return said.format(test.value)
    return said.replace("fewer", "less").format(spec.show(test.value))


def _rule(rule: Rule, sources: list[Source]) -> Check:
    cite = next((source.number for source in sources if source.kind == "article" and source.id == rule.source), 0)
    return Check(
        name="Rule",
        icon="shield-alert",
        level="warn" if rule.tier is Tier.R3 else "ok",
        value=naming.humane(rule.id.replace("-", "_")),
        limit=rule.because,
        cite=cite,
    )


def _cite(fact: Fact, rule: Rule, sources: list[Source]) -> int:
    """Return the evidence a fact rests on: the reading it came from, else the page its limit comes from."""
    for source in sources:
        if fact.source and fact.source in (source.id, source.source, source.title):
            return source.number
    return next((source.number for source in sources if source.id == rule.source), 0)


def _typed(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list) else value


def _tests(condition: Condition) -> Iterator[Test]:
    match condition:
        case Test():
            yield condition
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _tests(part)
        case Not(part):
            yield from _tests(part)
