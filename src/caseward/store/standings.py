"""How the people of the house stand: what those see who look after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from caseward.core.errors import NotFound
from caseward.store import sessions
from caseward.store.db import execute
from caseward.store.people import Kind, Person, person_of
from caseward.store.tables import people, sign_in_links
from caseward.store.tables import sessions as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A person as those who look after people see them."""

    person: Person
    has_password: bool
    second_factor: bool
    provider: bool
    """Known to the identity provider."""
    seen_at: datetime | None
    sessions: int
    """Open now."""
    invited_until: datetime | None
    """Until when an invitation is open that was not taken up."""


def every(*, now: datetime, only: str | None = None) -> Sequence[Standing]:
    """Return all people, or one, with how they stand, by name; those who are shut out last."""
    used = (
        select(
            rows.c.person_id,
            func.max(rows.c.seen_at).label("seen_at"),
            func.count().filter(*sessions.live(now)).label("open"),
        )
        .group_by(rows.c.person_id)
        .subquery()
    )
    links = sign_in_links
    open_ = (
        select(links.c.person_id, func.max(links.c.expires_at).label("until"))
        .where(links.c.kind == Kind.INVITE, links.c.used_at.is_(None), links.c.expires_at > now)
        .group_by(links.c.person_id)
        .subquery()
    )
    query = (
        select(people, used.c.seen_at, func.coalesce(used.c.open, 0).label("open"), open_.c.until)
        .outerjoin(used, used.c.person_id == people.c.id)
        .outerjoin(open_, open_.c.person_id == people.c.id)
        .order_by(people.c.disabled, func.lower(people.c.name), people.c.id)
    )
    if only is not None:
        query = query.where(people.c.id == only)
    return [
        Standing(
            person=person_of(row),
            has_password=bool(row["password_hash"]),
            second_factor=bool(row["totp_secret"]),
            provider=row["subject"] is not None,
            seen_at=row["seen_at"],
            sessions=row["open"],
            invited_until=row["until"],
        )
        for row in execute(query).mappings()
    ]


def of(person_id: str, *, now: datetime) -> Standing:
    """Return how one person stands; raise NotFound."""
    found = every(now=now, only=person_id)
    if not found:
        raise NotFound(f"no person {person_id!r}")
    return found[0]
