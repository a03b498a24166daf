"""Cases as a list for programs: filtered, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.store.db import execute
from caseward.store.tables import cases, messages
from caseward.store.tables_console import case_tags

HAS_FILES = text("jsonb_array_length(messages.attachments) > 0")
"""That a message brought a file, in the words of the index that knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases; an empty part does not narrow."""

    status: str = ""
    tier: int | None = None
    channel: str = ""
    conversation: str = ""
    contact: str = ""
    intent: str = ""
    owner: str = ""
    language: str = ""
    tag: str = ""
    opened_since: datetime | None = None
    opened_until: datetime | None = None
    with_files: bool = False
    snoozed: bool | None = None
    before: int | None = None
    """Only cases with a smaller number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case of the list."""

    id: str
    number: int
    status: CaseStatus
    owner: str
    channel: str
    conversation: str
    contact: str
    """Empty for somebody not identified."""
    language: str
    intent: str
    category: str
    severity: str
    tier: Tier | None
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    disposition: str


def page(wanted: Wanted, *, limit: int) -> Sequence[Row]:
    """Return the cases that fit, by falling number."""
    query = select(cases).order_by(cases.c.number.desc()).limit(limit)
    for column, value in (
        (cases.c.status, wanted.status),
        (cases.c.channel, wanted.channel),
        (cases.c.conversation_id, wanted.conversation),
        (cases.c.contact_id, wanted.contact),
        (cases.c.intent, wanted.intent),
        (cases.c.owner, wanted.owner),
        (cases.c.language, wanted.language),
    ):
        if value:
            query = query.where(column == value)
    if wanted.tier is not None:
        query = query.where(cases.c.tier == wanted.tier)
    if wanted.tag:
        query = query.where(cases.c.id.in_(select(case_tags.c.case_id).where(case_tags.c.tag == wanted.tag)))
    if wanted.opened_since is not None:
        query = query.where(cases.c.opened_at >= wanted.opened_since)
    if wanted.opened_until is not None:
        query = query.where(cases.c.opened_at < wanted.opened_until)
    if wanted.with_files:
        query = query.where(cases.c.id.in_(select(messages.c.case_id).where(HAS_FILES)))
    if wanted.snoozed is not None:
        query = query.where(cases.c.snoozed_until.is_not(None) == wanted.snoozed)
    if wanted.before is not None:
        query = query.where(cases.c.number < wanted.before)
    return [
        Row(
            id=row.id,
            number=row.number,
            status=CaseStatus(row.status),
            owner=row.owner,
            channel=row.channel,
            conversation=row.conversation_id,
            contact=row.contact_id or "",
            language=row.language,
            intent=row.intent,
            category=row.category,
            severity=row.severity,
            tier=None if row.tier is None else Tier(row.tier),
            opened_at=row.opened_at,
            updated_at=row.updated_at,
            resolved_at=row.resolved_at,
            disposition=row.disposition,
        )
        for row in execute(query)
    ]
