"""Errors for programs: RFC 9457 `application/problem+json` with what is wrong, where and the fix; no traceback."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused, SystemDown
from caseward.desk.intake import TooMany
from caseward.store import outage
from caseward.web import failures

MEDIA_TYPE = "application/problem+json"
TITLES: Mapping[int, str] = {
    400: "Bad input",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Changed meanwhile",
    413: "Too large",
    415: "Wrong content type",
    429: "Too many requests",
    500: "Failed on our side",
    503: "Not available now",
}
RETRY_SECONDS = 5
"""What a caller is told to wait when a system is down."""
MINUTE = 60

log = structlog.get_logger()

type_ = "/docs#problem-{code}".format


class Problem(Exception):
    """An answer that is an error: its status, stable code, and what a developer reads."""

    def __init__(self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})

    def response(self, **extra: str) -> Response:
        """Return the problem as it goes out."""
        body = {
            "type": type_(code=self.code),
            "title": TITLES.get(self.status, HTTPStatus(self.status).phrase),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **extra,
        }
        return JSONResponse(body, status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE)


STATUS: tuple[tuple[type[CasewardError], int], ...] = (
    (TooMany, 429),
    (BadInput, 400),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (SystemDown, 503),
)
Handler = Callable[[Request, Any], Response | Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Answer every error on a path that programs call with a problem; leave the others to the pages' own handlers."""
    for kind in (Problem, CasewardError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _answer(app.exception_handlers.get(kind)))


def _answer(page: Handler | None) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if page is None or for_programs(request.url.path):
            return answer(error, request.url.path, request.method)
        return await waited(page(request, error))

    return handle


async def waited(answered: Response | Awaitable[Response]) -> Response:
    """Return what a handler answered, which may be still to come."""
    return answered if isinstance(answered, Response) else await answered


def for_programs(path: str) -> bool:
    """Return whether programs call `path`, so that its errors are problems."""
    return path.startswith(failures.MACHINE)


def answer(error: Exception, path: str, method: str) -> Response:
    """Return the answer to an error; what nobody foresaw is logged under a reference, and only that is told."""
    problem = describe(error, path, method)
    if problem.status != 500:
        return problem.response()
    reference = secrets.token_hex(4)
    log.error("request failed", path=path, reference=reference, trace="".join(traceback.format_exception(error)))
    return problem.response(reference=reference)


def describe(error: Exception, path: str = "", method: str = "") -> Problem:
    """Return the problem that an error is."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _http(error, path, method)
    if outage.is_outage(error):
        detail = "the database is not answering; nothing was stored, send the same again in a few seconds"
        return Problem(503, "system_down", detail, headers={"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, CasewardError):
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        wait = {429: MINUTE, 503: RETRY_SECONDS}.get(status)
        if status != 500:
            return Problem(status, error.code, str(error), headers={"Retry-After": str(wait)} if wait else None)
    detail = "this failed on our side and nothing was done; try again, and give the reference to whoever runs this desk"
    return Problem(500, "internal", detail)


def _http(error: HTTPException, path: str, method: str) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Problem(404, "not_found", f"there is nothing at {path}; /docs lists what there is")
    if error.status_code == 405:
        allowed = headers.get("Allow") or headers.get("allow") or ""
        fix = f"use {allowed}" if allowed else "see /docs"
        return Problem(405, "method_not_allowed", f"{path} does not take {method}; {fix}", headers=headers)
    if error.status_code == 400:
        return Problem(400, "bad_input", "body: it cannot be read as JSON; send one JSON object, encoded as UTF-8")
    code = HTTPStatus(error.status_code).name.lower()
    return Problem(error.status_code, code, str(error.detail), headers=headers)


def _invalid(error: RequestValidationError) -> Problem:
    wrong = error.errors()
    if any(isinstance(each.get("input"), bytes) and each["loc"] == ("body",) for each in wrong):
        detail = "body: it is not declared as JSON; send it with the header Content-Type: application/json"
        return Problem(415, "wrong_content_type", detail)
    return Problem(400, "bad_input", "; ".join(dict.fromkeys(_complaint(each) for each in wrong)))


_FIXES: Mapping[str, str] = {
    "json_invalid": "not valid JSON at character {position} ({error}); send one JSON object",
    "missing": "missing; give it",
    "extra_forbidden": "unknown; leave it out",
    "model_attributes_type": "should be a JSON object",
    "string_unicode": "has halves of characters (lone surrogates); send whole ones",
    "string_pattern_mismatch": "has characters that cannot be in it; check it for slips",
}


def _complaint(wrong: Mapping[str, Any]) -> str:
    """Return one thing that is wrong: where, what, and the fix."""
    kind, loc = wrong["type"], wrong["loc"]
    where = ".".join(str(part) for part in loc[1:]) or str(loc[0])
    if kind == "json_invalid":
        where, position = "body", loc[-1]
        return f"{where}: " + _FIXES[kind].format(position=position, error=wrong.get("ctx", {}).get("error", ""))
    if kind in _FIXES:
        return f"{where}: {_FIXES[kind]}"
    message = str(wrong["msg"])
    return f"{where}: {message.removeprefix('Input ')[:200]}"
