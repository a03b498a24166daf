"""The shapes of pack files, checked: pydantic at the edge, core dataclasses inside."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from caseward.core import agents, channels, declared
from caseward.core import pack as core
from caseward.core.errors import PackError
from caseward.core.facts import FactKind
from caseward.core.knowledge import Article
from caseward.core.kpis import registry
from caseward.core.policy import Hold, Tier
from caseward.packs.yamlfile import Place, YamlFile

T = TypeVar("T")

for _type in (
    *vars(core).values(),
    *vars(agents).values(),
    *vars(declared).values(),
    *vars(channels).values(),
    *vars(registry).values(),
    Article,
):
    if dataclasses.is_dataclass(_type) and isinstance(_type, type):
        _type.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]


def _tier(raw: object) -> object:
    return Tier[raw] if isinstance(raw, str) and raw in Tier.__members__ else raw


TierName = Annotated[Tier, BeforeValidator(_tier)]


class Entry(BaseModel):
    """Base of file entries: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FactEntry(Entry):
    """facts.yaml: one fact that rules may ask about."""

    kind: FactKind
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""
    because: str = ""


class RuleEntry(Entry):
    """rules/*.yaml: one line of policy."""

    id: str
    tier: TierName
    when: dict[str, Any]
    because: str
    source: str = ""
    hold: Hold | None = None
    executes: bool = False
    lane: str = ""
    auto_send: bool = True
    over: tuple[str, ...] | Literal["all"] = ()

    def declared(self) -> tuple[str, ...]:
        """Return `over` as a list."""
        return (self.over,) if isinstance(self.over, str) else self.over


class TriggerEntry(Entry):
    """break-glass.yaml: where a person is woken whatever tier and matrix say."""

    id: str
    when: dict[str, Any]
    lane: str
    because: str
    severity: Literal["", "P1", "P2", "P3", "P4"] = ""


class InvariantEntry(Entry):
    """invariants.yaml: a promise about every decision, proved for all facts."""

    id: str
    when: dict[str, Any] = {}
    then: dict[str, Any]
    because: str


class GrantEntry(Entry):
    """approvals.yaml: one row of the approval matrix."""

    tier: TierName
    phases: frozenset[Literal["pilot", "hardening", "production"]]
    topologies: frozenset[Literal["hub", "empowered"]]
    when: dict[str, Any] = {}
    lane: str
    needs: Annotated[int, Field(ge=1, le=20)] = 1
    auto_send: bool = False
    confidence: Annotated[int, Field(ge=0, le=100)] = 0
    hold_seconds: Annotated[int, Field(ge=0, le=30)] = 0
    expires_minutes: Annotated[int, Field(ge=1)] | None = None


class ExpectEntry(Entry):
    """golden/*.yaml: what a case demands."""

    tier: TierName
    approval: str | None = None
    auto_send: bool | None = None
    executor: Literal["operations", "none"] | None = None
    hold: Literal["verification", "missing", "degraded", "none"] | None = None
    rules: tuple[str, ...] | None = None
    missing: tuple[str, ...] | None = None
    needs: int | None = None
    confidence: int | None = None
    hold_seconds: int | None = None
    expires_minutes: int | None = None
    break_glass: tuple[str, ...] | None = None


class GoldenEntry(Entry):
    """golden/*.yaml: one case."""

    case: str
    facts: dict[str, Any] = {}
    without: tuple[str, ...] = ()
    expect: ExpectEntry
    phase: Literal["", "pilot", "hardening", "production"] = ""
    topology: Literal["", "hub", "empowered"] = ""
    text: str = ""
    try_as: str = ""


class GoldenFile(Entry):
    """golden/*.yaml: cases over a common base of facts."""

    base: dict[str, Any] = {}
    cases: tuple[GoldenEntry, ...]


_adapters: dict[Any, TypeAdapter[Any]] = {}


def validate(type_: type[T], file: YamlFile, *, at: Place = (), data: Any = None) -> T:
    """Return the file's data, or the part of it at `at`, as `type_`; raise PackError for the first thing wrong.

    The line is that of the offending key, or of the nearest part around it.
    """
    adapter = _adapters.get(type_)
    if adapter is None:
        adapter = _adapters[type_] = TypeAdapter(type_)
    try:
        value: T = adapter.validate_python(file.data if data is None else data)
    except ValidationError as error:
        raise _complaint(error, file, at) from None
    return value


def _complaint(error: ValidationError, file: YamlFile, at: Place) -> PackError:
    first = error.errors(include_url=False, include_context=False)[0]
    steps = [
        step for step in first["loc"] if not (isinstance(step, str) and ("[" in step or step.startswith("function-")))
    ]
    place: Place = (*at, *steps)
    name = ".".join(str(step) for step in place) or "the file"
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            message, fix = f"unknown key {first['loc'][-1]!r}", "remove it, or mend its name"
        case "missing" | "missing_keyword_only_argument" | "missing_argument":
            message, fix = f"{name} is missing", f"add `{steps[-1]}:`"
        case _:
            message, fix = (
                f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}, not {_short(first['input'])}",
                "mend the value",
            )
    return file.error(message, at=place, fix=fix)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a fix that names the nearest known name, or lists them all; where there is none, to take the name out."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "use one of " + ", ".join(names) if names else "take it out: there is none to name"
