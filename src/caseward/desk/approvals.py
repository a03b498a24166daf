"""People are asked here, and their verdicts come in here: once, on exactly the draft they saw, in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from caseward.core import ids
from caseward.core.approval import Approval, ApprovalState, Word
from caseward.core.case import Case, IdentityState
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.ids import ApprovalId, DraftId
from caseward.core.policy import Tier
from caseward.core.review import Check, Subject
from caseward.core.review import review as run_rules
from caseward.core.roles import Effect
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import approvals as store
from caseward.store import cases, contacts, db, log, messages
from caseward.store.approvals import Request

STATES = {
    Word.APPROVE: ApprovalState.APPROVED,
    Word.EDIT: ApprovalState.EDITED,
    Word.DENY: ApprovalState.DENIED,
    Word.ESCALATE: ApprovalState.ESCALATED,
}
MAX_REASON = 2000


def open(
    case: Case, draft: Draft, checks: Sequence[Check], *, lane: str, tier: Tier, question: str, why: str
) -> ApprovalId:
    """Ask the people of `lane` for consent to `draft`."""
    now = tools.now()
    store.keep_draft(draft, checks=[asdict(check) for check in checks], at=now)
    approval_id = store.open_request(
        draft, lane=lane, tier=tier, question=question, why=why, expires_at=_expiry(lane, now), now=now
    )
    due = tools.pack().hours.add(now, timedelta(minutes=tools.pack().profile.sla.decision_minutes))
    cases.start_clock(case.id, "decision", now=now, due=due)
    _log(case, "approval", "A", {"approval": approval_id, "lane": lane, "tier": str(tier), "question": question,
                                 "digest": draft.digest, "draft": draft.id, "reply": draft.reply})  # fmt: skip
    return approval_id


def withdraw(case: Case, why: str) -> None:
    """Close a case's open requests unanswered: nothing of them will be done."""
    for request in store.open_of(case.id):
        store.settle(request.id, ApprovalState.EXPIRED, by="house", at=tools.now(), reason=why)
        _log(case, "verdict", "house", {"approval": request.id, "verdict": "expired", "reason": why})


def decide(
    approval_id: str,
    word: Word,
    *,
    person: str,
    role: str,
    digest: str,
    text: str | None = None,
    reason: str = "",
    conditions: str = "",
) -> Request:
    """Record a person's verdict and begin what follows from it.

    Raises:
        NotFound: there is no such request.
        Refused: the role may not decide in this lane.
        Conflict: it was decided, has expired, or the draft is not the one with this digest.
        BadInput: a denial or escalation without a reason, an edit without words or with words the QA gate refuses.
    """
    text, reason, conditions = clean(text or "").strip(), clean(reason).strip(), clean(conditions).strip()
    case = cases.get(store.get(approval_id).case_id, lock=True)  # the case first, as every story does
    request = store.get(approval_id, lock=True)
    now = tools.now()
    if role not in tools.pack().profile.lanes[request.lane].roles:
        _denied(case, person, {"approval": request.id, "role": role, "lane": request.lane})
        raise Refused(f"the role {role.replace('_', ' ')} does not decide in the lane {request.lane}")
    if request.state is not ApprovalState.OPEN:
        by = f" by {request.decided_by}" if request.decided_by else ""
        raise Conflict(f"this request was already {request.state}{by}")
    if now >= request.expires_at:
        raise Conflict("this request has expired, which counts as denied; nothing was sent")
    if digest != request.digest:
        raise Conflict("the draft changed since you read it; read it again")
    if word in (Word.DENY, Word.ESCALATE) and not reason:
        raise BadInput(f"reason: say why you {word}, so that it can be understood later")
    if max(len(reason), len(conditions)) > MAX_REASON:
        raise BadInput(f"reason, conditions: write at most {MAX_REASON} characters each")

    draft, checks, _at = store.draft(request.draft_id)
    edited: Draft | None = None
    if word is Word.EDIT:
        edited = _edited(case, draft, text, by=person)
        if edited.digest == draft.digest:
            raise BadInput("text: nothing was changed; approve it, or edit the words")
    elif word is Word.APPROVE:
        failed = [f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]]
        if failed:
            raise BadInput("the draft cannot be approved as it is: " + "; ".join(failed))
    settled = store.settle(
        request.id,
        STATES[word],
        by=person,
        at=now,
        reason=reason,
        conditions=conditions,
        draft_id=edited.id if edited else None,
        digest=edited.digest if edited else None,
    )
    if not settled:
        raise Conflict("somebody else decided this first")
    cases.set_clock(case.id, "decision", met_at=now)
    _log(case, "verdict", person, {"approval": request.id, "verdict": word, "role": role, "reason": reason,
                                   "conditions": conditions, "digest": edited.digest if edited else digest,
                                   "reply": (edited or draft).reply})  # fmt: skip
    tools.begin("conclude", request.id, f"conclude:{request.id}")
    return store.get(request.id)


def consent(request: Request) -> Approval:
    """Return what a decided request consents to: the draft with the digest the person saw or wrote, for a while.

    Raises Refused for a request that nobody approved.
    """
    if request.state not in (ApprovalState.APPROVED, ApprovalState.EDITED) or request.decided_at is None:
        raise Refused(f"request {request.id} is {request.state}: it consents to nothing")
    lasts = timedelta(minutes=tools.pack().profile.lanes[request.lane].expires_minutes)
    return Approval(
        case_id=request.case_id,
        approver=request.decided_by,
        digest=request.digest,
        expires_at=request.decided_at + lasts,
    )


def preview(approval_id: str, text: str) -> Sequence[Check]:
    """Return what the QA gate would say to an edit, without recording anything."""
    request = store.get(approval_id)
    draft, _checks, _at = store.draft(request.draft_id)
    edited = replace(draft, replies={**draft.replies, ResultStatus.SUCCESS: clean(text)})
    return _review(cases.get(request.case_id), edited)


def write(case_id: str, text: str, *, person: str, role: str) -> ApprovalId:
    """Have a person answer a case in their own words; they take the case, and consent to what they wrote.

    Raises:
        Refused: the role may not decide for this case's tier.
        BadInput: the QA gate refuses the words.
    """
    messages.lock(cases.get(case_id).conversation_id)
    case = cases.get(case_id, lock=True)
    text, now, profile = clean(text).strip(), tools.now(), tools.pack().profile
    lanes = [name for name, lane in profile.lanes.items() if role in lane.roles]
    waiting = store.open_of(case.id)
    needed = max((request.lane for request in waiting), key=tools.pack().policy.lanes.index, default=None)
    if not lanes or (needed is not None and needed not in lanes):
        _denied(case, person, {"role": role, "lane": needed or ""})
        raise Refused(f"the role {role.replace('_', ' ')} does not answer for the lane {needed or 'of any case'}")
    row = _last_address(case)
    draft = Draft(
        id=DraftId(ids.new("drf")),
        case_id=case.id,
        language=tools.pack().language(case.language),
        template="",
        replies={ResultStatus.SUCCESS: text},
        evidence=(Evidence(id=person, kind="person", title="Stated by a person", excerpt=text, source=role, at=now),),
        resolves=False,
        address=row,
    )
    checks = _review(case, draft)
    failed = [f"{check.name}: {check.detail}" for check in checks if not check.ok]
    if failed:
        raise BadInput("text: " + "; ".join(failed))
    approval_id = open(
        case, draft, checks, lane=needed or lanes[-1], tier=case.tier if case.tier is not None else Tier.R3,
        question="Answer in own words", why="",
    )  # fmt: skip
    store.settle(approval_id, ApprovalState.EDITED, by=person, at=now)
    cases.set_clock(case.id, "decision", met_at=now)
    cases.change(case, now, owner=person)
    _log(case, "verdict", person, {"approval": approval_id, "verdict": "write", "role": role, "reply": draft.reply})
    tools.begin("conclude", approval_id, f"conclude:{approval_id}")
    return approval_id


def expire(approval_id: ApprovalId) -> Request | None:
    """Let a request whose time is up count as denied; None when somebody decided it meanwhile."""
    case = cases.get(store.get(approval_id).case_id)
    messages.lock(case.conversation_id)
    case = cases.get(case.id, lock=True)
    request = store.get(approval_id, lock=True)
    if request.state is not ApprovalState.OPEN or tools.now() < request.expires_at:
        return None
    store.settle(request.id, ApprovalState.EXPIRED, by="house", at=tools.now(), reason="nobody decided in time")
    cases.set_clock(case.id, "decision", breached_at=tools.now())
    _log(case, "verdict", "house", {"approval": request.id, "verdict": "expired", "reason": "nobody decided in time"})
    return request


def _edited(case: Case, draft: Draft, text: str, *, by: str) -> Draft:
    edited = replace(
        draft,
        id=DraftId(ids.new("drf")),
        template="",
        replies={**draft.replies, ResultStatus.SUCCESS: text},
    )
    checks = _review(case, edited)
    failed = [f"{check.name}: {check.detail}" for check in checks if not check.ok]
    if failed:
        raise BadInput("text: " + "; ".join(failed))
    store.keep_draft(edited, checks=[asdict(check) for check in checks], at=tools.now())
    _log(case, "draft", by, {"draft": edited.id, "digest": edited.digest, "reply": text, "edited_from": draft.id})
    return edited


def _review(case: Case, draft: Draft) -> Sequence[Check]:
    verified = case.contact_id is not None and contacts.get(case.contact_id) is not None
    return run_rules(
        Subject(
            draft=draft,
            text=draft.reply,
            identity=IdentityState.VERIFIED if verified else IdentityState.UNKNOWN,
            pack=tools.pack(),
            today=tools.now().astimezone(tools.pack().hours.zone).date(),
            by_person=True,
        )
    )


def _last_address(case: Case) -> str:
    row = messages.lock(case.conversation_id)
    return f"{row.channel}:{row.address}"


def _denied(case: Case, person: str, of: dict[str, object]) -> None:
    with db.apart():  # kept though the caller's transaction is not
        log.append("denied", person, {"effect": Effect.APPROVE, **of}, at=tools.now(), case_id=case.id)


def _expiry(lane: str, now: datetime) -> datetime:
    pack = tools.pack()
    return pack.hours.add(now, timedelta(minutes=pack.profile.lanes[lane].expires_minutes))


def _log(case: Case, kind: str, actor: str, payload: dict[str, object]) -> None:
    log.append(
        kind,
        actor,
        payload,
        at=tools.now(),
        case_id=case.id,
        conversation_id=case.conversation_id,
        release=tools.pack().profile.release,
    )
