"""The reference of the HTTP API, from the document that a running desk serves at /openapi.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store.tokens import ApiToken
from caseward.web import api, api_figures, api_releases, app
from caseward.web.docs import CODES, METHODS
from caseward.web.problems import Problem
from caseward.web.tokens import Scope, allowed
from tools.source import NOTE, cell, codes

INTRO = """\
A running desk describes all of this with every field: `/openapi.json` for programs, `/docs` for people.

An API call carries `Authorization: Bearer TOKEN` with a token made by
[`caseward token new`](commands.md#token-new). A token has a role; one with scopes is limited to them. A chat call
carries the token that opening the conversation returned, in the same header or as the chat page's cookie.

Lists are `{"items": [...], "next": cursor or null}`. Times are RFC 3339 in UTC. Errors are
`application/problem+json` with `type`, `title`, `status`, `detail` (what is wrong, where, and the fix) and a stable
`code`.
"""
WHO: Mapping[str, str] = {
    "/chat/session": "anybody",
    "/chat/": "holder of the chat token",
    "/webhooks/": "the channel's vendor, by its signature",
    "/healthz": "anybody",
    "/readyz": "anybody",
    "/metrics": "anybody; keep it from the public at the proxy",
}
"""Path prefix → who may, for what needs no API token; the first that fits."""


def page() -> str:
    """Return every operation with what it does and who may, and every error code."""
    built = app.build(Settings.model_construct(demo=False))
    lines = ["# HTTP", NOTE, INTRO, "| method | path | does | who may |", "| --- | --- | --- | --- |"]
    for method, path, operation in _operations(built):
        words = cell(operation["description"].split("\n\n")[0])
        lines.append(
            f"| {method.upper()} | `{path}` | **{_ended(operation['summary'])}** {words} | {_who(method, path)} |"
        )
    lines += ["", "Pages for people are not listed: the console begins at `/`, the public chat is `/chat`.", ""]
    lines += ["## Error codes", "", "| code | means |", "| --- | --- |"]
    lines += [f"| `{code}` | {cell(meaning)} |" for code, meaning in CODES.items()]
    return "\n".join(lines) + "\n"


def _ended(title: str) -> str:
    return title if title.endswith("?") else f"{title}."


def _operations(built: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in built.openapi()["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def _who(method: str, path: str) -> str:
    guard = _guards().get((method, path))
    if guard is None:
        said = next((who for prefix, who in WHO.items() if path.startswith(prefix)), None)
        if said is None:
            raise SystemExit(f"{method.upper()} {path}: say in tools/http_api.py, WHO, who may")
        return said
    roles = [role for role in Role if _lets_in(guard, role)]
    scopes = [scope for scope in Scope if _lets_in(guard, roles[0], scope)]
    of = "any role" if len(roles) == len(Role) else codes(roles)
    return f"token of {of}, scope {codes(scopes)}"


def _guards() -> dict[tuple[str, str], Callable[..., object]]:
    """Return (method, path) → what lets a token in."""
    found: dict[tuple[str, str], Callable[..., object]] = {}
    for route in (*api.router.routes, *api_figures.router.routes, *api_releases.router.routes):
        if isinstance(route, APIRoute):
            for guard in _calls(route.dependant):
                if getattr(guard, "__qualname__", "").startswith(f"{allowed.__name__}."):
                    found |= {(method.lower(), route.path): guard for method in route.methods or ()}
    return found


def _calls(dependant: Dependant) -> Iterator[Callable[..., object]]:
    for each in dependant.dependencies:
        if each.call is not None:
            yield each.call
        yield from _calls(each)


def _lets_in(guard: Callable[..., object], role: Role, scope: str = "") -> bool:
    try:
        guard(ApiToken(id="any", name="", role=role, scopes=(scope,) if scope else ()))
    except Problem:
        return False
    return True
