"""What is promised by when, as a form: its fields, what they edit in the pack, and what they would have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from caseward.core import promise
from caseward.core.errors import BadInput
from caseward.core.pack import Pack, Sla
from caseward.core.policy import ALWAYS, Grant, Tier
from caseward.core.promise import Kept
from caseward.desk import tools
from caseward.store import promised
from caseward.web import times, words
from caseward.web.reasons import tongue

LOOKED_BACK = timedelta(days=28)
APPROVALS = "approvals.yaml"
MOST_HELD = 30
MOST_MINUTES = 10_000_000
END_OF_DAY = "End of the business day"
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One figure of the form."""

    name: str
    label: str
    value: str
    place: Place
    file: str = "pack.yaml"
    unit: str = "min"
    least: int = 1
    most: int = MOST_MINUTES
    empty: str = ""
    """What leaving it empty means; a figure without that must be filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Figures that belong together."""

    title: str
    note: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many promises of a kind were kept, and would have been."""

    name: str
    of: int
    was: int
    would: int


def groups(pack: Pack, given: Mapping[str, str]) -> Sequence[Group]:
    """Return the form, filled in as the pack says or as it was given."""
    sla = pack.profile.sla
    return [_given(group, given) for group in (_promises(sla), _warnings(sla), _holds(pack))]


def edits(all_: Sequence[Group], pack: Pack) -> dict[str, dict[Place, Any]]:
    """Return what the form says that the pack does not; raise BadInput for a figure that is none."""
    before = {field.name: field.value for group in groups(pack, {}) for field in group.fields}
    found: dict[str, dict[Place, Any]] = {}
    for field in (field for group in all_ for field in group.fields):
        number = _number(field)
        if field.value.strip() != before[field.name]:
            found.setdefault(field.file, {})[field.place] = number
    return found


def outcomes(pack: Pack, would: Sla) -> Sequence[Outcome]:
    """Return how the promises of the last four weeks were kept, and would have been; needs an open transaction."""
    now = tools.now()
    recent = promised.since(now - LOOKED_BACK)
    kept = promise.kept(recent, hours=pack.hours, now=now, was=pack.profile.sla, would=would)
    return [_outcome(each) for each in kept]


def held(pack: Pack, grant: Grant) -> str:
    """Return which decisions a row of the matrix is about, in words."""
    say = tongue(pack.policy)
    where = [
        str(grant.tier),
        ", ".join(sorted(grant.phases, key=("pilot", "hardening", "production").index)),
        "" if len(grant.topologies) > 1 else next(iter(grant.topologies)),
        "" if grant.when == ALWAYS else say.condition(grant.when),
        words.lane(pack, grant.lane),
    ]
    return words.joined(where)


def _promises(sla: Sla) -> Group:
    return Group(
        title="Promises",
        note="minutes in which the house is open",
        fields=[
            _of(sla, "first_response_minutes", "First reply"),
            *(
                Field(
                    name=f"resolve_{tier}",
                    label=f"Resolve {tier}",
                    value=_text(sla.resolution_minutes.get(str(tier))),
                    place=("sla", "resolution_minutes", str(tier)),
                    empty=END_OF_DAY,
                )
                for tier in Tier
            ),
            _of(sla, "urgent_minutes", "Resolve P1 and P2"),
            _of(sla, "decision_minutes", "Decide"),
        ],
    )


def _warnings(sla: Sla) -> Group:
    return Group(
        title="Warnings",
        note="minutes before a promise is due",
        fields=[
            *(
                Field(
                    name=f"warn_{clock}",
                    label=f"{times.label(clock)}: warn the team",
                    value=_text(sla.warn_before_minutes.get(clock)),
                    place=("sla", "warn_before_minutes", clock),
                    least=0,
                    empty="At the deadline",
                )
                for clock in promise.CLOCKS
            ),
            Field(
                name="update_before_minutes",
                label="Resolve: tell the customer",
                value=str(sla.update_before_minutes),
                place=("sla", "update_before_minutes"),
                least=0,
            ),
        ],
    )


def _holds(pack: Pack) -> Group:
    return Group(
        title="Time to undo",
        note="seconds between consent and sending, in which it can be taken back",
        fields=[
            Field(
                name=f"hold_{n}",
                label=held(pack, grant),
                value=_text(grant.hold_seconds or None),
                place=(n, "hold_seconds"),
                file=APPROVALS,
                unit="s",
                least=0,
                most=MOST_HELD,
                empty="None",
            )
            for n, grant in enumerate(pack.policy.matrix)
            if grant.tier >= Tier.R2
        ],
    )


def _of(sla: Sla, name: str, label: str) -> Field:
    return Field(name=name, label=label, value=str(getattr(sla, name)), place=("sla", name))


def _given(group: Group, given: Mapping[str, str]) -> Group:
    return replace(group, fields=[replace(each, value=given.get(each.name, each.value)[:12]) for each in group.fields])


def _number(field: Field) -> int | None:
    text = field.value.strip()
    if not text and field.empty:
        return None
    if not (text.isascii() and text.isdigit() and field.least <= int(text) <= field.most):
        raise BadInput(f"{field.label}: {text!r} is not a number from {field.least} to {field.most}")
    return int(text)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _outcome(kept: Kept) -> Outcome:
    name = times.label(kept.clock)
    if kept.clock == "resolution":
        name = f"{name} {kept.tier}" if kept.tier is not None else name
    return Outcome(name=name, of=kept.of, was=kept.was, would=kept.would)
