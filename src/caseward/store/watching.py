"""What is new in conversations that somebody is watching, and on the desk as a whole, for all watchers at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from caseward.core.case import CaseStatus
from caseward.core.ids import ConversationId
from caseward.core.roles import Role
from caseward.store.db import execute, run
from caseward.store.presence import GONE
from caseward.store.sessions import IDLE
from caseward.store.tables import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How far a conversation is."""

    newest: int = 0
    """Number of the last message that the contact may see."""
    read: int = 0
    """Number of the contact's last message that a turn has taken up."""
    typing: bool = False
    """Whether somebody of the house is writing a reply."""


def marks(conversations: Collection[ConversationId], *, now: datetime) -> dict[ConversationId, Marks]:
    """Return how far each of these conversations is; one without a message is left out."""
    writing = {row.id for row in run(_WRITING, {"ids": list(conversations), "gone": now - GONE})}
    taken = func.max(messages.c.seq).filter(messages.c.inbound, messages.c.turn.is_not(None))
    query = (
        select(messages.c.conversation_id, func.max(messages.c.seq).label("newest"), taken.label("read"))
        .where(messages.c.conversation_id.in_(list(conversations)), messages.c.kind != "note")
        .group_by(messages.c.conversation_id)
    )
    return {
        ConversationId(row.conversation_id): Marks(
            newest=row.newest, read=row.read or 0, typing=row.conversation_id in writing
        )
        for row in execute(query)
    }


_WRITING: Final = """
    select distinct cases.conversation_id as id from presence join cases on cases.id = presence.case_id
    where presence.editing <> '' and presence.seen_at > %(gone)s and cases.conversation_id = any(%(ids)s)
"""


# --- what happened on the desk, for the tabs of the people who work on it ---------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry of the action log, as far as it says what changed."""

    seq: int
    kind: str
    case_id: str


def newest() -> int:
    """Return the number of the last entry of the action log."""
    found = run("select seq from log_head where id = 1").fetchone()
    return found.seq if found else 0


def changes(after: int, *, limit: int, since: datetime | None = None) -> list[Change] | None:
    """Return what happened after an entry, in order; None when it is more than `limit`, or some of it before `since`.

    Numbers are given out at the commit, one writer after the other, so nothing is left out between two looks.
    """
    rows = run(
        "select seq, at, kind, case_id from log where seq > %s order by seq limit %s", (after, limit + 1)
    ).fetchall()
    if len(rows) > limit or (since is not None and rows and rows[0].at < since):
        return None
    return [Change(seq=row.seq, kind=row.kind, case_id=row.case_id or "") for row in rows]


def signed_in(sessions: Collection[str], *, now: datetime) -> dict[str, Role]:
    """Return session → role of those of these sessions, named by their hashes, that are not over."""
    rows = run(
        "select token_hash, role from sessions join people on people.id = person_id where token_hash = any(%s)"
        " and revoked_at is null and expires_at > %s and seen_at > %s and not disabled",
        (list(sessions), now, now - IDLE),
    )
    return {row.token_hash: Role(row.role) for row in rows}


def affected(case_ids: Collection[str]) -> set[str]:
    """Return which of these cases an outside system holds up, or once did."""
    rows = run(
        "select id from cases where id = any(%(ids)s) and (status = %(pending)s or exists (select from decisions"
        " where case_id = cases.id and (body->>'hold' = 'degraded' or body->'holds' @> '\"degraded\"')))",
        {"ids": list(case_ids), "pending": CaseStatus.PENDING_VERIFICATION},
    )
    return {row.id for row in rows}
