"""A form with a field for every fact of a pack, and the address that its answers make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from caseward.core.errors import BadInput
from caseward.core.facts import FactKind, FactSpec, Value
from caseward.core.invariant import PHASES, TOPOLOGIES
from caseward.core.policy import Policy
from caseward.core.roles import Role
from caseward.web import words

PAGE = "/settings/policies/try"
READERS = frozenset({Role.ADMIN, Role.OPS_LEAD, Role.COACH})
"""Who may see the rules and try them."""
NOTHING = "-"
"""Stands for the empty set in the address: none of the members."""
LONGEST = 40
"""Characters of a number or an amount as it is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value that can be chosen."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One fact in the form."""

    name: str
    label: str
    help: str
    kind: str
    """`choice`, `many` or `text`."""
    options: Sequence[Option] = ()
    text: str = ""
    """What was typed."""
    hint: str = ""
    """What may be typed."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was asked: the facts as far as they can be meant, and the fields to ask otherwise."""

    facts: Mapping[str, Value]
    fields: Sequence[Field]
    settings: Sequence[Field]
    """Phase and topology."""
    phase: str
    topology: str
    asked: bool
    """Whether anything was chosen at all."""

    @property
    def wrong(self) -> bool:
        """Whether a field holds something that its fact cannot be."""
        return any(field.error for field in self.fields)


def form(policy: Policy, asked: Sequence[tuple[str, str]]) -> Form:
    """Return the form as the names and values of an address fill it; what is left out is unknown."""
    given: dict[str, list[str]] = {}
    for name, value in asked:
        given.setdefault(name, []).append(value.strip()[:LONGEST])
    facts: dict[str, Value] = {}
    fields = []
    for name, spec in policy.facts.items():
        values = [value for value in given.get(name, []) if value]
        error = ""
        if values:
            try:
                facts[name] = spec.parse(_raw(spec, values))
            except BadInput as wrong:
                error = str(wrong).removeprefix(f"fact {name}: ")
        fields.append(_field(spec, values, error))
    phase = next((value for value in given.get("phase", []) if value in PHASES), policy.phase)
    topology = next((value for value in given.get("topology", []) if value in TOPOLOGIES), policy.topology)
    return Form(
        facts=facts,
        fields=fields,
        settings=[_setting("phase", PHASES, phase), _setting("topology", TOPOLOGIES, topology)],
        phase=phase,
        topology=topology,
        asked=any(value for name, values in given.items() if name in policy.facts for value in values),
    )


def address(policy: Policy, facts: Mapping[str, Value]) -> str:
    """Return the address of the page with these facts filled in."""
    pairs = [(name, value) for name in policy.facts if name in facts for value in _written(facts[name])]
    pairs += [("phase", policy.phase), ("topology", policy.topology)]
    return f"{PAGE}?{urlencode(pairs)}#decision"


def _written(value: Value) -> list[str]:
    if isinstance(value, frozenset):
        return sorted(value) or [NOTHING]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


def _raw(spec: FactSpec, values: Sequence[str]) -> Any:
    """Return what an address says as a pack's file would say it."""
    if spec.kind is FactKind.SET:
        return [value for value in values if value != NOTHING]
    value = values[-1]
    if spec.kind is FactKind.BOOL:
        return {"true": True, "false": False}.get(value, value)
    whole = value.removeprefix("-")
    return int(value) if whole.isascii() and whole.isdigit() else value


def _field(spec: FactSpec, values: Sequence[str], error: str) -> Field:
    match spec.kind:
        case FactKind.BOOL:
            options = [("", "Unknown"), ("true", "Yes"), ("false", "No")]
        case FactKind.ENUM | FactKind.RANK:
            options = [("", "Unknown"), *((value, words.humane(value)) for value in spec.values)]
        case FactKind.SET:
            options = [*((value, words.humane(value)) for value in spec.values), (NOTHING, "None of these")]
        case _:
            options = []
    last = values[-1:] or [""]
    chosen = set(values) if spec.kind is FactKind.SET else set(last)
    return Field(
        name=spec.name,
        label=words.fact_name(spec.name),
        help=spec.because,
        kind="many" if spec.kind is FactKind.SET else "choice" if options else "text",
        options=_options(options, chosen),
        text=last[0],
        hint="" if options else spec.allowed(),
        error=error,
    )


def _setting(name: str, values: Iterable[str], chosen: str) -> Field:
    return Field(
        name=name,
        label=words.humane(name),
        help="",
        kind="choice",
        options=_options([(value, words.humane(value)) for value in values], {chosen}),
    )


def _options(values: Iterable[tuple[str, str]], chosen: Iterable[str]) -> list[Option]:
    return [Option(value=value, label=label, chosen=value in chosen) for value, label in values]
