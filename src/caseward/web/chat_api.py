"""The public chat for programs and for the page's own script: open, say, read, follow."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound, Message
from caseward.desk import tools
from caseward.flows import support
from caseward.store import messages, outage, watching
from caseward.store.db import transaction
from caseward.store.watching import Marks
from caseward.web import chat_session
from caseward.web.chat_session import SAMPLE_ID
from caseward.web.live import EVERY_SECONDS, Live

CHANNEL = "webchat"
PAGE = 200
HEARTBEAT = int(15 / EVERY_SECONDS)
"""Looks after which a silent stream shows that it lives: less than what proxies wait."""
RECONNECT_MS = 2000
BIGGEST = 2**63 - 1

router = APIRouter(prefix="/chat", tags=["chat"])

Sample = Annotated[
    str,
    Query(alias="as", pattern=SAMPLE_ID + "|^$", description="In a demo: whose cookie the page's requests use."),
]
After = Annotated[int, Query(ge=0, le=BIGGEST, description="Number of the last message seen.")]


class Opening(BaseModel):
    """Opens a conversation."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    as_: str | None = Field(None, alias="as", pattern=SAMPLE_ID, description="In a demo: a sample contact's id.")
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}$", description="ISO 639-1; the pack's default otherwise.")


class Opened(BaseModel):
    """A conversation and the token that opens it, told once."""

    token: str
    conversation: str


class Said(BaseModel):
    """A message from the contact."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(
        description="The sender's own id of the message, 1 to 200 characters: the same id is the same message."
    )
    text: str = Field(description="The words; the pack bounds their length.")
    choice: str = Field(
        "", max_length=200, description="Id of the choice that is picked by it, of a message's `choices`."
    )


class ChatChoice(BaseModel):
    """What may be picked as an answer."""

    id: str
    label: str


class ChatMessage(BaseModel):
    """A message as the contact sees it."""

    id: str
    seq: int = Field(description="Grows with every message; what to ask for more after.")
    from_: Literal["customer", "desk"] = Field(alias="from")
    text: str
    at: datetime
    choices: list[ChatChoice] | None = Field(None, description="There when something may be picked.")


class ChatMessages(BaseModel):
    """Messages, oldest first."""

    items: list[ChatMessage]
    next: int | None = Field(description="What to ask for more after; null when there is no more yet.")
    read: int = Field(description="Number of the contact's last message that the desk has taken up.")


def shape(message: Message) -> dict[str, Any]:
    """Return a message as the contact sees it."""
    choices = [{"id": each.id, "label": each.label} for each in message.choices]
    return {
        "id": message.id,
        "seq": message.seq,
        "from": "customer" if message.inbound else "desk",
        "text": message.text,
        "at": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        **({"choices": choices} if choices else {}),
    }


@router.post("/session", response_model=Opened, summary="Open a conversation")
def open_session(request: Request, opening: Opening | None = None, sample: Sample = "") -> Response:
    """Return a fresh conversation's token. The answer also sets it as a cookie, which is what the chat page uses."""
    wanted = opening or Opening()
    sample = wanted.as_ or sample
    token, conversation_id = chat_session.open_conversation(request, language=wanted.language or "", sample=sample)
    response = JSONResponse({"token": token, "conversation": conversation_id})
    chat_session.keep(request, response, token, sample)
    return response


@router.post("/messages", status_code=202, response_model=ChatMessage, summary="Say something")
def say(request: Request, said: Said, sample: Sample = "") -> Response:
    """Take a message in: the answer comes once it is stored. The same id again is the same message, stored once."""
    with transaction():
        visit = chat_session.required(request, sample)
        message = support.receive(
            visit.conversation_id,
            Inbound(
                channel=CHANNEL,
                provider_id=said.id,
                address=visit.address,
                text=said.text,
                at=tools.now(),
                choice=said.choice,
            ),
        )
    return JSONResponse(shape(message), status_code=202)


@router.get("/messages", response_model=ChatMessages, summary="Read the conversation")
def read(request: Request, after: After = 0, sample: Sample = "") -> Response:
    """Return what the contact sees after number `after`, at most 200 messages."""
    visit = chat_session.required(request, sample)
    found, marks = look(visit.conversation_id, after)
    following = found[-1].seq if len(found) == PAGE else None
    return JSONResponse({"items": [shape(each) for each in found], "next": following, "read": marks.read})


@router.get(
    "/stream",
    summary="Follow the conversation",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events"}},
)
async def stream(
    request: Request,
    after: After = 0,
    sample: Sample = "",
    last_event_id: Annotated[
        int | None, Header(ge=0, le=BIGGEST, description="Number of the last event seen, as browsers send it.")
    ] = None,
) -> Response:
    """Send each message as a server-sent event whose id is its number, beginning after the last one seen.

    An event named `read` tells which of the contact's messages the desk has taken up, one named `typing` whether
    somebody is writing a reply. A comment every 15 seconds shows that the stream lives.
    """
    visit = await run_in_threadpool(chat_session.required, request, sample)
    live: Live = request.app.state.live
    begin = after if last_event_id is None else last_event_id
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    events = _events(live, visit.conversation_id, begin)
    first = await anext(events)  # so that a refusal is an answer of its own, not a broken stream
    return StreamingResponse(_after(first, events), media_type="text/event-stream", headers=headers)


async def _after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for event in rest:
        yield event


async def _events(live: Live, conversation_id: ConversationId, after: int) -> AsyncIterator[str]:
    """Yield what is new, from the event loop: a thread and a connection are taken only to read what is there."""
    with live.watch(conversation_id):
        yield f"retry: {RECONNECT_MS}\n\n"
        told, quiet, typing = 0, 0, False
        while not live.closing:
            try:
                found, marks = await run_in_threadpool(look, conversation_id, after)
            except Exception as error:
                if not outage.is_outage(error):
                    raise
                await live.next_look(conversation_id)
                continue
            for message in found:
                after = message.seq
                yield f"id: {after}\ndata: {json.dumps(shape(message), ensure_ascii=False)}\n\n"
            if marks.read > told:
                told, quiet = marks.read, 0
                yield f'event: read\ndata: {{"seq": {told}}}\n\n'
            if marks.typing != typing:
                typing = marks.typing
                yield f"event: typing\ndata: {json.dumps(typing)}\n\n"
            while not live.closing:
                seen = await live.next_look(conversation_id)
                if seen is not None and (seen.newest > after or seen.read > told or seen.typing != typing):
                    break
                quiet += 1
                if quiet % HEARTBEAT == 0:
                    yield ": here\n\n"


def look(conversation_id: ConversationId, after: int) -> tuple[list[Message], Marks]:
    """Return what the contact sees after number `after`, and how far the conversation is."""
    with transaction():
        found = messages.visible(conversation_id, after=after, limit=PAGE)
        marks = watching.marks([conversation_id], now=tools.now())
    return found, marks.get(conversation_id, Marks())
