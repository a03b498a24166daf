"""People are asked here for consent to exactly one draft, and this is what their consent comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta

from caseward.core.approval import AGREED, Approval, ApprovalState, Approvers, Terms
from caseward.core.case import Case
from caseward.core.errors import Refused
from caseward.core.ids import ApprovalId
from caseward.core.policy import Tier
from caseward.core.review import Check
from caseward.core.task import Draft
from caseward.desk import tools
from caseward.store import approvals as store
from caseward.store import cases, log, messages, people, votes
from caseward.store.approvals import Request


def open(
    case: Case,
    draft: Draft,
    checks: Sequence[Check],
    *,
    lane: str,
    tier: Tier,
    question: str,
    why: str,
    terms: Terms,
) -> ApprovalId:
    """Ask the people of `lane` for consent to `draft`, on the terms that policy sets."""
    now, pack = tools.now(), tools.pack()
    lane = lane if lane in pack.profile.lanes else pack.policy.lanes[-1]  # another release may have taken it away
    of = pack.profile.lanes[lane]
    minutes = of.expires_minutes if terms.expires_minutes is None else terms.expires_minutes
    store.keep_draft(draft, checks=[asdict(check) for check in checks], at=now)
    approval_id = store.open_request(
        draft,
        lane=lane,
        tier=tier,
        question=question,
        why=why,
        expires_at=pack.hours.add(now, timedelta(minutes=minutes)),
        now=now,
        terms=terms,
        approvers=Approvers(roles=of.roles, only=of.people, people=people.in_roles(of.roles)),
    )
    due = pack.hours.add(now, timedelta(minutes=pack.profile.sla.decision_minutes))
    cases.start_clock(case.id, "decision", now=now, due=due)
    _log(case, "approval", "A", {"approval": approval_id, "lane": lane, "tier": str(tier), "question": question,
                                 "digest": draft.digest, "draft": draft.id, "reply": draft.reply,
                                 "needs": terms.needs})  # fmt: skip
    tools.announce("packet", case.id, case.id)
    tools.announce("approval", approval_id, case.id)
    return approval_id


def withdraw(case: Case, why: str, which: Callable[[Request, Draft], bool] = lambda request, draft: True) -> None:
    """Close a case's requests that are open or still held, all or `which` ones. Nothing of them will be done."""
    for request in store.open_of(case.id):
        if not which(request, store.draft(request.draft_id)[0]):
            continue
        store.void(request.id, by="house", at=tools.now(), reason=why)
        _log(case, "verdict", "house", {"approval": request.id, "verdict": str(ApprovalState.EXPIRED), "reason": why})
        tools.announce("approval", request.id, case.id)


def matter(case: Case, draft: Draft) -> str:
    """Return the intent that a draft answers; nothing for words that no decision called for."""
    body = cases.decision(case.id, draft.decision) if draft.decision else None
    return str(body["understanding"]["intent"]) if body else ""


def expire(approval_id: ApprovalId) -> Request | None:
    """Let a request whose time is up count as denied; None when somebody decided it meanwhile."""
    case = cases.get(store.get(approval_id).case_id)
    messages.lock(case.conversation_id)
    case = cases.get(case.id, lock=True)
    request = store.get(approval_id, lock=True)
    if request.state is not ApprovalState.OPEN or tools.now() < request.expires_at:
        return None
    why = "not enough people decided in time" if votes.of([request])[request.id] else "nobody decided in time"
    store.settle(request.id, ApprovalState.EXPIRED, by="house", at=tools.now(), reason=why)
    cases.set_clock(case.id, "decision", breached_at=tools.now())
    _log(case, "verdict", "house", {"approval": request.id, "verdict": "expired", "reason": why})
    tools.announce("approval", request.id, case.id)
    return store.get(request.id)


def consent(request: Request) -> Approval:
    """Return what a decided request consents to: the draft with the digest the people saw or wrote, for a while.

    Raises Refused for a request that nobody approved, or whose consent is still held.
    """
    if request.state not in AGREED or request.decided_at is None:
        raise Refused(f"request {request.id} is {request.state}: it consents to nothing")
    if request.held_until is not None:
        raise Refused(f"the consent of request {request.id} is held until {request.held_until:%H:%M:%S %Z}")
    terms = request.terms
    lanes, own = tools.pack().profile.lanes, terms.expires_minutes
    lane = lanes.get(request.lane, lanes[tools.pack().policy.lanes[-1]])
    lasts = lane.expires_minutes if own is None else own
    return Approval(
        case_id=request.case_id,
        approvers=tuple(vote.person for vote in votes.of([request])[request.id]),
        needs=terms.needs,
        digest=request.digest,
        expires_at=request.decided_at + terms.hold + timedelta(minutes=lasts),
    )


def _log(case: Case, kind: str, actor: str, payload: dict[str, object]) -> None:
    log.of_case(case, kind, actor, payload, at=tools.now(), release=tools.pack().profile.release)
