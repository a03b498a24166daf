"""Somebody who is asked to decide has the facts read anew: the same words stand on fresh facts, or others are asked."""

from __future__ import annotations

from dataclasses import replace

from caseward.core import ids
from caseward.core.approval import ApprovalState
from caseward.core.ids import DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft
from caseward.core.turn import Picture
from caseward.desk import approvals, casework, drafting, gate, health, identity, tools, triage
from caseward.durable import story
from caseward.flows.support.moved import taken_up, what_moved
from caseward.flows.support.story import respond
from caseward.store import approvals as requests
from caseward.store import cases, log


def leave_it(approval_id: str) -> str:
    """It could not be read: the card stands as it was, and says how old its facts are."""
    return approval_id


@story(otherwise=leave_it)
def read_anew(approval_id: str) -> str:
    """Read every system of a request once more and decide anew. Where words, work and consent come out the same, the
    request stands on the fresh facts; otherwise it is withdrawn, and what comes out is asked about or said."""
    case = casework.hold_still(requests.get(approval_id).case_id)
    request = requests.get(approval_id, lock=True)
    if request.state is not ApprovalState.OPEN:
        return "decided meanwhile"
    draft, checks, _at = requests.draft(request.draft_id)
    picture = triage.refresh(case, identity.of(case, draft.address), draft.decision)
    health.listen(picture.heard)
    tools.announce("approval", request.id, case.id)
    if any(each.kind == "reading" and each.id not in picture.readings for each in draft.evidence):
        return "not read"
    body = cases.decision(case.id, draft.decision)
    drafted = Tier[body["tier"]] if body and draft.template else None
    changed = drafting.outdated(draft, picture, draft.language)
    moved = [*what_moved(case, request, draft, picture),
             *gate.moved(picture, request, drafted=drafted, executes=draft.task is not None)]  # fmt: skip
    was, turn = taken_up(case, draft)
    if (changed or moved) and draft.template and turn is not None:
        why = {"readings": changed, "policy": moved, "lane": request.lane}
        log.append("stale", "A", why, at=tools.now(), case_id=case.id)
        approvals.withdraw(
            case, "what it rests on changed when it was read anew", lambda each, _: each.id == request.id
        )
        return respond(was, turn, again=True)
    case, _decision, decision_id = gate.decide(case, turn.number if turn else case.turns, picture)
    requests.keep_draft(fresh := _fresh(draft, picture, decision_id), checks=checks, at=tools.now())
    requests.reread(request.id, fresh)
    return "read"


def _fresh(draft: Draft, picture: Picture, decision: int) -> Draft:
    """Return the same proposal on what was read just now."""
    evidence = tuple(
        replace(each, at=picture.readings[each.id].read_at)
        if each.kind in drafting.READINGS and each.id in picture.readings
        else each
        for each in draft.evidence
    )
    return replace(draft, id=DraftId(ids.new("drf")), decision=decision, evidence=evidence)
