"""What may be proposed: words, and the work behind them; what comes back from the work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from caseward.core.ids import CaseId, DraftId


class ResultStatus(StrEnum):
    """What came of a task (AGT-1)."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    BLOCKED_POLICY = "BLOCKED_POLICY"
    NEED_VERIFICATION = "NEED_VERIFICATION"
    UNKNOWN = "UNKNOWN"
    """The system may or may not have done it: look it up or ask a person, never retry blindly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """Work proposed for operations: a skill, its arguments, and the key that makes it happen once."""

    skill: str
    args: Mapping[str, Any]
    key: str
    """Business key of the effect, such as `reschedule:ses-12:2026-11-22T03:00:00+00:00`."""
    summary: str = ""
    """The effect in one line, for the approver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The structured outcome of a task or a reading."""

    status: ResultStatus
    values: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    """The system's own reference of the effect."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a claim rests on: a published page or what a system said, numbered for the citation chip."""

    id: str
    kind: str
    """`article`, `reading`, `notice` (a reading that is about nobody), `identity` or `result`."""
    title: str
    excerpt: str
    source: str
    """Release of the page, or the system that was read."""
    at: datetime
    values: tuple[str, ...] = ()
    """Every date, time, amount and id it supports, exactly as a reply may print it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposed reply, the work it confirms, and what both rest on."""

    id: DraftId
    case_id: CaseId
    language: str
    template: str
    """Template id, empty when a person wrote the words."""
    replies: Mapping[ResultStatus, str]
    """What to say for each outcome; without a task only SUCCESS is used."""
    task: TaskRequest | None = None
    evidence: tuple[Evidence, ...] = ()
    address: str = ""
    """`channel:address` of the recipient."""
    resolves: bool = True
    """Whether the matter is settled once this is said."""
    disposition: str = ""
    decision: int = 0
    """The stored decision it was drafted on."""

    @property
    def reply(self) -> str:
        """The words the contact reads when all goes well."""
        return self.replies.get(ResultStatus.SUCCESS, "")

    @property
    def digest(self) -> str:
        """SHA-256 over recipient, task and every reply: one changed letter needs a new approval."""
        seen = {
            "address": self.address,
            "case": self.case_id,
            "replies": {str(status): text for status, text in sorted(self.replies.items())},
            "task": asdict(self.task) if self.task else None,
        }
        text = json.dumps(seen, sort_keys=True, ensure_ascii=False, default=_plain, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    """Return an instant or a date as it is stored, so that the digest is the same before and after."""
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
