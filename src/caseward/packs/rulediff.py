"""What is written otherwise in another pack's policy, entry by entry and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from caseward.core.facts import FactSpec
from caseward.core.invariant import SETTING, outcome_specs
from caseward.core.pack import Pack
from caseward.core.policy import ALWAYS, Grant, Rule
from caseward.core.telling import Tongue

Kind: TypeAlias = Literal["setting", "lane", "fact", "rule", "row", "trigger", "promise"]
Entries: TypeAlias = Mapping[tuple[Kind, str], Mapping[str, str]]
"""What stands in a pack: kind and id → field → value in words, empty where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """An entry that is new, gone or changed."""

    kind: Kind
    id: str
    change: Literal["added", "removed", "changed"]
    what: tuple[str, ...]
    """Field by field: `tier: R1 → R2`."""


def changes(before: Pack, after: Pack) -> Iterator[RuleChange]:
    """Yield what differs between the policies of two packs, in the order of the second, then what is gone."""
    old, new = _entries(before), _entries(after)
    for key, entry in new.items():
        if key not in old:
            told = tuple(f"{name}: {value}" for name, value in entry.items() if value)
            yield RuleChange(kind=key[0], id=key[1], change="added", what=told)
        elif entry != old[key]:
            yield RuleChange(kind=key[0], id=key[1], change="changed", what=tuple(_changed(old[key], entry)))
    for key, entry in old.items():
        if key not in new:
            told = tuple(f"{name}: {value}" for name, value in entry.items() if value)
            yield RuleChange(kind=key[0], id=key[1], change="removed", what=told)


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name, value in new.items():
        if value != old[name]:
            yield f"{name}: {old[name] or 'nothing'} → {value or 'nothing'}"


def _entries(pack: Pack) -> Entries:
    policy, tongue = pack.policy, Tongue(facts=pack.policy.facts)
    promised = Tongue(facts={**policy.facts, **SETTING})
    kept = Tongue(facts=outcome_specs(policy))
    entries: dict[tuple[Kind, str], Mapping[str, str]] = {
        ("setting", "phase"): {"is": policy.phase},
        ("setting", "topology"): {"is": policy.topology},
        ("setting", "lanes"): {"from weak to strong": ", ".join(policy.lanes)},
    }
    for name, lane in pack.profile.lanes.items():
        entries["lane", name] = {
            "roles": ", ".join(lane.roles),
            "people": ", ".join(lane.people),
            "expires_minutes": str(lane.expires_minutes),
            "escalates_to": lane.escalates_to,
        }
    for name, spec in policy.facts.items():
        entries["fact", name] = {"is": _fact(spec), "because": spec.because}
    for rule in policy.rules:
        entries["rule", rule.id] = _rule(rule, tongue)
    for row in policy.matrix:
        entries["row", _place(row, tongue, entries)] = _row(row)
    for trigger in policy.triggers:
        entries["trigger", trigger.id] = {
            "when": tongue.condition(trigger.when),
            "lane": trigger.lane,
            "severity": trigger.severity,
            "because": trigger.because,
        }
    for each in pack.invariants:
        entries["promise", each.id] = {
            "when": promised.condition(each.when),
            "then": kept.condition(each.then),
            "because": each.because,
        }
    return entries


def _fact(spec: FactSpec) -> str:
    return f"{spec.kind}, {spec.allowed()}"


def _rule(rule: Rule, tongue: Tongue) -> Mapping[str, str]:
    return {
        "tier": str(rule.tier),
        "when": tongue.condition(rule.when),
        "hold": str(rule.hold or ""),
        "executes": _yes(rule.executes),
        "lane": rule.lane,
        "auto_send": "" if rule.auto_send else "no",
        "over": ", ".join(rule.over),
        "source": rule.source,
        "because": rule.because,
    }


def _row(row: Grant) -> Mapping[str, str]:
    return {
        "lane": row.lane,
        "needs": str(row.needs),
        "auto_send": _yes(row.auto_send),
        "confidence": str(row.confidence),
        "hold_seconds": str(row.hold_seconds),
        "expires_minutes": str(row.expires_minutes or ""),
    }


def _place(row: Grant, tongue: Tongue, taken: Entries) -> str:
    """Return where a row stands, which is all the name it has; the second of two in one place is counted."""
    phases = ", ".join(phase for phase in map(str, SETTING["phase"].values) if phase in row.phases)
    topologies = ", ".join(topology for topology in map(str, SETTING["topology"].values) if topology in row.topologies)
    where = "" if row.when == ALWAYS else f" where {tongue.condition(row.when)}"
    place = name = f"{row.tier} in {phases}; {topologies}{where}"
    count = 1
    while ("row", name) in taken:
        count += 1
        name = f"{place} ({count})"
    return name


def _yes(value: bool) -> str:
    return "yes" if value else ""
