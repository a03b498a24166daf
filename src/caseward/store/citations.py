"""Which pages were cited in what was said, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from caseward.core.task import Draft
from caseward.store import db
from caseward.store.tables import cases
from caseward.store.tables_console import citations as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Citing:
    """A case in which a page was cited."""

    case_id: str
    number: int
    release: str
    at: datetime


def keep(draft: Draft, *, release: str, at: datetime) -> None:
    """Record the pages that a draft cites, now that it is said; once for each draft."""
    for article in {each.id for each in draft.evidence if each.kind == "article"}:
        db.hold(_KEEP, {"draft": draft.id, "article": article, "case": draft.case_id, "release": release, "at": at})


_KEEP = """
    insert into citations (draft_id, article_id, case_id, release, at)
    values (%(draft)s, %(article)s, %(case)s, %(release)s, %(at)s)
    on conflict do nothing
"""


def counts(*, since: datetime) -> Mapping[str, int]:
    """Return page → how often it was cited since then."""
    query = select(table.c.article_id, func.count()).where(table.c.at >= since).group_by(table.c.article_id)
    return {row[0]: row[1] for row in db.execute(query)}


def count(article: str, *, since: datetime) -> int:
    """Return how often a page was cited since then."""
    query = select(func.count()).select_from(table).where(table.c.article_id == article, table.c.at >= since)
    return int(db.execute(query).scalar() or 0)


def latest(article: str, *, limit: int) -> Sequence[Citing]:
    """Return the cases in which a page was cited last, the latest first."""
    query = (
        select(table.c.case_id, cases.c.number, table.c.release, table.c.at)
        .join(cases, cases.c.id == table.c.case_id)
        .where(table.c.article_id == article)
        .order_by(table.c.at.desc())
        .limit(limit)
    )
    return [Citing(case_id=row.case_id, number=row.number, release=row.release, at=row.at) for row in db.execute(query)]
