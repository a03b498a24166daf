"""What came of the decisions of a case: drafts with their checks, tasks and replies on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.store.casefile import CaseFile
from caseward.web import words


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


def _check(check: Mapping[str, Any]) -> CheckLine:
    ok = bool(check.get("ok"))
    return CheckLine(
        name=words.humane(str(check.get("name") or check.get("rule") or "Check")),
        icon="circle-check" if ok else "circle-x",
        level="ok" if ok else "bad",
        value=str(check.get("detail") or check.get("why") or ("Passed" if ok else "Failed")),
    )
