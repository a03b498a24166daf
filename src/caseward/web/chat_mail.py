"""The conversation by mail, asked for in the chat: a form of the page, which its script sends without leaving it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from caseward.core.errors import BadInput, SystemDown
from caseward.desk import tools
from caseward.desk.transcripts import TooOften
from caseward.flows import transcripts
from caseward.web import chat_session, chat_words
from caseward.web.chat_api import Sample
from caseward.web.chat_session import Visit

HERE = "/chat/transcript"
STATES = ("sending", "code", "wrong", "bad", "often", "away")
"""What came of a wish: the words about each are `mail_STATE`."""

router = APIRouter(include_in_schema=False)


@router.post(HERE)
def ask(
    request: Request,
    email: Annotated[str, Form(max_length=500)] = "",
    code: Annotated[str, Form(max_length=100)] = "",
    sample: Sample = "",
    lang: Annotated[str, Query(max_length=35)] = "",
) -> Response:
    """Take an address, or the code that was mailed to it. A script is told what came of it, a form goes back."""
    visit = chat_session.required(request, sample)
    state = _taken(visit, email, code)
    if "application/json" in request.headers.get("accept", ""):
        say = chat_words.words(tools.pack().language(lang))
        waits = transcripts.waits_at(visit.conversation_id)
        return JSONResponse({"state": state, "text": told(state, say, waits), "code": bool(waits)})
    return RedirectResponse(f"{chat_words.address(sample, lang, mailed=state)}#mail", status_code=303)


def told(state: str, say: chat_words.Words, waits: str) -> str:
    """Return what is said about a wish: how it stands, or where the code went that is waited for; empty for nothing."""
    if state in STATES and (state != "code" or waits):
        return say[f"mail_{state}"].format(address=waits)
    return say["mail_code"].format(address=waits) if waits else ""


def _taken(visit: Visit, email: str, code: str) -> str:
    try:
        if code.strip():
            return "sending" if transcripts.confirm(visit.conversation_id, code) else "wrong"
        return transcripts.ask(visit.conversation_id, email)
    except TooOften:
        return "often"
    except BadInput:
        return "bad"
    except SystemDown:
        return "away"
