"""What vendors call: a channel's messages and statuses, believed once their signature is, stored before the answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from caseward.core.errors import BadInput, NotFound, Refused
from caseward.core.ports import Hook
from caseward.desk import tools
from caseward.flows import arrivals

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

ChannelName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,40}$", description="A channel that is set up.")]
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Stored. Empty, or what the vendor wants to read.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


async def raw(request: Request) -> bytes:
    """Return the body as it came: what is signed are these bytes."""
    return await request.body()


@router.get(
    "/{channel}",
    response_class=PlainTextResponse,
    summary="Register an address",
    responses={
        200: {"description": "What the vendor expects", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
def greet(request: Request, channel: ChannelName) -> Response:
    """Answer a vendor that checks whether this address is ours."""
    plug = _hook(channel)
    try:
        return PlainTextResponse(plug.greet(dict(request.query_params)))
    except Refused as refusal:
        arrivals.turned_away(channel, str(refusal))
        raise


@router.post(
    "/{channel}",
    summary="Tell what happened",
    responses=ANSWER,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def tell(request: Request, channel: ChannelName, body: Annotated[bytes, Depends(raw)]) -> Response:
    """Take in what a vendor tells, in its own format and under its own signature.

    The answer comes once it is stored; the same bytes again are the same call.
    """
    plug = _hook(channel)
    try:
        plug.verify({name.lower(): value for name, value in request.headers.items()}, body)
    except Refused as refusal:
        arrivals.turned_away(channel, str(refusal))
        raise
    arrivals.take(channel, body)
    try:
        said = plug.answer(body)
    except BadInput:  # it is kept, and whoever looks at the channel sees that it cannot be read
        said = None
    return Response(status_code=200) if said is None else JSONResponse(dict(said))


def _hook(channel: str) -> Hook:
    found: object = tools.given().channels.get(channel)
    if not isinstance(found, Hook):
        raise NotFound(f"no channel {channel!r} is set up here that a vendor calls")
    return found
