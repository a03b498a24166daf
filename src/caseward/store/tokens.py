"""API tokens: what a program may do in whose name. A token is shown once; its hash alone is kept."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, select, update

from caseward.core import ids
from caseward.core.errors import BadInput, NotFound
from caseward.store.db import execute
from caseward.store.hashes import digest
from caseward.store.tables import api_tokens, people

SEEN_EVERY = timedelta(minutes=1)
"""How often the last use of a token is written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What an API call may do."""

    id: str
    name: str
    role: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A token as it is listed; the token itself is nowhere any more."""

    token: ApiToken
    made_by: str
    """A person's id; empty where it was made on the command line."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A token that was just made: the only time that it is known."""

    id: str
    token: str


def make(
    role: str,
    *,
    name: str = "",
    scopes: Sequence[str] = (),
    now: datetime,
    expires_at: datetime | None = None,
    made_by: str | None = None,
) -> New:
    """Store an API token and return it; raise BadInput for an end that is past."""
    if expires_at is not None and expires_at <= now:
        raise BadInput(f"the token would expire at {expires_at}, which is past; give a later time")
    made = New(id=ids.new("tok"), token="cw_" + secrets.token_urlsafe(32))
    execute(
        insert(api_tokens).values(
            id=made.id,
            token_hash=digest(made.token),
            name=name,
            role=role,
            scopes=list(scopes),
            created_at=now,
            expires_at=expires_at,
            made_by=made_by,
        )
    )
    return made


def of(token: str, *, now: datetime) -> ApiToken | None:
    """Return what a token may do, and note its use; None when it is unknown, expired or revoked, or who made it is
    shut out."""
    query = select(api_tokens).where(api_tokens.c.token_hash == digest(token), *_live(now))
    row = execute(query).mappings().first()
    if row is None:
        return None
    if row["used_at"] is None or now - row["used_at"] > SEEN_EVERY:
        execute(update(api_tokens).where(api_tokens.c.id == row["id"]).values(used_at=now))
    return _token(row)


def every(*, made_by: str | None = None) -> Sequence[Kept]:
    """Return all tokens, or those that one person made, newest first."""
    query = select(api_tokens).order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
    if made_by is not None:
        query = query.where(api_tokens.c.made_by == made_by)
    return [_kept(row) for row in execute(query).mappings()]


def get(token_id: str) -> Kept:
    """Return one token; raise NotFound."""
    row = execute(select(api_tokens).where(api_tokens.c.id == token_id)).mappings().first()
    if row is None:
        raise NotFound(f"no API token {token_id!r}")
    return _kept(row)


def roles_of(ids: Collection[str], *, now: datetime) -> dict[str, str]:
    """Return id → role of the tokens among `ids` that may still act."""
    query = select(api_tokens.c.id, api_tokens.c.role).where(api_tokens.c.id.in_(list(ids)), *_live(now))
    return {row.id: row.role for row in execute(query)}


def revoke(token_id: str, *, now: datetime) -> None:
    """End an API token; raise NotFound when there is none of that id, or it was ended before."""
    statement = update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
    if execute(statement.values(revoked_at=now).returning(api_tokens.c.id)).first() is None:
        raise NotFound(f"no API token {token_id!r} that could be ended")


def revoke_beyond(person_id: str, roles: Collection[str], *, now: datetime) -> Sequence[str]:
    """End the tokens a person made for other roles than `roles`; return their ids."""
    statement = (
        update(api_tokens)
        .where(
            api_tokens.c.made_by == person_id, api_tokens.c.revoked_at.is_(None), api_tokens.c.role.not_in(list(roles))
        )
        .values(revoked_at=now)
        .returning(api_tokens.c.id)
    )
    return list(execute(statement).scalars())


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    shut_out = exists().where(people.c.id == api_tokens.c.made_by, people.c.disabled)
    unexpired = api_tokens.c.expires_at.is_(None) | (api_tokens.c.expires_at > now)
    return (api_tokens.c.revoked_at.is_(None), unexpired, ~shut_out)


def _token(row: Any) -> ApiToken:
    return ApiToken(id=row["id"], name=row["name"], role=row["role"], scopes=tuple(row["scopes"]))


def _kept(row: Any) -> Kept:
    return Kept(
        token=_token(row),
        made_by=row["made_by"] or "",
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
    )
