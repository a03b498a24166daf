"""How the desk came to what it did: rule by rule, fact by fact, check by check, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.store.casefile import CaseFile
from caseward.web import words
from caseward.web.checks import facts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule that matched, or might have."""

    id: str
    tier: Tier | None
    because: str
    maybe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """A fact with its source and the time it was read."""

    label: str
    value: str
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the gate made of one turn."""

    number: int
    at: datetime
    tier: Tier
    summary: str
    rules: Sequence[RuleLine]
    facts: Sequence[FactLine]
    missing: Sequence[str]
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One check of a draft."""

    name: str
    icon: str
    level: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft and the checks it went through."""

    at: datetime
    text: str
    checks: Sequence[CheckLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A task or a reply on its way."""

    icon: str
    title: str
    at: datetime
    text: str
    key: str


def turns(pack: Pack, file: CaseFile) -> list[Turn]:
    """Return the decisions of a case, newest first."""
    return [
        Turn(
            number=decided.turn,
            at=decided.at,
            tier=decided.tier,
            summary=_summary(pack, decided.body),
            rules=[
                *(_rule(pack, id_, maybe=False) for id_ in decided.body.get("rules") or ()),
                *(_rule(pack, id_, maybe=True) for id_ in decided.body.get("possible") or ()),
            ],
            facts=[
                FactLine(
                    label=words.fact_name(fact.name),
                    value=words.fact_value(pack, fact.name, fact.value),
                    source=words.humane(fact.source),
                    at=fact.at,
                )
                for fact in facts_of(decided.body)
            ],
            missing=[words.fact_name(name) for name in decided.body.get("missing") or ()],
            release=decided.release,
        )
        for decided in file.decided
    ]


def drafts(file: CaseFile) -> list[Drafted]:
    """Return the drafts of a case, newest first, each with its checks."""
    return [
        Drafted(
            at=drafted.at,
            text=drafted.draft.reply,
            checks=[_check(each) for each in drafted.checks],
        )
        for drafted in file.drafted
    ]


def work(file: CaseFile, names: Mapping[str, str]) -> list[Step]:
    """Return the tasks and replies of a case, oldest first."""
    tasks = [
        Step(
            icon="wrench",
            title=task.request.summary or words.humane(task.request.skill),
            at=task.created_at,
            text=words.joined(
                [
                    words.humane(task.state),
                    f"consent of {words.everybody(task.approvers, names)}" if task.approvers else "",
                    _attempts(task.attempts),
                    task.result.detail or task.result.reference if task.result else "",
                ]
            ),
            key=task.request.key,
        )
        for task in file.tasks
    ]
    replies = [
        Step(
            icon="send",
            title=f"Reply by {words.channel(parcel.channel)}",
            at=parcel.created_at,
            text=words.joined([words.humane(parcel.state), _attempts(parcel.attempts), parcel.error]),
            key=parcel.key,
        )
        for parcel in file.parcels
    ]
    return sorted([*tasks, *replies], key=lambda step: step.at)


def _attempts(number: int) -> str:
    return f"{number} attempts" if number > 1 else ""


def _summary(pack: Pack, body: Mapping[str, Any]) -> str:
    lane = str(body.get("approval") or "")
    hold = str(body.get("hold") or "")
    return words.joined(
        [
            f"Consent: {words.lane(pack, lane)}" if lane else "",
            f"Held: {words.humane(hold).lower()}" if hold else "",
            "Goes out by itself" if body.get("auto_send") else "",
        ]
    )


def _rule(pack: Pack, id_: str, *, maybe: bool) -> RuleLine:
    rule = next((rule for rule in pack.policy.rules if rule.id == id_), None)
    return RuleLine(id=id_, tier=rule.tier if rule else None, because=rule.because if rule else "", maybe=maybe)


def _check(check: Mapping[str, Any]) -> CheckLine:
    ok = bool(check.get("ok"))
    return CheckLine(
        name=words.humane(str(check.get("name") or check.get("rule") or "Check")),
        icon="circle-check" if ok else "circle-x",
        level="ok" if ok else "bad",
        value=str(check.get("detail") or check.get("why") or ("Passed" if ok else "Failed")),
    )
