"""The API described: /openapi.json for programs, /docs for people, both from the same and nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from caseward.web import problems, render

METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS: Mapping[str, tuple[int, ...]] = {
    "/chat/session": (400, 403, 404, 408, 413, 415, 429, 503),
    "/chat/": (400, 401, 403, 408, 413, 415, 429, 503),
    "/api/": (400, 401, 403, 404, 408, 409, 413, 415, 503),
    "/webhooks/": (400, 403, 404, 408, 413, 503),
    "/metrics": (503,),
}
"""Path prefix → the problems its operations may answer with; the first that fits."""
CODES: Mapping[str, str] = {
    "bad_input": "What was sent cannot be used; the detail names the part and the fix.",
    "unsound": "The pack fails its check; nothing was taken in.",
    "wrong_host": "The request is addressed to a host name this desk does not answer to.",
    "no_session": "The chat token is missing or opens nothing.",
    "no_token": "The API token is missing, unknown, expired or revoked.",
    "refused": "A rule of the house forbids it.",
    "not_approved": "What was asked is not covered by an approval.",
    "not_for_role": "The token's role does not do this.",
    "not_in_scope": "The token is limited to other scopes.",
    "not_a_demo": "Sample contacts exist in a demo only.",
    "cross_site": "A page of another site sent this.",
    "not_found": "There is no such thing, or none that the caller may see.",
    "method_not_allowed": "The path takes other methods.",
    "too_slow": "The request did not arrive whole in time.",
    "conflict": "What was decided on has moved, expired, or was decided before. Read it again.",
    "too_large": "More was sent than the path takes.",
    "wrong_content_type": "The body is not declared as JSON.",
    "not_now": "Nobody can consent to this as things stand: what it rests on is too old, or a system is degraded.",
    "too_many": "Too much at once; wait as Retry-After says.",
    "system_down": "A system is not answering; nothing was stored. Send the same again.",
    "internal": "A fault on our side; the reference finds it in the log.",
}
"""Stable code → what it means."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing an operation takes or answers."""

    name: str
    kind: str
    where: str
    needed: bool
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as the page lists it."""

    method: str
    path: str
    summary: str
    text: str
    takes: tuple[Part, ...]
    answers: tuple[Part, ...]
    statuses: tuple[tuple[str, str], ...]


def describe(app: FastAPI) -> None:
    """Have `app` describe its errors as they are: problems, not the framework's own shape."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schemas = schema["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = _PROBLEM
            for path, item in schema["paths"].items():
                for method in METHODS:
                    if method in item:
                        _refusals(path, method, item[method]["responses"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _refusals(path: str, method: str, responses: dict[str, Any]) -> None:
    responses.pop("422", None)
    for said in responses.values():
        if said["description"] == "Successful Response":
            said["description"] = "Done"
    statuses = next((found for prefix, found in REFUSALS.items() if path.startswith(prefix)), ())
    for status in statuses:
        if method == "get" and status in (408, 409, 413, 415):
            continue
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses.setdefault(str(status), {"description": problems.TITLES[status], "content": content})


_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and the fix."},
        "code": {"type": "string", "description": "Stable; see /docs."},
        "reference": {"type": "string", "description": "Finds a fault in the log."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}


@router.get("/docs")
def page(request: Request) -> Response:
    """Show what the API takes and answers."""
    schema = request.app.openapi()
    context = {
        "groups": _groups(schema),
        "codes": CODES,
        "version": schema["info"]["version"],
        "shapes": list(_shapes(schema)),
    }
    return render.page(request, "docs.html", context)


def _groups(schema: Mapping[str, Any]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                tag = next(iter(item[method].get("tags", ())), "other")
                groups.setdefault(tag, []).append(_operation(schema, path, method, item[method]))
    return groups


def _operation(schema: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]) -> Operation:
    takes = [
        Part(
            name=each["name"],
            kind=_kind(each["schema"]),
            where=each["in"],
            needed=each.get("required", False),
            meaning=each.get("description", ""),
        )
        for each in said.get("parameters", ())
    ]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    good: Mapping[str, Any] = next((each for status, each in said["responses"].items() if status[0] == "2"), {})
    answer = good.get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        text=said.get("description", ""),
        takes=(*takes, *_fields(schema, body, "body")),
        answers=tuple(_fields(schema, answer, "answer")),
        statuses=tuple((status, each["description"]) for status, each in sorted(said["responses"].items())),
    )


def _shapes(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Part]]]:
    """Yield the named shapes: name, meaning, fields."""
    for name, shape in sorted(schema["components"]["schemas"].items()):
        if "properties" in shape:
            yield name, shape.get("description", ""), list(_fields(schema, shape, "shape"))


def _fields(schema: Mapping[str, Any], shape: Mapping[str, Any] | None, where: str) -> Iterator[Part]:
    shape = _resolved(schema, shape or {})
    needed = shape.get("required", ())
    for name, field in shape.get("properties", {}).items():
        yield Part(
            name=name, kind=_kind(field), where=where, needed=name in needed, meaning=field.get("description", "")
        )


def _resolved(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> Mapping[str, Any]:
    for each in shape.get("anyOf", ()):
        if "$ref" in each:
            shape = each
    if "$ref" in shape:
        found: Mapping[str, Any] = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        return found
    return shape


def _kind(shape: Mapping[str, Any]) -> str:
    """Return a field's type in words."""
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "anyOf" in shape:
        return " or ".join(_kind(each) for each in shape["anyOf"])
    if "enum" in shape:
        return ", ".join(map(str, shape["enum"]))
    if shape.get("type") == "array":
        return f"list of {_kind(shape.get('items', {}))}"
    return str(shape.get("format") or shape.get("type") or "any")
