"""Drafts, and requests for consent to them. A request is decided once: compare-and-set on its state and digest.

While consent is held (`held_until`) nothing of it is done and it may be taken back; who begins it ends the hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Update, delete, insert, select, update

from caseward.core import ids
from caseward.core.approval import AGREED, PLAIN, ApprovalState, Approvers, Terms
from caseward.core.errors import NotFound
from caseward.core.ids import ApprovalId, CaseId, DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.store import db
from caseward.store.tables import approvals as table
from caseward.store.tables import drafts, votes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for consent, as it stands."""

    id: ApprovalId
    case_id: CaseId
    draft_id: DraftId
    lane: str
    tier: Tier
    question: str
    why: str
    digest: str
    state: ApprovalState
    opened_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    conditions: str
    terms: Terms
    approvers: Approvers | None
    """None for one that was opened before this was recorded."""
    held_until: datetime | None
    """Until when consent is held; None when it is not, or no longer."""


def keep_draft(draft: Draft, *, checks: Sequence[dict[str, Any]], at: datetime) -> None:
    """Store a draft with the outcome of its QA checks."""
    body = {
        "language": draft.language,
        "template": draft.template,
        "address": draft.address,
        "resolves": draft.resolves,
        "disposition": draft.disposition,
        "decision": draft.decision,
        "replies": {str(status): text for status, text in draft.replies.items()},
        "task": None
        if draft.task is None
        else {
            "skill": draft.task.skill,
            "args": dict(draft.task.args),
            "key": draft.task.key,
            "summary": draft.task.summary,
        },
        "evidence": [
            {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "excerpt": each.excerpt,
                "source": each.source,
                "at": each.at.isoformat(),
                "values": list(each.values),
            }
            for each in draft.evidence
        ],
    }
    row = {"id": draft.id, "case": draft.case_id, "at": at, "digest": draft.digest}
    db.hold(_KEEP_DRAFT, {**row, "body": Jsonb(body), "checks": Jsonb(list(checks))})


_KEEP_DRAFT = """
    insert into drafts (id, case_id, at, digest, body, checks)
    values (%(id)s, %(case)s, %(at)s, %(digest)s, %(body)s, %(checks)s)
"""


def draft(draft_id: DraftId) -> tuple[Draft, list[dict[str, Any]], datetime]:
    """Return a draft, its checks and when it was made; raise NotFound when there is none."""
    row = db.execute(select(drafts).where(drafts.c.id == draft_id)).first()
    if row is None:
        raise NotFound(f"there is no draft {draft_id}")
    return _draft(row), row.checks, row.at


def drafts_of(case_id: CaseId, *, last: int | None = None) -> list[tuple[Draft, list[dict[str, Any]], datetime]]:
    """Return a case's drafts, or its last ones, oldest first, each with its checks and when it was made."""
    latest = select(drafts).where(drafts.c.case_id == case_id).order_by(drafts.c.at.desc(), drafts.c.id.desc())
    return [(_draft(row), row.checks, row.at) for row in reversed(db.execute(latest.limit(last)).all())]


def open_request(
    draft: Draft,
    *,
    lane: str,
    tier: Tier,
    question: str,
    why: str,
    expires_at: datetime,
    now: datetime,
    terms: Terms = PLAIN,
    approvers: Approvers | None = None,
) -> ApprovalId:
    """Open a request for consent to `draft`."""
    db.current().pending.get("asks nothing", set()).discard(draft.case_id)
    approval_id = ApprovalId(ids.new("apv"))
    db.execute(
        insert(table).values(
            id=approval_id,
            case_id=draft.case_id,
            draft_id=draft.id,
            lane=lane,
            tier=int(tier),
            question=question,
            why=why,
            digest=draft.digest,
            opened_at=now,
            expires_at=expires_at,
            approvers=None if approvers is None else asdict(approvers),
            **asdict(terms),
        )
    )
    return approval_id


def get(approval_id: str, *, lock: bool = False) -> Request:
    """Return a request; raise NotFound when there is none."""
    query = select(table).where(table.c.id == approval_id)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"there is no approval {approval_id}")
    return _request(row)


def settle(
    approval_id: ApprovalId,
    state: ApprovalState,
    *,
    by: str,
    at: datetime,
    reason: str = "",
    conditions: str = "",
    held_until: datetime | None = None,
) -> bool:
    """Move an open request to a final state; return False when somebody else did first."""
    return _changed(
        update(table).where(table.c.id == approval_id, table.c.state == ApprovalState.OPEN),
        state=state, decided_by=by, decided_at=at, reason=reason, conditions=conditions, held_until=held_until,
    )  # fmt: skip


def revise(approval_id: ApprovalId, draft: Draft, *, was: str) -> bool:
    """Have an open request ask about other words than those with the digest `was`, without votes; return False when
    it moved."""
    here = update(table).where(table.c.id == approval_id, table.c.state == ApprovalState.OPEN, table.c.digest == was)
    return _changed(here, draft_id=draft.id, digest=draft.digest) and _forget_votes(approval_id)


def reread(approval_id: ApprovalId, draft: Draft) -> bool:
    """Have an open request stand on a draft of the same words and work, drawn up on facts read anew; its votes stand.

    Return False when it moved.
    """
    same = (table.c.state == ApprovalState.OPEN, table.c.digest == draft.digest)
    return _changed(update(table).where(table.c.id == approval_id, *same), draft_id=draft.id)


def let_go(approval_id: ApprovalId, now: datetime) -> bool:
    """End the hold of consent, so that it may be begun; return False when it is not held, or not over yet."""
    return _changed(update(table).where(table.c.id == approval_id, table.c.held_until <= now), held_until=None)


def take_back(approval_id: ApprovalId, *, expires_at: datetime, now: datetime) -> bool:
    """Open a request again whose consent is still held, without its votes; return False when it is too late."""
    here = update(table).where(table.c.id == approval_id, table.c.state.in_(AGREED), table.c.held_until > now)
    undone = {"state": ApprovalState.OPEN, "decided_by": "", "decided_at": None, "reason": "", "conditions": ""}
    return _changed(here, **undone, held_until=None, expires_at=expires_at) and _forget_votes(approval_id)


def void(approval_id: ApprovalId, *, by: str, at: datetime, reason: str) -> bool:
    """End a request that is open or held, undone; return False when it is neither."""
    here = update(table).where(
        table.c.id == approval_id, (table.c.state == ApprovalState.OPEN) | table.c.held_until.is_not(None)
    )
    fields = {"decided_by": by, "decided_at": at, "reason": reason}
    return _changed(here, state=ApprovalState.EXPIRED, held_until=None, **fields)


def _forget_votes(approval_id: ApprovalId) -> bool:
    db.execute(delete(votes).where(votes.c.approval_id == approval_id))
    return True


def _changed(here: Update, **fields: Any) -> bool:
    return db.execute(here.values(**fields).returning(table.c.id)).first() is not None


def open_of(case_id: CaseId) -> list[Request]:
    """Return a case's requests that are not over, open or still held, locked until the commit."""
    if case_id in db.current().pending.get("asks nothing", ()):
        return []
    return [_request(row) for row in db.run(_OPEN, {"case": case_id})]


def remember_none(case_id: CaseId) -> None:
    """Take it as read that a case, which is locked, has no such request, until one is opened here."""
    db.current().pending.setdefault("asks nothing", set()).add(case_id)


_OPEN = "select * from approvals where case_id = %(case)s and (state = 'open' or held_until is not null) for update"


def of_case(case_id: CaseId, *, last: int | None = None) -> list[Request]:
    """Return a case's requests, or its last ones, oldest first."""
    latest = select(table).where(table.c.case_id == case_id).order_by(table.c.opened_at.desc(), table.c.id.desc())
    return [_request(row) for row in reversed(db.execute(latest.limit(last)).all())]


def page(
    *, state: str | None = None, lanes: Sequence[str] | None = None, after: str = "", limit: int = 50
) -> list[Request]:
    """Return requests by deadline; `after` is the id of the last one seen."""
    query = select(table).order_by(table.c.expires_at, table.c.id).limit(limit)
    if state:
        query = query.where(table.c.state == state)
    if lanes is not None:
        query = query.where(table.c.lane.in_(lanes))
    if after:
        seen = get(after)
        query = query.where(
            (table.c.expires_at > seen.expires_at) | ((table.c.expires_at == seen.expires_at) & (table.c.id > after))
        )
    return [_request(row) for row in db.execute(query)]


def expired(now: datetime, *, limit: int = 100) -> list[ApprovalId]:
    """Return open requests whose time is up."""
    query = "select id from approvals where state = 'open' and expires_at <= %(now)s limit %(limit)s"
    return [ApprovalId(row.id) for row in db.run(query, {"now": now, "limit": limit})]


def _draft(row: Any) -> Draft:
    body = row.body
    return Draft(
        id=DraftId(row.id),
        case_id=CaseId(row.case_id),
        language=body["language"],
        template=body["template"],
        address=body["address"],
        resolves=body.get("resolves", True),
        disposition=body.get("disposition", ""),
        decision=body.get("decision", 0),
        replies={ResultStatus(status): text for status, text in body["replies"].items()},
        task=TaskRequest(**body["task"]) if body["task"] else None,
        evidence=tuple(
            Evidence(**{**each, "at": datetime.fromisoformat(each["at"]), "values": tuple(each["values"])})
            for each in body["evidence"]
        ),
    )


def _request(row: Any) -> Request:
    return Request(
        id=ApprovalId(row.id),
        case_id=CaseId(row.case_id),
        draft_id=DraftId(row.draft_id),
        lane=row.lane,
        tier=Tier(row.tier),
        question=row.question,
        why=row.why,
        digest=row.digest,
        state=ApprovalState(row.state),
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        conditions=row.conditions,
        terms=Terms(needs=row.needs, hold_seconds=row.hold_seconds, expires_minutes=row.expires_minutes),
        approvers=Approvers(**{name: tuple(ids) for name, ids in row.approvers.items()}) if row.approvers else None,
        held_until=row.held_until,
    )
