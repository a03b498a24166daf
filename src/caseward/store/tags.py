"""Words that people mark cases with."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from caseward.core.ids import CaseId
from caseward.store import db

OFFERED = 40
"""Tags that are offered, those on the most cases."""


def of_case(case_id: CaseId) -> list[str]:
    """Return the tags of a case, by name."""
    return [row.tag for row in db.run("select tag from case_tags where case_id = %s order by tag", (case_id,))]


def used() -> list[str]:
    """Return the tags that are on cases, by name: those on the most cases, where there are many."""
    return sorted(row.tag for row in db.run(_USED, {"most": OFFERED}))


_USED: Final = "select tag from case_tags group by tag order by count(*) desc, tag limit %(most)s"


def add(case_id: CaseId, tag: str, *, by: str, at: datetime) -> bool:
    """Put a tag on a case; return False where it is on it already."""
    given = {"case": case_id, "tag": tag, "by": by, "at": at}
    return db.run(_ADD, given).rowcount > 0


_ADD: Final = """
    insert into case_tags (case_id, tag, by, at) values (%(case)s, %(tag)s, %(by)s, %(at)s) on conflict do nothing
"""


def remove(case_id: CaseId, tag: str) -> bool:
    """Take a tag off a case; return False where it is not on it."""
    return db.run("delete from case_tags where case_id = %s and tag = %s", (case_id, tag)).rowcount > 0
