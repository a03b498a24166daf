"""What was said in the chat follows by mail to who asks for it there, and to nobody else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from caseward.core.errors import BadInput, NotFound, SystemDown
from caseward.core.ids import ConversationId
from caseward.desk import tools
from caseward.desk.transcripts import TooOften
from caseward.flows import transcripts
from caseward.settings import Settings
from caseward.store import cases, db, messages, outbox
from caseward.web import assets, chat, chat_mail, failures, problems
from tests.conftest import Desk
from tests.linked import CITRA, CITRA_MAIL, Topology, connect

STRANGE = "someone.else@example.net"


@pytest.fixture
def topology(desk: Desk) -> Topology:
    """The school with a channel for mail."""
    return connect(desk)


def talk(desk: Desk, *, as_: str | None = CITRA) -> tuple[str, ConversationId]:
    """Have somebody ask two things in the chat; return what opens it, and the conversation."""
    token, conversation = desk.open_with_token(as_=as_, language="en")
    for text in ("How much is one lesson?", "Thanks. This is Citra, call me at +62 812 3456 0147 or me@example.org"):
        desk.say(conversation, text)
        desk.settle()
    return token, conversation


def sent(topology: Topology, to: str) -> list[dict[str, Any]]:
    return [payload for address, payload, _key in topology.email.sent if address == to]


def code_in(topology: Topology) -> str:
    found = re.search(r"\b\d{6}\b", topology.told(STRANGE)[-1])
    assert found
    return found[0]


def everything_kept() -> str:
    """Return all that the log, the messages and the outbox say."""
    with db.transaction():
        parts = [db.run(query).fetchall() for query in (
            "select payload from log_payloads", "select text from messages", "select text, reply from outbox",
            "select body from drafts", "select * from letters", "select * from transcripts",
        )]  # fmt: skip
    return str(parts)


def test_it_goes_to_the_registered_address_at_once_and_once(topology: Topology) -> None:
    desk = topology.desk
    _token, conversation = talk(desk)
    before = desk.replies(conversation)

    assert transcripts.ask(conversation, f"  {CITRA_MAIL.upper()} ") == transcripts.SENDING
    desk.settle()

    [mail] = topology.told(CITRA_MAIL)
    [payload] = sent(topology, CITRA_MAIL)
    assert payload["subject"].startswith("Your conversation with Studio demo")
    assert mail.startswith("This is your conversation with Studio demo")
    said = [re.sub(r"^[\d-]+ [\d:]+  ", "", part) for part in mail.split("\n\n")[1:]]
    assert said[0] == "You\nHow much is one lesson?"
    assert said[1].startswith("Studio demo\n")
    assert before[0] in mail
    assert "+62 ••• •••• 0147 or m•••@example.org" in mail
    assert "This is Citra" in mail, "they know their own name"
    assert desk.replies(conversation) == before, "the chat shows nothing of it"
    assert [(each["state"], each["to"]) for each in topology.outcomes("transcript")] == [
        ("on record", "c•••@example.com")
    ]
    with db.transaction():
        case = desk.case(conversation)
        assert [each.key[:10] for each in outbox.of_case(case.id)][-1] == "transcript"


def test_another_address_is_proved_by_a_code_that_is_mailed_there_and_kept_nowhere(topology: Topology) -> None:
    desk = topology.desk
    _token, conversation = talk(desk)

    assert transcripts.ask(conversation, STRANGE) == transcripts.CODE
    desk.settle()
    code = code_in(topology)

    assert transcripts.waits_at(conversation) == "s•••@example.net"
    assert code not in everything_kept()
    assert not transcripts.confirm(conversation, f"{(int(code) + 1) % 10**6:06}")
    assert len(sent(topology, STRANGE)) == 1, "nothing of the conversation leaves before"
    assert transcripts.confirm(conversation, f"{code[:3]} {code[3:]}")
    assert not transcripts.confirm(conversation, code), "a code counts once"
    desk.settle()

    [_code, mail] = topology.told(STRANGE)
    assert "How much is one lesson?" in mail
    assert "Citra" not in mail
    assert [each["state"] for each in topology.outcomes("transcript")] == ["asked", "wrong code", "confirmed"]
    assert [(each["what"], each["state"]) for each in topology.outcomes("letter")] == [
        ("code", "leaving"), ("code", "sent"),
    ]  # fmt: skip


def test_codes_are_few_and_short_lived(topology: Topology) -> None:
    desk = topology.desk
    _token, conversation = talk(desk, as_=None)

    transcripts.ask(conversation, STRANGE)
    code = code_in(topology)
    for _ in range(5):
        assert not transcripts.confirm(conversation, "nothing")
    assert not transcripts.confirm(conversation, code), "five wrong ones and it counts no more"
    transcripts.ask(conversation, STRANGE)
    desk.clock.advance(minutes=15)
    assert not transcripts.confirm(conversation, code_in(topology)), "nor after a quarter of an hour"

    transcripts.ask(conversation, STRANGE)
    with pytest.raises(TooOften):
        transcripts.ask(conversation, STRANGE)
    others = [talk(desk, as_=None)[1] for _ in range(3)]
    for each in others[:2]:
        transcripts.ask(each, STRANGE)
    with pytest.raises(TooOften):
        transcripts.ask(others[2], STRANGE)
    desk.clock.advance(days=1)
    assert transcripts.ask(others[2], STRANGE) == transcripts.CODE


def test_what_is_no_address_or_no_conversation_is_refused_and_a_lost_mail_server_too(topology: Topology) -> None:
    desk = topology.desk
    _token, conversation = talk(desk)
    for wrong in (
        "",
        "citra",
        "a@b",
        "x" * 300 + "@example.com",
        "a@example.com, b@example.com",
        "a@example.com\nBcc: b",
    ):
        with pytest.raises(BadInput):
            transcripts.ask(conversation, wrong)
    with pytest.raises(BadInput, match="nothing was said"):
        transcripts.ask(desk.open(), STRANGE)

    topology.email.failing.append(SystemDown("email", "nobody answers"))
    with pytest.raises(SystemDown):
        transcripts.ask(conversation, STRANGE)
    assert transcripts.waits_at(conversation) == ""

    given = tools.given()
    tools.use(replace(given, channels={name: each for name, each in given.channels.items() if name != "email"}))
    assert not transcripts.offered()
    with pytest.raises(NotFound):
        transcripts.ask(conversation, STRANGE)


def test_it_is_no_answer(topology: Topology) -> None:
    desk = topology.desk
    conversation = desk.open(as_=CITRA, language="en")
    with db.transaction():
        case = cases.open_case(conversation, channel="webchat", language="en", now=desk.clock())
        cases.change(case, desk.clock(), contact_id=CITRA)
        cases.start_clock(case.id, "first_response", now=desk.clock(), due=desk.clock() + timedelta(minutes=3))
        messages.add(conversation, case_id=case.id, author="contact", text="Hello?", at=desk.clock())

    transcripts.ask(conversation, CITRA_MAIL)
    desk.settle()

    with db.transaction():
        assert cases.clocks_of(case.id)["first_response"].met_at is None
    assert len(topology.told(CITRA_MAIL)) == 1


def test_the_page_asks_for_it_without_scripts_in_both_languages(topology: Topology) -> None:
    desk = topology.desk
    token, _conversation = talk(desk)
    app = FastAPI()
    app.state.settings = Settings(demo=True)
    app.include_router(assets.router)
    app.include_router(chat.router)
    app.include_router(chat_mail.router)
    failures.install(app)
    problems.install(app)
    browser = TestClient(app, cookies={"caseward-chat": token})

    page = browser.get("/chat").text
    assert "E-mail me this conversation" in browser.get("/chat?lang=en").text
    assert "Kirim percakapan ini ke e-mail" in browser.get("/chat?lang=id").text
    assert re.search(
        r'<form class="chat-mail-form" action="/chat/transcript" method="post" data-mail-code hidden>', page
    )

    came = browser.post("/chat/transcript?lang=en", data={"email": STRANGE})
    assert str(came.url).endswith("mailed=code#mail")
    assert "A code is on its way to s•••@example.net" in came.text
    assert "data-mail-code hidden" not in came.text
    wrong = browser.post("/chat/transcript?lang=en", data={"code": "000"})
    assert "This code is not right or too old" in wrong.text
    bad = browser.post("/chat/transcript?lang=en", data={"email": "<b>"}, headers={"Accept": "application/json"})
    assert (bad.json()["state"], bad.json()["code"]) == ("bad", True)
    right = browser.post("/chat/transcript?lang=en", data={"code": code_in(topology)})
    assert "The conversation is on its way" in right.text
    assert (
        browser.post("/chat/transcript", data={"email": "x"}, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert TestClient(app).post("/chat/transcript", data={"email": STRANGE}).status_code == 401

    given = tools.given()
    tools.use(replace(given, channels={name: each for name, each in given.channels.items() if name != "email"}))
    assert "data-mail" not in browser.get("/chat").text
