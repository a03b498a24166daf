"""`when:` in a rule file → a core condition, type-checked against the pack's facts.

    when:
      intent: reschedule                      # is
      minutes_to_session: {gte: 60}           # an operator
      paid: {lte: 250.00 EUR}                 # amounts and times are written as people write them
      any: [{degraded: {has: calendar}}, ...] # one of several
      none: [{identity: verified}]            # none of several

Lines are joined by *and*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caseward.core.conditions import OPERATORS, OPERATORS_OF, ORDER, All, Condition, Not, Test
from caseward.core.conditions import Any as AnyOf
from caseward.core.errors import BadInput
from caseward.core.facts import FactKind, FactSpec
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place, YamlFile

GROUPS = ("any", "all", "none")


def parse(raw: Any, specs: Mapping[str, FactSpec], file: YamlFile, at: Place, rule: str) -> Condition:
    """Return the condition that `raw` states; raise PackError with line and fix for anything it cannot mean."""
    if not isinstance(raw, dict) or not raw:
        raise file.error("a condition is a mapping of facts", at=at, rule=rule, fix="write `fact: value` lines")
    parts: list[Condition] = []
    for key, value in raw.items():
        place = (*at, key)
        if key in GROUPS:
            parts.append(_group(key, value, specs, file, place, rule))
        elif key in specs:
            parts.extend(_tests(specs[key], value, file, place, rule))
        else:
            raise file.error(f"unknown fact {key!r}", at=place, rule=rule, fix=did_you_mean(key, (*specs, *GROUPS)))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _group(key: str, raw: Any, specs: Mapping[str, FactSpec], file: YamlFile, at: Place, rule: str) -> Condition:
    if not isinstance(raw, list) or not raw:
        raise file.error(
            f"{key!r} takes a list of conditions", at=at, rule=rule, fix=f"write `{key}: [{{...}}, {{...}}]`"
        )
    items = tuple(parse(item, specs, file, (*at, i), rule) for i, item in enumerate(raw))
    if key == "all":
        return All(items)
    return AnyOf(items) if key == "any" else Not(AnyOf(items))


def _tests(spec: FactSpec, raw: Any, file: YamlFile, at: Place, rule: str) -> list[Condition]:
    if not isinstance(raw, dict):
        raw = {"has" if spec.kind is FactKind.SET else "is": raw}
    allowed = OPERATORS_OF[spec.kind]
    tests: list[Condition] = []
    for operator, value in raw.items():
        if operator not in allowed:
            message = f"unknown operator {operator!r} for {spec.kind} fact {spec.name}"
            raise file.error(message, at=(*at, operator), rule=rule, fix="use one of " + ", ".join(allowed))
        try:
            tests.append(_test(spec, operator, value))
        except BadInput as error:
            raise file.error(
                str(error), at=(*at, operator), rule=rule, fix=f"{spec.name} is {spec.allowed()}"
            ) from None
    return tests


def _test(spec: FactSpec, operator: str, raw: Any) -> Test:
    if operator == "has":
        spec.parse([raw])
        return Test(spec.name, operator, str(raw))
    if operator == "in":
        if not isinstance(raw, list):
            raise BadInput(f"{raw!r} is not a list")
        return Test(spec.name, operator, frozenset(str(spec.parse(item)) for item in raw))
    if operator in ORDER and spec.kind is FactKind.RANK:
        return Test(spec.name, "in", _ranks(spec, operator, str(spec.parse(raw))))
    if operator in ORDER:
        bound = spec.number(raw)  # a bound may lie outside the fact's limits
        if bound is None:
            spec.parse(raw)
        else:
            return Test(spec.name, operator, bound)
    return Test(spec.name, operator, spec.parse(raw))


def _ranks(spec: FactSpec, operator: str, bound: str) -> frozenset[str]:
    """Return the values of a rank that lie on that side of `bound`."""
    place = spec.values.index
    return frozenset(value for value in spec.values if OPERATORS[operator](place(value), place(bound)))
