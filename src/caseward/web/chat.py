"""The public chat page: did you hear me, and when will I know? It works without scripts, by a form and a link."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from babel.dates import format_date
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import NotFound
from caseward.core.ids import ContactId
from caseward.core.messages import Inbound, Message
from caseward.core.pack import Pack
from caseward.desk import tools
from caseward.flows import support, transcripts
from caseward.settings import Settings
from caseward.store import contacts, messages
from caseward.store.db import transaction
from caseward.store.watching import Marks
from caseward.web import chat_mail, chat_session, chat_words, problems, render
from caseward.web.chat_api import CHANNEL, PAGE, Sample, look
from caseward.web.chat_session import Visit
from caseward.web.problems import Problem

RUN = timedelta(minutes=5)
"""Messages of one side that follow within this stand together, with the time under the last."""
SHOWN = 200
"""Messages the page begins with; older ones stay in the file."""
SCRIPT_WORDS = ("sending", "sent", "read", "waiting", "failed", "refused", "too_many", "too_long", "support", "you",
                "offline", "reconnecting", "person")  # fmt: skip

router = APIRouter(include_in_schema=False)

Lang = Annotated[str, Query(max_length=35)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message as the page shows it."""

    id: str
    seq: int
    ours: bool
    """Whether the desk said it."""
    text: str
    at: datetime
    day: str
    """A date to print above it, where a day begins that is not today."""
    state: str
    """`sent` or `read`, for the contact's own words."""
    last: bool
    """Whether it ends its run, so that its time is printed."""


@router.get("/chat")
def chat(
    request: Request, sample: Sample = "", lang: Lang = "", mailed: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show the conversation this browser has, or the empty page on which one begins; `mailed` says what came of the
    wish to have it by mail."""
    return _page(request, _visit(request, sample), sample=sample, lang=lang, mailed=mailed)


def framed(request: Request, *, lang: str) -> Response:
    """Return the chat as a frame of another page shows it: its script brings the conversation."""
    return _page(request, None, sample="", lang=lang, frame=True)


@router.post("/chat")
def post(
    request: Request,
    text: Annotated[str, Form()] = "",
    id: Annotated[str, Form(max_length=200)] = "",
    quick: Annotated[str, Form(max_length=20)] = "",
    choice: Annotated[str, Form(max_length=200)] = "",
    sample: Sample = "",
    lang: Lang = "",
) -> Response:
    """Take in a message written without scripts, and show the conversation with it."""
    language = tools.pack().language(lang)
    said = chat_words.words(language)["person"] if quick else text.replace("\r\n", "\n")
    visit = _visit(request, sample)
    token = ""
    try:
        chat_session.require_own_page(request)
        if visit is None:
            token, _id = chat_session.open_conversation(request, language=language, sample=sample)
            visit = chat_session.known(token)
        inbound = Inbound(
            channel=CHANNEL,
            provider_id=id or secrets.token_urlsafe(12),
            address=visit.address,
            text=_label(visit, choice) or said,
            at=tools.now(),
            choice=choice,
        )
        support.receive(visit.conversation_id, inbound)
    except Exception as error:
        problem = problems.describe(error)
        if problem.status == 500:
            raise
        response = _page(request, visit, sample=sample, lang=lang, text=text, wrong=_wrong(problem, said, language))
        response.status_code = problem.status
    else:
        response = RedirectResponse(chat_words.address(sample, lang) + "#end", status_code=303)
    if token:
        chat_session.keep(request, response, token, sample)
    return response


@router.post("/chat/leave")
def leave(request: Request, sample: Sample = "", lang: Lang = "") -> Response:
    """Have this browser forget its conversation, which stays in the file."""
    chat_session.require_own_page(request)
    response = RedirectResponse(chat_words.address(sample, lang), status_code=303)
    chat_session.keep(request, response, "", sample)
    return response


def _label(visit: Visit, choice: str) -> str:
    """Return what stands on the choice that was picked, or nothing for none."""
    if not choice:
        return ""
    with transaction():
        found = messages.offered(visit.conversation_id, choice)
    return found.label if found else ""


def _visit(request: Request, sample: str) -> Visit | None:
    settings: Settings = request.app.state.settings
    if sample and not settings.demo:
        raise NotFound("sample contacts exist in a demo only")
    return chat_session.of_cookie(request, sample)


def _page(
    request: Request,
    visit: Visit | None,
    *,
    sample: str,
    lang: str,
    text: str = "",
    wrong: str = "",
    frame: bool = False,
    mailed: str = "",
) -> Response:
    pack, now, place = tools.pack(), tools.now(), "/chat/widget" if frame else "/chat"
    language = pack.language(lang)
    say = chat_words.words(language)
    said, marks = _recent(visit) if visit else ([], Marks())
    waits = transcripts.waits_at(visit.conversation_id) if visit and transcripts.offered() else ""
    context = {
        "say": say,
        "hello": pack.profile.chat.greeting.get(language) or say["hello"],
        "framed": frame,
        "language": chat_words.written_in(language),
        "languages": [
            {
                "code": code,
                "name": chat_words.name(code),
                "href": chat_words.address(sample, code, place),
            }
            for code in pack.profile.languages
            if code != language
        ],
        "hours": chat_words.hours(pack, language, now),
        "local": pack.hours.zone,
        "lines": _lines(said, marks, pack, language, now),
        "picks": said[-1].choices if said else (),
        "after": said[-1].seq if said else 0,
        "read": marks.read,
        "open": visit is not None,
        "sample": sample,
        "sample_name": _name(sample) if sample else "",
        "here": chat_words.address(sample, lang),
        # a link to where one is would not load anew
        "again": chat_words.address(sample, lang, seen=secrets.token_urlsafe(4)),
        "leave": chat_words.address(sample, lang, "/chat/leave"),
        "mails": transcripts.offered(),
        "mail_to": chat_words.address(sample, lang, chat_mail.HERE),
        "mail_waits": bool(waits),
        "mail_said": chat_mail.told(mailed, say, waits),
        "most": pack.profile.limits.message_chars,
        "id": secrets.token_urlsafe(12),
        "text": text,
        "wrong": wrong,
        "script_words": json.dumps({key: say[key] for key in SCRIPT_WORDS}, ensure_ascii=False),
    }
    return render.page(request, "chat.html", context)


def _recent(visit: Visit) -> tuple[Sequence[Message], Marks]:
    found, marks = look(visit.conversation_id, 0)
    said = list(found)
    while len(found) == PAGE:
        with transaction():
            found = messages.visible(visit.conversation_id, after=found[-1].seq, limit=PAGE)
        said = (said + found)[-SHOWN:]
    return said, marks


def _lines(said: Sequence[Message], marks: Marks, pack: Pack, language: str, now: datetime) -> list[Line]:
    zone = pack.hours.zone
    shown, last_day = [], now.astimezone(zone).date()
    for index, message in enumerate(said):
        following = said[index + 1] if index + 1 < len(said) else None
        day = message.at.astimezone(zone).date()
        shown.append(
            Line(
                id=message.id,
                seq=message.seq,
                ours=not message.inbound,
                text=message.text,
                at=message.at,
                day=_day(day, language) if day != last_day else "",
                state="read" if message.seq <= marks.read else "sent",
                last=following is None or following.inbound != message.inbound or following.at - message.at > RUN,
            )
        )
        last_day = day
    return shown


def _day(day: date, language: str) -> str:
    return format_date(day, "d MMMM", locale=chat_words.written_in(language))


def _name(sample: str) -> str:
    with transaction():
        contact = contacts.get(ContactId(sample))
    if contact is None:
        raise NotFound(f"there is no sample contact {sample}")
    return contact.name


def _wrong(problem: Problem, said: str, language: str) -> str:
    """Return what to tell somebody whose message was not taken."""
    say: Mapping[str, Any] = chat_words.words(language)
    most = tools.pack().profile.limits.message_chars
    if problem.status == 429:
        return str(say["too_many"])
    if problem.status == 400:
        return (
            str(say["too_long"]).format(most=most)
            if len(said) > most
            else str(say["empty" if not said.strip() else "refused"])
        )
    return str(say["away"])
