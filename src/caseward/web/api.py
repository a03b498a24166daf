"""The API under /api/v1: read cases, approvals and the action log, and record verdicts, by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from caseward.core import approval
from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.desk import verdicts
from caseward.store import approvals, browse, casefile, cases, log
from caseward.store.browse import Wanted
from caseward.store.db import transaction
from caseward.store.tokens import ApiToken
from caseward.web import api_read
from caseward.web.api_shapes import Approval, Case, CaseLine, LogEntry, Page, State, TierName, Verdict
from caseward.web.problems import Problem
from caseward.web.tokens import Scope, allowed, bearer

SEES_ALL = frozenset({Role.OPS_LEAD, Role.ADMIN})
"""Roles that read the whole action log; the others read what they did themselves."""
NAME = r"^[A-Za-z0-9_.:@-]{1,100}$"
TAG = r"^[^\x00-\x1f]{1,32}$"
MOST = 200

router = APIRouter(prefix="/api/v1", dependencies=[Depends(bearer)])

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CaseId = Annotated[str, Path(pattern=r"^([0-9]{1,9}|[a-z]+_[0-9a-z]{1,60})$", description="Id or number of the case.")]
Name = Annotated[str, Query(pattern=NAME)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="`next` of the part before.")]


@router.get("/cases", tags=["cases"], summary="List cases")
def list_cases(
    _token: Annotated[ApiToken, Depends(allowed(Scope.READ_CASES))],
    status: CaseStatus | None = None,
    tier: TierName | None = None,
    channel: Name | None = None,
    conversation: Name | None = None,
    contact: Name | None = None,
    intent: Name | None = None,
    owner: Name | None = None,
    language: Name | None = None,
    tag: Annotated[str | None, Query(pattern=TAG, description="A word the case is marked with.")] = None,
    opened_since: AwareDatetime | None = None,
    opened_until: AwareDatetime | None = None,
    with_files: Annotated[bool, Query(description="Only cases in which somebody sent a file.")] = False,
    snoozed: Annotated[bool | None, Query(description="Only cases out of sight until a time, or only others.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseLine]:
    """Return cases, the newest first, that fit all filters."""
    wanted = Wanted(
        status=status or "",
        tier=Tier[tier] if tier else None,
        channel=channel or "",
        conversation=conversation or "",
        contact=contact or "",
        intent=intent or "",
        owner=owner or "",
        language=language or "",
        tag=tag or "",
        opened_since=opened_since,
        opened_until=opened_until,
        with_files=with_files,
        snoozed=snoozed,
        before=cursor,
    )
    with transaction():
        rows = browse.page(wanted, limit=limit + 1)
    following = str(rows[limit - 1].number) if len(rows) > limit else None
    return Page(items=[api_read.line(row) for row in rows[:limit]], next=following)


@router.get("/cases/{case_id}", tags=["cases"], summary="Read a case")
def read_case(case_id: CaseId, _token: Annotated[ApiToken, Depends(allowed(Scope.READ_CASES))]) -> Case:
    """Return the whole file: messages, decisions, drafts, approvals, tasks, results, clocks."""
    with transaction():
        return api_read.case(casefile.read(case_id))


@router.get("/approvals", tags=["approvals"], summary="List approvals")
def list_approvals(
    _token: Annotated[ApiToken, Depends(allowed(Scope.READ_APPROVALS))],
    state: State | None = None,
    lane: Annotated[Sequence[Name] | None, Query(max_length=20)] = None,
    cursor: Annotated[Name | None, Query(description="`next` of the part before.")] = None,
    limit: Limit = 50,
) -> Page[Approval]:
    """Return approval requests by deadline."""
    with transaction():
        found = approvals.page(state=state, lanes=lane, after=cursor or "", limit=limit + 1)
        items = api_read.approvals_of(found[:limit])
    return Page(items=items, next=items[-1].id if len(found) > limit else None)


@router.get("/approvals/{approval_id}", tags=["approvals"], summary="Read an approval")
def read_approval(approval_id: Id, _token: Annotated[ApiToken, Depends(allowed(Scope.READ_APPROVALS))]) -> Approval:
    """Return one approval request."""
    with transaction():
        return api_read.approval(approvals.get(approval_id))


@router.post("/approvals/{approval_id}/verdict", tags=["approvals"], summary="Decide")
def decide(approval_id: Id, verdict: Verdict, token: Annotated[ApiToken, Depends(allowed(Scope.DECIDE))]) -> Approval:
    """Record a verdict on exactly the draft with this digest, by somebody of the approval's lane.

    Where `needs` says that several must consent, the answer is `open` until they have; a token is one of them. 409 says
    that the draft changed, the request expired, somebody decided it before, this token has consented already, or
    (`not_now`) that what it rests on is too old or its system is degraded.
    """
    try:
        with transaction():
            decided = verdicts.decide(
                approval_id,
                approval.Word(verdict.verdict),
                person=token.id,
                role=token.role,
                digest=verdict.digest,
                text=verdict.text,
                reason=verdict.reason or "",
                conditions=verdict.conditions or "",
            )
            return api_read.approval(decided)
    except verdicts.NotNow as error:
        fix = f" by POST /api/v1/approvals/{approval_id}/read, then decide" if error.stale else ""
        raise Problem(409, error.code, f"approval {approval_id}: {error}{fix}") from None


@router.post("/approvals/{approval_id}/read", tags=["approvals"], summary="Have the facts read anew", status_code=202)
def read_anew(approval_id: Id, token: Annotated[ApiToken, Depends(allowed(Scope.DECIDE))]) -> Approval:
    """Have what an open request rests on read anew. Once its `not_now` is null it can be decided.

    What comes out otherwise withdraws the request, and another may ask instead. 409 says that it is not open any more.
    """
    with transaction():
        verdicts.read_now(approval_id, person=token.id, role=token.role)
        return api_read.approval(approvals.get(approval_id))


@router.post("/approvals/{approval_id}/undo", tags=["approvals"], summary="Take consent back")
def undo(approval_id: Id, token: Annotated[ApiToken, Depends(allowed(Scope.DECIDE))]) -> Approval:
    """Open a request again while its consent is held: nothing has left, its votes are void, everybody is asked anew.

    409 says that there is nothing to undo, or that the hold is over.
    """
    with transaction():
        return api_read.approval(verdicts.undo(approval_id, person=token.id, role=token.role))


@router.get("/log", tags=["log"], summary="Read the action log")
def read_log(
    token: Annotated[ApiToken, Depends(allowed(Scope.READ_LOG))],
    case: Annotated[str | None, Query(pattern=NAME, description="Id or number of a case.")] = None,
    actor: Name | None = None,
    kind: Name | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Annotated[int, Query(ge=0, le=2**63 - 1, description="`next` of the part before.")] = 0,
    limit: Limit = 100,
) -> Page[LogEntry]:
    """Return entries in the order they were written. Who may not read all of them reads what they did themselves."""
    if token.role not in SEES_ALL:
        if actor not in (None, token.id):
            fix = f"leave `actor` out, or use a token of {', '.join(sorted(SEES_ALL))}"
            raise Problem(403, "not_for_role", f"actor: a token of the role {token.role} reads its own entries; {fix}")
        actor = token.id
    with transaction():
        found = log.entries(
            case_id=_case_id(case) if case else None,
            actor=actor,
            kind=kind,
            since=since,
            until=until,
            after=cursor,
            limit=limit + 1,
        )
    following = str(found[limit - 1].seq) if len(found) > limit else None
    return Page(items=[api_read.entry(each) for each in found[:limit]], next=following)


def _case_id(wanted: str) -> str:
    return cases.get(wanted).id if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else wanted
