"""Who is on shift, and whose turn it is to be given a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.core.roles import Role
from caseward.store import db

_GIVING_OUT: Final = 4_276_001
"""Number of the lock that whoever gives out cases holds until the commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShift:
    """Somebody who may be given a case."""

    id: str
    role: Role


def one_at_a_time() -> None:
    """Wait until nobody else gives out cases, and keep others waiting until the commit."""
    db.run("select pg_advisory_xact_lock(%s)", (_GIVING_OUT,))


def in_turn(roles: Collection[str]) -> Sequence[OnShift]:
    """Return who of these roles is on shift: whoever waited longest for a case first."""
    return [OnShift(id=row.id, role=Role(row.role)) for row in db.run(_IN_TURN, {"roles": list(roles)})]


_IN_TURN: Final = """
    select id, role from people where available and not disabled and role = any(%(roles)s)
    order by assigned_at nulls first, id
"""


def was_given(person_id: str, at: datetime) -> None:
    """Record that somebody was given a case: they are the last in turn then, also where several were at one instant."""
    db.run(_WAS_GIVEN, {"id": person_id, "at": at})


_WAS_GIVEN: Final = """
    update people set assigned_at = greatest(%(at)s, (select max(assigned_at) from people) + interval '1 microsecond')
    where id = %(id)s
"""
