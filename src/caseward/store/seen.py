"""How much of each case somebody has seen: what came in later is unread to them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from caseward.core.ids import CaseId
from caseward.store import db


def mark(case_id: CaseId, person_id: str, *, at: datetime) -> None:
    """Record that somebody has seen all that the contact has said in a case so far."""
    db.run(_MARK, {"case": case_id, "person": person_id, "at": at})


_MARK: Final = """
    insert into case_seen (case_id, person_id, seq, at)
    select %(case)s, %(person)s, max(seq), %(at)s from messages where case_id = %(case)s and inbound having max(seq) > 0
    on conflict (case_id, person_id) do update set seq = excluded.seq, at = excluded.at
    where case_seen.seq < excluded.seq
"""
