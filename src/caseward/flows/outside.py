"""Work outside: mark it, do it, record it. Three commits, so that a death between any two is seen and settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from caseward.core import ids
from caseward.core.approval import Approval, Terms
from caseward.core.case import Case, CaseStatus, IdentityState
from caseward.core.ids import DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft, Result, ResultStatus
from caseward.desk import (
    approvals,
    casework,
    executor,
    gate,
    health,
    identity,
    promises,
    review,
    speaker,
    tools,
    triage,
)
from caseward.durable import step, transact, workflow
from caseward.store import approvals as requests
from caseward.store import cases, context, db, effects
from caseward.store.effects import Task

BACKOFF = executor.BACKOFF
STAYS_TRUE = timedelta(days=7)
"""How long words about work that was done may wait until they can be said."""

_marked: set[str] = set()
"""What this process has marked and not begun: only these were surely not tried before, by it or by one that died."""


@workflow
def perform(task_id: str, attempt: int = 0) -> str:
    """Run a task: check once more that policy lets it, hand it over, and say what came of it."""
    if not transact(_authorise, task_id):
        return "not run"
    outcome = step(_run, task_id)
    return transact(_report, task_id, outcome)


def _authorise(task_id: str) -> bool:
    """Return whether the task may run now; a task that policy no longer lets run goes back to a person."""
    task = effects.task(task_id, lock=True)
    if task.state not in effects.UNSETTLED:
        return False
    case = cases.get(task.case_id)
    if task.attempts == 0:
        draft, _checks, _at = requests.draft(task.draft_id)
        tier = requests.get(task.approval_id).tier if task.approval_id else case.tier
        picture = triage.refresh(case, identity.of(case, draft.address), draft.decision)
        health.listen(picture.heard)
        why = gate.still_allows(picture, tier if tier is not None else Tier.R0)
        if why:
            _settle(task, Result(status=ResultStatus.BLOCKED_POLICY, detail=why))
            return False
    executor.take(task)
    _marked.add(task_id)
    return True


def _run(task_id: str) -> dict[str, Any]:
    with db.transaction():
        task = effects.task(task_id)
    result = executor.run(replace(task, attempts=_tries_before(task_id, task.attempts)))
    return {
        "status": result.status,
        "values": dict(result.values),
        "reference": result.reference,
        "detail": result.detail,
    }


def _tries_before(id_: str, attempts: int) -> int:
    """Return how often an effect may have been tried before: not at all, where we marked it first and just now."""
    mine = id_ in _marked
    _marked.discard(id_)
    return attempts - 1 if mine else attempts


def _report(task_id: str, outcome: dict[str, Any]) -> str:
    task = effects.task(task_id, lock=True)
    if task.state not in effects.UNSETTLED:
        return "settled before"
    return _settle(task, Result(**{**outcome, "status": ResultStatus(outcome["status"])}))


def _settle(task: Task, result: Result) -> str:
    """Record the result, write it through, and let the speaker say what was consented to for this outcome."""
    case = casework.hold_still(task.case_id)
    executor.settle(task, result)
    health.note(tools.skill(task.request.skill).system, ok=not result.values.get("down"), why=result.detail)
    if case.contact_id is not None:
        context.drop(case.contact_id)
    if result.status is ResultStatus.UNKNOWN and not executor.gives_up(task, result):
        return str(result.status)

    draft, _checks, _at = requests.draft(task.draft_id)
    who = identity.of(case, draft.address)
    if result.status in draft.replies and _as_promised(task, result) and who.state is IdentityState.VERIFIED:
        asked = requests.get(task.approval_id) if task.approval_id else None
        consent = Approval(  # the work is done, so its words may follow however long it took
            case_id=case.id,
            approvers=task.approvers,
            needs=asked.terms.needs if asked else 1,
            digest=asked.digest if asked else draft.digest,
            expires_at=tools.now() + STAYS_TRUE,
        )
        speaker.say(case, draft, consent, identity=who.state, outcome=result.status, key=f"reply:{draft.id}",
                    by_person=not draft.template)  # fmt: skip
        if result.status is ResultStatus.SUCCESS:
            return casework.become(case, CaseStatus.RESOLVED, disposition=draft.disposition)
        return casework.become(case, CaseStatus.WAITING_CUSTOMER)
    return _ask_people(case, task, result, draft)


def _as_promised(task: Task, result: Result) -> bool:
    """Return whether what the system says it did is what was asked, wherever it names the same thing."""
    return all(str(result.values.get(name, value)) == str(value) for name, value in task.request.args.items())


def _ask_people(case: Case, task: Task, result: Result, draft: Draft) -> str:
    """Nothing was consented to for this outcome: the strongest lane decides what is said."""
    lane = tools.pack().policy.lanes[-1]
    told = replace(draft, id=DraftId(ids.new("drf")), task=None, template="", resolves=False,
                   replies={ResultStatus.SUCCESS: ""})  # fmt: skip
    checks = review.check(case, told, identity.of(case, told.address).state, by_person=True)
    approvals.open(case, told, checks, lane=lane, tier=Tier.R3, question="What should the customer be told?",
                   why=f"{task.request.summary or task.request.skill}: {result.detail or result.status}",
                   terms=Terms.of(gate.unforeseen()))  # fmt: skip
    promises.on_request(case)
    promise = promises.next_promise(tools.now())
    speaker.tell(case, "stalled", {"promise_time": promise}, address=draft.address, key=f"stalled:{task.id}")
    return casework.become(case, CaseStatus.WAITING_APPROVAL)
