"""Who is called upon in an internal note, until they have opened the case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from caseward.core.ids import CaseId
from caseward.store import db


def add(case_id: CaseId, message_id: str, people: Collection[str], *, by: str, at: datetime) -> None:
    """Record that a note calls upon some people."""
    given = {"case": case_id, "message": message_id, "people": list(people), "by": by, "at": at}
    db.run(_ADD, given)


_ADD: Final = """
    insert into mentions (case_id, message_id, person_id, by, at)
    select %(case)s, %(message)s, person, %(by)s, %(at)s from unnest(%(people)s::text[]) as person
"""


def see(case_id: CaseId, person_id: str, *, now: datetime) -> int:
    """Record that somebody opened a case in which they were called upon; return how many notes that was new of."""
    return db.run(_SEE, {"case": case_id, "person": person_id, "now": now}).rowcount


_SEE: Final = """
    update mentions set seen_at = %(now)s where case_id = %(case)s and person_id = %(person)s and seen_at is null
"""
