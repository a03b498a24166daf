"""Rows of the store in the shapes of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from caseward.core.approval import ApprovalState, Vote
from caseward.core.checks import facts_of
from caseward.core.messages import Message
from caseward.core.task import Draft
from caseward.desk import verdicts
from caseward.store import approvals, votes
from caseward.store.approvals import Request
from caseward.store.browse import Row
from caseward.store.casefile import CaseFile, Decided, Drafted
from caseward.store.effects import Task
from caseward.store.log import Entry
from caseward.web import api_shapes as shapes
from caseward.web.api_shapes import TierName


def line(row: Row) -> shapes.CaseLine:
    """Return a case of a list."""
    return shapes.CaseLine(
        id=row.id,
        number=row.number,
        status=row.status,
        owner=row.owner,
        channel=row.channel,
        conversation=row.conversation,
        contact=row.contact or None,
        language=row.language,
        intent=row.intent,
        category=row.category,
        severity=row.severity,
        tier=None if row.tier is None else _tier(row.tier),
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        disposition=row.disposition,
    )


def case(file: CaseFile) -> shapes.Case:
    """Return the whole file of a case."""
    it = file.case
    decisions = [_decision(each) for each in file.decided]
    drafts = {drafted.draft.id: drafted.draft for drafted in file.drafted}
    return shapes.Case(
        id=it.id,
        number=it.number,
        status=it.status,
        owner=it.owner,
        channel=it.channel,
        conversation=it.conversation_id,
        contact=shapes.Contact(id=file.contact.id, name=file.contact.name) if file.contact else None,
        identity=file.method,
        language=it.language,
        intent=it.intent,
        category=it.category,
        severity=it.severity,
        woken=list(it.woken),
        tier=None if it.tier is None else _tier(it.tier),
        turns=it.turns,
        questions=it.questions,
        reopened=it.reopened,
        version=it.version,
        opened_at=it.opened_at,
        updated_at=it.updated_at,
        resolved_at=it.resolved_at,
        disposition=it.disposition,
        decision=decisions[0] if decisions else None,
        decisions=decisions,
        messages=[_message(each) for each in file.messages],
        drafts=[_draft(each) for each in file.drafted],
        approvals=[_approval(each, drafts[each.draft_id], file.votes[each.id]) for each in file.requests],
        tasks=[_task(each) for each in file.tasks],
        replies=[
            shapes.Reply(
                id=each.id,
                message=each.message_id,
                channel=each.channel,
                text=each.text,
                state=each.state,
                delivery=each.delivery,
                attempts=each.attempts,
                error=each.error,
                created_at=each.created_at,
            )
            for each in file.parcels
        ],
        clocks=[
            shapes.Clock(kind=each.kind, due_at=each.due_at, paused=each.paused, met_at=each.met_at)
            for each in file.clocks
        ],
    )


def approval(request: Request) -> shapes.Approval:
    """Return a request for consent with the draft it is about."""
    return approvals_of([request])[0]


def approvals_of(requests: Sequence[Request]) -> list[shapes.Approval]:
    """Return requests for consent, each with the draft it is about."""
    given = votes.of(requests)
    return [_approval(each, approvals.draft(each.draft_id)[0], given[each.id]) for each in requests]


def entry(entry: Entry) -> shapes.LogEntry:
    """Return an entry of the action log."""
    return shapes.LogEntry(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        case=entry.case_id,
        conversation=entry.conversation_id,
        release=entry.release,
        payload=dict(entry.payload),
        hash=entry.hash,
    )


def _decision(decided: Decided) -> shapes.Decision:
    body: Mapping[str, Any] = decided.body
    return shapes.Decision(
        turn=decided.turn,
        at=decided.at,
        tier=_tier(decided.tier),
        rules=list(body.get("rules") or ()),
        possible=list(body.get("possible") or ()),
        facts=[
            shapes.Fact(name=each.name, value=each.value, source=each.source, at=each.at) for each in facts_of(body)
        ],
        missing=list(body.get("missing") or ()),
        approval=body.get("approval") or "none",
        auto_send=bool(body.get("auto_send")),
        executor=body.get("executor") or None,
        hold=body.get("hold") or None,
        release=decided.release,
        reasons=list(body.get("reasons") or ()),
        needs=int(body.get("needs") or 1),
        confidence=int(body.get("confidence") or 0),
        hold_seconds=int(body.get("hold_seconds") or 0),
        break_glass=list(body.get("break_glass") or ()),
    )


def _message(message: Message) -> shapes.Message:
    side: Literal["customer", "desk", "note"] = "customer" if message.inbound else "desk"
    return shapes.Message.model_validate(
        {
            "id": message.id,
            "seq": message.seq,
            "from": "note" if message.kind == "note" else side,
            "author": message.author,
            "kind": message.kind,
            "text": message.text,
            "at": message.at,
        }
    )


def _draft(drafted: Drafted) -> shapes.Draft:
    draft = drafted.draft
    return shapes.Draft(
        id=draft.id,
        at=drafted.at,
        digest=draft.digest,
        language=draft.language,
        template=draft.template,
        reply=draft.reply,
        checks=[
            shapes.Check(name=str(each["name"]), ok=bool(each["ok"]), detail=str(each.get("detail") or ""))
            for each in drafted.checks
        ],
        evidence=[
            shapes.Evidence(
                id=each.id, kind=each.kind, title=each.title, excerpt=each.excerpt, source=each.source, at=each.at
            )
            for each in draft.evidence
        ],
    )


def _approval(request: Request, draft: Draft, given: Sequence[Vote]) -> shapes.Approval:
    return shapes.Approval(
        id=request.id,
        case=request.case_id,
        tier=_tier(request.tier),
        lane=request.lane,
        question=request.question,
        why=request.why,
        reply=draft.reply,
        effects=_effects(draft),
        digest=request.digest,
        state=cast(shapes.State, str(request.state)),
        opened_at=request.opened_at,
        expires_at=request.expires_at,
        decided_by=request.decided_by or None,
        decided_at=request.decided_at,
        reason=request.reason,
        conditions=request.conditions,
        needs=request.terms.needs,
        votes=[
            shapes.Vote(person=each.person, verdict=each.word.value, at=each.at, conditions=each.conditions)
            for each in given
        ],
        hold_seconds=request.terms.hold_seconds,
        held_until=request.held_until,
        not_now=_not_now(request, draft),
    )


def _not_now(request: Request, draft: Draft) -> str | None:
    why = verdicts.unfit(draft) if request.state is ApprovalState.OPEN else None
    return str(why) if why else None


def _effects(draft: Draft) -> list[shapes.Effect]:
    channel = draft.address.partition(":")[0]
    reply = shapes.Effect(kind="reply", summary=f"The reply is sent on {channel}" if channel else "The reply is sent")
    if draft.task is None:
        return [reply]
    task = draft.task
    work = shapes.Effect(
        kind="task", summary=task.summary or task.skill, skill=task.skill, args=dict(task.args), key=task.key
    )
    return [work, reply]


def _task(task: Task) -> shapes.Task:
    result = task.result
    return shapes.Task(
        id=task.id,
        skill=task.request.skill,
        args=dict(task.request.args),
        key=task.request.key,
        summary=task.request.summary,
        approver=task.approvers[-1] if task.approvers else "",
        approvers=list(task.approvers),
        state=task.state,
        attempts=task.attempts,
        result=shapes.Result(
            status=result.status, values=dict(result.values), reference=result.reference, detail=result.detail
        )
        if result
        else None,
        created_at=task.created_at,
    )


def _tier(tier: object) -> TierName:
    return cast(TierName, str(tier))
