"""The shapes of the API: what each answer holds. Times are RFC 3339 in UTC, lists are `{"items", "next"}`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

T = TypeVar("T")


def rfc3339(at: datetime) -> str:
    """Return an instant as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


At = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
TierName = Literal["R0", "R1", "R2", "R3"]
State = Literal["open", "approved", "edited", "denied", "escalated", "expired"]
Word = Literal["approve", "edit", "deny", "escalate"]


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next part; null at the end.")


class Contact(BaseModel):
    """Somebody identified."""

    id: str
    name: str


class CaseLine(BaseModel):
    """A case in a list."""

    id: str
    number: int
    status: str
    owner: str = Field(description="A person's id, or `desk`.")
    channel: str
    conversation: str
    contact: str | None = Field(description="Id of the contact, once identified.")
    language: str
    intent: str
    category: str
    severity: str
    tier: TierName | None
    opened_at: At
    updated_at: At
    resolved_at: At | None
    disposition: str


class Fact(BaseModel):
    """A fact a decision was made from."""

    name: str
    value: Any
    source: str
    at: At | None = Field(description="When it was read.")


class Decision(BaseModel):
    """What the gate made of a turn."""

    turn: int
    at: At
    tier: TierName
    rules: list[str] = Field(description="Ids of the rules that surely match.")
    possible: list[str] = Field(description="Ids of those that might, for want of a fact.")
    facts: list[Fact]
    missing: list[str] = Field(description="Facts that would settle it.")
    approval: str = Field(description="Lane whose consent it takes; `none` when nobody's.")
    auto_send: bool
    executor: str | None
    hold: str | None
    release: str
    reasons: list[str] = Field(description="Why a person looks whatever the matrix says.")
    needs: int = Field(description="How many people of the lane must consent.")
    confidence: int = Field(description="Percent of confidence below which nothing goes out by itself.")
    hold_seconds: int = Field(description="How long consent can be taken back.")
    break_glass: list[str] = Field(description="Ids of the triggers that woke a person.")


class Message(BaseModel):
    """A message of the case, internal notes included."""

    id: str
    seq: int
    from_: Literal["customer", "desk", "note"] = Field(alias="from")
    author: str
    kind: str = Field(description="Such as text, media, location, order or reaction; how to show it.")
    text: str
    at: At


class Check(BaseModel):
    """One check of a draft."""

    name: str
    ok: bool
    detail: str


class Evidence(BaseModel):
    """What a claim rests on."""

    id: str
    kind: str
    title: str
    excerpt: str
    source: str
    at: At


class Draft(BaseModel):
    """A proposed reply."""

    id: str
    at: At
    digest: str
    language: str
    template: str
    reply: str
    checks: list[Check]
    evidence: list[Evidence]


class Effect(BaseModel):
    """Something that happens once it is approved, in order."""

    kind: Literal["task", "reply"]
    summary: str
    skill: str | None = None
    args: dict[str, Any] | None = None
    key: str | None = None


class Vote(BaseModel):
    """One person's consent to the words of a request."""

    person: str
    verdict: Literal["approve", "edit"] = Field(description="`edit` by who wrote the words.")
    at: At
    conditions: str


class Approval(BaseModel):
    """A request for consent to exactly one draft."""

    id: str
    case: str
    tier: TierName
    lane: str
    question: str
    why: str
    reply: str = Field(description="The exact text.")
    effects: list[Effect]
    digest: str = Field(description="What a verdict must name: one changed letter changes it.")
    state: State
    opened_at: At
    expires_at: At
    decided_by: str | None
    decided_at: At | None
    reason: str
    conditions: str
    needs: int = Field(description="How many must consent to the same digest; `state` is `open` until they have.")
    votes: list[Vote] = Field(description="The consents to this digest so far, in their order.")
    hold_seconds: int = Field(description="How long consent can be taken back before anything is done.")
    held_until: At | None = Field(description="Until when that is; null where nothing is held, or no longer.")
    not_now: str | None = Field(description="Why nobody can consent as things stand; null when people can.")


class Result(BaseModel):
    """What came of a task."""

    status: str
    values: dict[str, Any]
    reference: str
    detail: str


class Task(BaseModel):
    """Work asked of operations."""

    id: str
    skill: str
    args: dict[str, Any]
    key: str
    summary: str
    approver: str = Field(description="Who consented last; `policy` where nobody has to.")
    approvers: list[str] = Field(description="Everybody who consented, in their order.")
    state: str
    attempts: int
    result: Result | None
    created_at: At


class Reply(BaseModel):
    """Words on their way to the contact, or said."""

    id: str
    message: str
    channel: str
    text: str
    state: str
    delivery: str | None = Field(
        description="What the vendor says became of it: sent, delivered, read or failed; null where it says nothing."
    )
    attempts: int
    error: str
    created_at: At


class Clock(BaseModel):
    """A deadline of the case."""

    kind: str
    due_at: At
    paused: bool
    met_at: At | None


class Case(BaseModel):
    """The whole file of a case."""

    id: str
    number: int
    status: str
    owner: str
    channel: str
    conversation: str
    contact: Contact | None
    identity: str = Field(description="How the contact was proved; empty when they were not.")
    language: str
    intent: str
    category: str
    severity: str
    woken: list[str] = Field(description="Ids of the triggers that woke a person for it.")
    tier: TierName | None
    turns: int
    questions: int
    reopened: int
    version: int
    opened_at: At
    updated_at: At
    resolved_at: At | None
    disposition: str
    decision: Decision | None = Field(description="The latest.")
    decisions: list[Decision] = Field(description="The latest ten, newest first.")
    messages: list[Message]
    drafts: list[Draft]
    approvals: list[Approval]
    tasks: list[Task]
    replies: list[Reply]
    clocks: list[Clock]


class LogEntry(BaseModel):
    """One entry of the action log."""

    seq: int
    at: At
    kind: str
    actor: str
    case: str | None
    conversation: str | None
    release: str
    payload: dict[str, Any] = Field(description="Empty once it was erased.")
    hash: str


class Verdict(BaseModel):
    """What a person says to a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Word
    digest: str = Field(max_length=128, description="Of the approval, as it was read.")
    text: str | None = Field(None, max_length=20_000, description="The edited reply; for `edit`.")
    reason: str | None = Field(None, max_length=2_000, description="Needed for `deny` and `escalate`.")
    conditions: str | None = Field(None, max_length=2_000)
