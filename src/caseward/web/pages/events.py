"""What happens while a page is open: one stream a tab, or one answer for those that cannot follow a stream."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from caseward.web import feed
from caseward.web.live import Live
from caseward.web.problems import Problem
from caseward.web.session import cookie_name, maybe_visitor, visitor

BIGGEST = 2**63 - 1
STREAM = "text/event-stream"
SIGNED_OUT = "event: signed-out\ndata: {}\n\n"

router = APIRouter()


@router.get("/events")
async def events(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=BIGGEST)] = None,
) -> Response:
    """Tell what changed after entry `after` of the action log, or after the last event seen: as a stream to whoever
    accepts one, else in one answer.
    """
    begin = after if last_event_id is None else last_event_id
    if STREAM not in request.headers.get("accept", ""):
        asking = await run_in_threadpool(visitor, request)
        told = await run_in_threadpool(feed.catch_up, begin, asking.person.role)
        return JSONResponse({"now": feed.now(), "seq": told.seq, "subjects": told.subjects, "reload": told.reload})
    found = await run_in_threadpool(maybe_visitor, request)
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    if found is None:  # a script cannot read why a stream was refused, so it is told in one
        return Response(SIGNED_OUT, media_type=STREAM, headers=headers)
    live: Live = request.app.state.live
    token = request.cookies[cookie_name(request, "session")]
    told_events = feed.stream(
        live,
        session=hashlib.sha256(token.encode()).hexdigest(),
        person_id=found.person.id,
        role=found.person.role,
        after=begin,
    )
    try:
        first = await anext(told_events)  # so that a refusal is an answer of its own, not a broken stream
    except Problem as refused:
        return refused.response()
    return StreamingResponse(_after(first, told_events), media_type=STREAM, headers=headers)


async def _after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for event in rest:
        yield event
