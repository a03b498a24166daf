"""Words that people mark cases with."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from caseward.core.ids import CaseId
from caseward.store import db

OFFERED = 200
"""Tags that are offered."""
HELD = "tags"
"""Under which a transaction remembers which there are, until one is put on or taken off."""


def of_case(case_id: CaseId) -> list[str]:
    """Return the tags of a case, by name."""
    return [row.tag for row in db.run("select tag from case_tags where case_id = %s order by tag", (case_id,))]


def used() -> list[str]:
    """Return the tags that are on cases, by name, the first of them where there are very many; read once a
    transaction."""
    held = db.current().pending
    if HELD not in held:
        held[HELD] = [row.tag for row in db.run(_USED, {"most": OFFERED})]
    return list(held[HELD])


_USED: Final = """
    with recursive each(tag) as (
        (select tag from case_tags order by tag limit 1)
        union all
        select (select tag from case_tags where tag > each.tag order by tag limit 1)
        from each where each.tag is not null
    )
    select tag from each where tag is not null limit %(most)s
"""
"""From one tag to the next by the index: what it costs does not grow with the cases."""


def add(case_id: CaseId, tag: str, *, by: str, at: datetime) -> bool:
    """Put a tag on a case; return False where it is on it already."""
    db.current().pending.pop(HELD, None)
    given = {"case": case_id, "tag": tag, "by": by, "at": at}
    return db.run(_ADD, given).rowcount > 0


_ADD: Final = """
    insert into case_tags (case_id, tag, by, at) values (%(case)s, %(tag)s, %(by)s, %(at)s) on conflict do nothing
"""


def remove(case_id: CaseId, tag: str) -> bool:
    """Take a tag off a case; return False where it is not on it."""
    db.current().pending.pop(HELD, None)
    return db.run("delete from case_tags where case_id = %s and tag = %s", (case_id, tag)).rowcount > 0
