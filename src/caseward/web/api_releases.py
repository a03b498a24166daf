"""The API of releases: read what the desk goes by, consent to a proposal, publish it, roll it back; by token."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from caseward.desk import current, library
from caseward.store import releases
from caseward.store.db import transaction
from caseward.store.releases import Switch
from caseward.store.tokens import ApiToken
from caseward.web.api_shapes import At, Page
from caseward.web.tokens import Scope, allowed, bearer

router = APIRouter(prefix="/api/v1", dependencies=[Depends(bearer)], tags=["releases"])

Id = Annotated[str, Path(pattern=r"^\d{4}-\d{2}-\d{2}\.\d{1,9}$", description="Such as `2026-11-21.1`.")]
Reads = Annotated[ApiToken, Depends(allowed(Scope.READ_RELEASES))]
Writes = Annotated[ApiToken, Depends(allowed(Scope.WRITE_RELEASES))]


class Verb(Protocol):
    """What a person does with a release."""

    def __call__(self, release: str, /, *, person: str, role: str, reason: str) -> releases.Release:
        """Do it."""
        ...


class Release(BaseModel):
    """A release: what it changes, and who stands for it."""

    id: str
    pack: str
    state: str = Field(description="proposed, approved, published, refused or withdrawn.")
    current: bool = Field(description="Whether the desk goes by it now.")
    author: str
    reason: str
    base: str = Field(description="The release it was compared with; empty for the first.")
    changed: list[str] = Field(description="Parts that differ from `base`.")
    lane: str = Field(description="Lane that must consent; empty for the first.")
    high_risk: bool
    checked: str = Field(description="What its check said.")
    approver: str = Field(description="Who approved, refused or withdrew it.")
    verdict: str = Field(description="Their reason.")
    digest: str = Field(description="SHA-256 over its files.")
    parts: dict[str, str] = Field(description="Part → SHA-256 over its files.")
    proposed_at: At
    decided_at: At | None
    published_at: At | None = Field(description="When it first became current.")


class FileChange(BaseModel):
    """A file that a release changes."""

    path: str
    part: str
    diff: str = Field(description="Unified diff.")


class WholeRelease(Release):
    """A release with what it changed in its base, file by file."""

    files: list[FileChange]


class Why(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=library.MAX_REASON)]


class MaybeWhy(BaseModel):
    """Why now; the proposal's own reason when left out."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=library.MAX_REASON)] = ""


@router.get("/releases", summary="List releases")
def list_releases(_token: Reads) -> Page[Release]:
    """Return all releases, the newest proposal first."""
    with transaction():
        now = releases.current()
        return Page(items=[_release(each, now) for each in releases.every()], next=None)


@router.get("/releases/{release_id}", summary="Read a release")
def read_release(release_id: Id, _token: Reads) -> WholeRelease:
    """Return a release with the files that it changed in the release it was proposed against."""
    with transaction():
        found = releases.get(release_id)
        changed = current.compare(found.base, found.id) if found.base and found.kept else ()
        files = [FileChange(path=each.path, part=each.part, diff="\n".join(each.lines())) for each in changed]
        return WholeRelease(**_release(found, releases.current()).model_dump(), files=files)


@router.post("/releases/{release_id}/approve", summary="Consent to a release")
def approve(release_id: Id, why: Why, token: Writes) -> Release:
    """Consent to a proposal, by a role of its lane, never to one's own. 409 says that it was decided or is stale."""
    return _done(library.approve, release_id, token, why.reason)


@router.post("/releases/{release_id}/refuse", summary="Refuse a release")
def refuse(release_id: Id, why: Why, token: Writes) -> Release:
    """Turn a proposal down for good, by a role of its lane."""
    return _done(library.refuse, release_id, token, why.reason)


@router.post("/releases/{release_id}/publish", summary="Publish a release")
def publish(release_id: Id, why: MaybeWhy, token: Writes) -> Release:
    """Make an approved proposal current everywhere. 409 says that it is not approved, or that another one was first."""
    return _done(library.publish, release_id, token, why.reason)


@router.post("/releases/{release_id}/rollback", summary="Roll back to a release")
def roll_back(release_id: Id, why: Why, token: Writes) -> Release:
    """Make a release that was current before current again, by a role of the lane of what changes back."""
    return _done(library.roll_back, release_id, token, why.reason)


def _done(verb: Verb, release_id: str, token: ApiToken, reason: str) -> Release:
    with transaction():
        done = verb(release_id, person=token.id, role=token.role, reason=reason)
        return _release(done, releases.current())


def _release(found: releases.Release, now: Switch | None) -> Release:
    return Release(
        id=found.id,
        pack=found.pack,
        state=found.state,
        current=now is not None and now.release == found.id,
        author=found.author,
        reason=found.reason,
        base=found.base,
        changed=list(found.changed),
        lane=found.lane,
        high_risk=found.high_risk,
        checked=found.checked,
        approver=found.approver,
        verdict=found.verdict,
        digest=found.digest,
        parts=dict(found.parts),
        proposed_at=found.proposed_at,
        decided_at=found.decided_at,
        published_at=found.published_at,
    )
