"""Drafts, and requests for consent to them. A request is decided once: compare-and-set on its state and digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import insert, select, update

from caseward.core import ids
from caseward.core.approval import ApprovalState
from caseward.core.errors import NotFound
from caseward.core.ids import ApprovalId, CaseId, DraftId
from caseward.core.policy import Tier
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.store import db
from caseward.store.tables import approvals as table
from caseward.store.tables import drafts


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


def drafts_of(case_id: CaseId) -> list[tuple[Draft, list[dict[str, Any]], datetime]]:
    """Return a case's drafts, oldest first, each with its checks and when it was made."""
    rows = db.execute(select(drafts).where(drafts.c.case_id == case_id).order_by(drafts.c.at, drafts.c.id))
    return [(_draft(row), row.checks, row.at) for row in rows]


def open_request(
    draft: Draft, *, lane: str, tier: Tier, question: str, why: str, expires_at: datetime, now: datetime
) -> ApprovalId:
    """Open a request for consent to `draft`."""
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
    draft_id: DraftId | None = None,
    digest: str | None = None,
) -> bool:
    """Move an open request to a final state; return False when somebody else did first."""
    fields: dict[str, Any] = {
        "state": state, "decided_by": by, "decided_at": at, "reason": reason, "conditions": conditions
    }  # fmt: skip
    if draft_id is not None:
        fields |= {"draft_id": draft_id, "digest": digest}
    row = db.execute(
        update(table)
        .where(table.c.id == approval_id, table.c.state == ApprovalState.OPEN)
        .values(**fields)
        .returning(table.c.id)
    ).first()
    return row is not None


def open_of(case_id: CaseId) -> list[Request]:
    """Return a case's open requests, locked until the commit."""
    query = "select * from approvals where case_id = %(case)s and state = 'open' for update"
    return [_request(row) for row in db.run(query, {"case": case_id})]


def of_case(case_id: CaseId) -> list[Request]:
    """Return a case's requests, oldest first."""
    rows = db.execute(select(table).where(table.c.case_id == case_id).order_by(table.c.opened_at, table.c.id))
    return [_request(row) for row in rows]


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
    query = select(table.c.id).where(table.c.state == ApprovalState.OPEN, table.c.expires_at <= now).limit(limit)
    return [ApprovalId(row.id) for row in db.execute(query)]


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
    )
