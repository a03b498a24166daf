"""Who calls the API: a token, its role, and what it may be used for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import tokens
from caseward.store.db import transaction
from caseward.store.tokens import ApiToken
from caseward.web.problems import Problem

bearer = HTTPBearer(auto_error=False, description="A token made with `caseward token new --role ROLE`.")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}


class Scope(StrEnum):
    """What a token may be limited to; one without scopes may do all that its role may."""

    READ_CASES = "cases:read"
    READ_APPROVALS = "approvals:read"
    DECIDE = "approvals:decide"
    READ_LOG = "log:read"
    READ_FIGURES = "figures:read"
    READ_RELEASES = "releases:read"
    WRITE_RELEASES = "releases:write"


def caller(request: Request) -> ApiToken:
    """Return who calls; raise Problem for a missing, unknown, expired or revoked token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        fix = "send `Authorization: Bearer TOKEN` with one made by `caseward token new --role ROLE`"
        raise Problem(401, "no_token", f"Authorization: no API token; {fix}", headers=_CHALLENGE)
    with transaction():
        found = tokens.of(token.strip(), now=tools.now())
    if found is None:
        detail = "Authorization: this token is unknown, expired or revoked; make one with `caseward token new`"
        raise Problem(401, "no_token", detail, headers=_CHALLENGE)
    return found


def allowed(scope: Scope, roles: Collection[str] = frozenset(Role)) -> Callable[[ApiToken], ApiToken]:
    """Return a dependency that lets tokens of these roles with that scope in, and raises Problem for others."""

    def guard(token: Annotated[ApiToken, Depends(caller)]) -> ApiToken:
        if token.role not in roles:
            fix = f"use a token of {', '.join(sorted(roles))}"
            raise Problem(403, "not_for_role", f"a token of the role {token.role} does not do this; {fix}")
        if token.scopes and scope not in token.scopes:
            fix = f"make one with `--scope {scope}`, or without scopes"
            raise Problem(403, "not_in_scope", f"this token is limited to {', '.join(token.scopes)}; {fix}")
        return token

    return guard
