"""The QA gate before anything is said (SUP-6); the rules themselves are core/review.py."""

from __future__ import annotations

from collections.abc import Sequence

from caseward.core.case import Case, IdentityState
from caseward.core.review import Check, Subject
from caseward.core.review import review as run_rules
from caseward.core.task import Draft
from caseward.desk import tools
from caseward.store import log, running


def check(case: Case, draft: Draft, identity: IdentityState, *, by_person: bool = False) -> Sequence[Check]:
    """Return the outcome of every rule for every reply of a draft, and record it."""
    degraded = frozenset(name for name, health in running.systems().items() if health.degraded)
    outcomes: dict[str, Check] = {}
    for text in draft.replies.values():
        subject = Subject(
            draft=draft,
            text=text,
            identity=identity,
            pack=tools.pack(),
            today=tools.now().astimezone(tools.pack().hours.zone).date(),
            degraded=degraded,
            by_person=by_person,
        )
        for outcome in run_rules(subject):
            if outcome.name not in outcomes or outcomes[outcome.name].ok:
                outcomes[outcome.name] = outcome
    failed = [f"{each.name}: {each.detail}" for each in outcomes.values() if not each.ok]
    log.of_case(
        case,
        "check",
        "A",
        {"draft": draft.id, "digest": draft.digest, "passed": not failed, "failed": failed},
        at=tools.now(),
    )
    return list(outcomes.values())


def failures(checks: Sequence[Check]) -> list[str]:
    """Return what is wrong, in words."""
    return [f"{each.name}: {each.detail}" for each in checks if not each.ok]
