"""JSON Schema of pack files, so that an editor completes keys and marks slips while one writes.

It is written from the shapes that the loader checks. With a pack at hand, conditions know that pack's facts and values;
what only the whole pack can tell (a lane that does not exist, say) stays with `caseward check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from caseward.core import agents, channels, declared
from caseward.core import pack as core
from caseward.core.agents import Agents
from caseward.core.channels import Channels, Playbook
from caseward.core.conditions import OPERATORS_OF, ORDER
from caseward.core.declared import DeclaredSkill
from caseward.core.facts import FactKind, FactSpec
from caseward.core.invariant import SETTING, outcome_specs
from caseward.core.knowledge import Article
from caseward.core.kpis import Kpis
from caseward.core.pack import Entity, Intent, Lexicon, Profile, Signal, Template, Voice
from caseward.core.policy import Policy, Tier
from caseward.packs.schema import FactEntry, GoldenFile, GrantEntry, InvariantEntry, RuleEntry, TriggerEntry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHAPES: Mapping[str, Any] = {
    "pack.yaml": Profile,
    "facts.yaml": dict[str, FactEntry],
    "rules": tuple[RuleEntry, ...],
    "approvals.yaml": tuple[GrantEntry, ...],
    "break-glass.yaml": tuple[TriggerEntry, ...],
    "invariants.yaml": tuple[InvariantEntry, ...],
    "agents.yaml": Agents,
    "intents.yaml": tuple[Intent, ...],
    "phrasings.yaml": dict[str, dict[str, tuple[str, ...]]],
    "signals.yaml": tuple[Signal, ...],
    "entities.yaml": dict[str, Entity],
    "skills.yaml": tuple[DeclaredSkill, ...],
    "voice.yaml": Voice,
    "lexicon.yaml": dict[str, Lexicon],
    "channels.yaml": Channels,
    "playbooks.yaml": tuple[Playbook, ...],
    "kpis.yaml": Kpis,
    "templates": Template,
    "knowledge": Article,
    "golden": GoldenFile,
}
"""Pack file, or folder of files of one shape → the shape."""
ASKING = ("rules", "approvals.yaml", "break-glass.yaml", "invariants.yaml", "golden")
"""Those that speak of facts."""


def schemas(policy: Policy | None = None) -> dict[str, dict[str, Any]]:
    """Return pack file or folder → its JSON Schema; with a policy, conditions name its facts and outcomes."""
    return {name: _schema(name, shape, policy) for name, shape in SHAPES.items()}


def _schema(name: str, shape: Any, policy: Policy | None) -> dict[str, Any]:
    with_docs = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    for module in (core, agents, declared, channels):
        for each in vars(module).values():
            if isinstance(each, type) and dataclasses.is_dataclass(each):
                each.__pydantic_config__ = with_docs  # type: ignore[attr-defined]
    schema = TypeAdapter(shape).json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    if "Tier" in definitions:
        definitions["Tier"] = {"enum": list(Tier.__members__), "title": "Tier", "type": "string"}
    if policy is not None and name in ASKING:
        definitions["Facts"] = _facts(policy.facts)
        definitions["Condition"] = _condition(policy.facts, "Condition")
        definitions["Asked"] = _condition({**policy.facts, **SETTING}, "Asked")
        definitions["Outcome"] = _condition(outcome_specs(policy), "Outcome")
        _refer(definitions, "InvariantEntry", {"when": "Asked", "then": "Outcome"})
        for entry in ("RuleEntry", "GrantEntry", "TriggerEntry"):
            _refer(definitions, entry, {"when": "Condition"})
        _refer(definitions, "GoldenEntry", {"facts": "Facts"})
        if name == "golden":
            schema["properties"]["base"] = {"$ref": "#/$defs/Facts"}
    return {"$schema": DIALECT, "title": f"Caseward pack: {name}", **schema}


def _refer(definitions: Mapping[str, Any], entry: str, fields: Mapping[str, str]) -> None:
    for field, definition in fields.items():
        if entry in definitions:
            definitions[entry]["properties"][field] = {"$ref": f"#/$defs/{definition}"}


def _facts(specs: Mapping[str, FactSpec]) -> dict[str, Any]:
    properties = {name: {**_value(spec), **_described(spec)} for name, spec in specs.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _condition(specs: Mapping[str, FactSpec], name: str) -> dict[str, Any]:
    nested = {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/{name}"}}
    tests = {fact: {"anyOf": [_plain(spec), _tests(spec)], **_described(spec)} for fact, spec in specs.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {**tests, "any": nested, "all": nested, "none": nested},
    }


def _plain(spec: FactSpec) -> dict[str, Any]:
    """Return what `fact: value` takes: of a set, one member."""
    return _member(spec) if spec.kind is FactKind.SET else _value(spec)


def _tests(spec: FactSpec) -> dict[str, Any]:
    many = {"type": "array", "items": _member(spec)}
    takes = {"in": many, "has": _member(spec), "has_any": many, **dict.fromkeys(ORDER, _value(spec))}
    properties = {operator: takes.get(operator, _value(spec)) for operator in OPERATORS_OF[spec.kind]}
    return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": properties}


def _value(spec: FactSpec) -> dict[str, Any]:
    match spec.kind:
        case FactKind.BOOL:
            return {"type": "boolean"}
        case FactKind.ENUM | FactKind.RANK:
            return _member(spec)
        case FactKind.SET:
            return {"type": "array", "items": _member(spec)}
        case FactKind.INTEGER:
            return {"type": "integer"}
        case FactKind.MONEY | FactKind.DURATION:
            return {"type": ["integer", "string"]}


def _member(spec: FactSpec) -> dict[str, Any]:
    return {"enum": list(spec.values)}


def _described(spec: FactSpec) -> dict[str, Any]:
    words = f"{spec.because} Takes {spec.allowed()}.".strip()
    return {"description": words}
