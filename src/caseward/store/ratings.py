"""How contacts were served, by their own word: a case is asked about once, and its last answer counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseward.core.ids import CaseId, ContactId
from caseward.store import db


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One case's."""

    case_id: CaseId
    channel: str
    """On which it was asked for."""
    asked_at: datetime
    score: int | None
    """1 is the worst; None as long as nobody answered."""
    comment: str
    at: datetime | None


def ask(case_id: CaseId, *, channel: str, now: datetime) -> bool:
    """Record that a case's contact is asked; return False where they were asked before."""
    given = {"case": case_id, "channel": channel, "now": now}
    return db.run(_ASK, given).rowcount > 0


_ASK: Final = """
    insert into ratings (case_id, channel, asked_at) values (%(case)s, %(channel)s, %(now)s)
    on conflict (case_id) do nothing
"""


def of(case_id: CaseId) -> Rating | None:
    """Return a case's rating; None where its contact was not asked for one."""
    row = db.run("select * from ratings where case_id = %(case)s", {"case": case_id}).fetchone()
    return None if row is None else _rating(row)


def of_contact(contact_id: ContactId, *, limit: int) -> list[Rating]:
    """Return what a contact answered when they were asked, the latest first."""
    query: Final = """
        select ratings.* from ratings join cases on cases.id = ratings.case_id
        where cases.contact_id = %(contact)s and score is not null order by ratings.at desc limit %(limit)s
    """
    return [_rating(row) for row in db.run(query, {"contact": contact_id, "limit": limit})]


def keep(case_id: CaseId, *, score: int, comment: str, now: datetime) -> None:
    """Keep what a contact answered; a comment stays where a later answer has none."""
    given = {"case": case_id, "score": score, "comment": comment, "now": now}
    db.run(_KEEP, given)


_KEEP: Final = """
    update ratings set score = %(score)s, at = %(now)s,
        comment = case when %(comment)s = '' then comment else %(comment)s end
    where case_id = %(case)s
"""


def scores(since: datetime) -> dict[int, int]:
    """Return score → how often it was given since an instant."""
    query: Final = """
        select score, count(*) as n from ratings where score is not null and at >= %(since)s
        group by score order by score
    """
    return {row.score: row.n for row in db.run(query, {"since": since})}


def _rating(row: Any) -> Rating:
    return Rating(
        case_id=CaseId(row.case_id),
        channel=row.channel,
        asked_at=row.asked_at,
        score=row.score,
        comment=row.comment,
        at=row.at,
    )
