"""The whole web on a real socket over a real database, with a desk that answers when the test says so."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import uvicorn

from caseward.core import ids
from caseward.core.approval import PLAIN, Terms
from caseward.core.case import CaseStatus, Contact
from caseward.core.ids import ApprovalId, CaseId, ContactId, ConversationId, DraftId
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.desk import tools
from caseward.settings import Settings
from caseward.store import approvals, cases, contacts, db, effects, log, messages, tokens, turns
from caseward.store.db import transaction
from caseward.web import app, chat_session, serve
from caseward.web.throttle import Throttle
from tests.conftest import TEMPLATE, Cluster

HOST = "127.0.0.1"


@dataclass
class Site:
    """A running site: its address, its clock, and a hand on the desk behind it."""

    url: str
    pack: Pack
    late: timedelta = timedelta()
    """How far the desk's clock is ahead of the wall's."""
    begun: list[tuple[str, str]] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.late

    def client(self, token: str | None = None, **headers: str) -> httpx2.Client:
        """Return an HTTP client, with a Bearer token if one is given."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return httpx2.Client(base_url=self.url, headers=headers, timeout=20, verify=False)

    def visitor(self, **opening: str) -> Visitor:
        """Open a chat as a program would."""
        with self.client() as client:
            opened = client.post("/chat/session", json=opening).raise_for_status().json()
        return Visitor(self, opened["token"], ConversationId(opened["conversation"]))

    def token(self, role: str, *scopes: str) -> str:
        """Return an API token."""
        with transaction():
            return tokens.make(role, scopes=scopes, now=self.now()).token

    def say(self, conversation: ConversationId, text: str, *, kind: str = "text") -> int:
        """Have the desk say something; return the number of its message."""
        with transaction():
            return messages.add(conversation, case_id=None, author="desk", text=text, at=self.now(), kind=kind).seq

    def take_up(self, conversation: ConversationId) -> None:
        """Have a turn take up what is waiting."""
        with transaction():
            opened = cases.open_case(conversation, channel="webchat", language="en", now=self.now())
            turns.take_up(conversation, 1, opened.id)

    def case(self, conversation: ConversationId, *, tier: Tier = Tier.R3) -> CaseId:
        """File what was said in a case with a decision."""
        with transaction():
            opened = cases.open_case(conversation, channel="webchat", language="en", now=self.now())
            turns.take_up(conversation, 1, opened.id)
            body: dict[str, Any] = {
                "rules": ["refund-request"], "possible": [], "missing": [], "approval": "coach", "auto_send": False,
                "executor": None, "hold": None,
                "facts": [{"name": "intent", "value": "refund", "source": "message", "at": self.now()}],
            }  # fmt: skip
            cases.record_decision(opened.id, turn=1, tier=tier, release="2026-11-21.1", body=body, at=self.now())
            cases.start_clock(opened.id, "decision", now=self.now(), due=self.now() + timedelta(hours=1))
            cases.change(opened, self.now(), tier=tier, status=CaseStatus.WAITING_APPROVAL, intent="refund")
            log.append("decision", "A", {"tier": str(tier)}, at=self.now(), case_id=opened.id)
        return opened.id

    def ask(
        self,
        case: CaseId,
        *,
        lane: str = "coach",
        reply: str = "We have looked into it.",
        terms: Terms = PLAIN,
        read_before: timedelta = timedelta(),
    ) -> ApprovalId:
        """Ask for consent to a reply with a task behind it, on a payment that was read that long ago."""
        reading = Evidence(
            id="last_payment", kind="reading", title="Last payment", excerpt="", source="payments",
            at=self.now() - read_before, values=(),
        )  # fmt: skip
        task = TaskRequest(
            skill="refund", args={"invoice": "INV-1"}, key=f"refund:{case}", summary="Return the payment"
        )
        with transaction():
            draft = Draft(
                id=DraftId(ids.new("drf")),
                case_id=case,
                language="en",
                template="refund-done",
                replies={ResultStatus.SUCCESS: reply},
                task=task,
                address="webchat:somewhere",
                evidence=(reading,),
            )
            approvals.keep_draft(draft, checks=[{"name": "length", "ok": True, "detail": ""}], at=self.now())
            asked = approvals.open_request(
                draft, lane=lane, tier=Tier.R3, question="Return this payment?", why="Policy asks the coach.",
                expires_at=self.now() + timedelta(hours=4), now=self.now(), terms=terms,
            )  # fmt: skip
            effects.queue_task(
                task, case_id=case, draft_id=draft.id, approval_id=asked, approvers=("coach",), now=self.now()
            )
        return asked


@dataclass
class Visitor:
    """A contact in the chat, as a program."""

    site: Site
    token: str
    conversation: ConversationId

    def post(self, text: str, *, id: str = "m1") -> httpx2.Response:
        with self.site.client(self.token) as client:
            return client.post("/chat/messages", json={"id": id, "text": text})

    def read(self, after: int = 0) -> dict[str, Any]:
        with self.site.client(self.token) as client:
            body: dict[str, Any] = client.get("/chat/messages", params={"after": after}).raise_for_status().json()
        return body

    def stream_status(self) -> int:
        with self.site.client(self.token) as client, client.stream("GET", "/chat/stream") as answer:
            return answer.status_code

    def follow(self, until: int, **headers: str) -> list[dict[str, str]]:
        """Follow the stream until it has told `until` events, and return them as their fields."""
        with self.site.client(self.token) as client, Stream(client, **headers) as stream:
            return stream.take(until)


class Stream:
    """An open stream of events."""

    def __init__(self, client: httpx2.Client, **headers: str) -> None:
        self._opened = client.stream("GET", "/chat/stream", headers=headers)
        self._lines = self._opened.__enter__().raise_for_status().iter_lines()

    def take(self, count: int) -> list[dict[str, str]]:
        """Return the next `count` events as their fields."""
        return [self._next() for _ in range(count)]

    def _next(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return fields
            else:
                fields = {}
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self._opened.__exit__(None, None, None)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def problem(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code and detail of a problem, having checked that it is one."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.text)
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    assert body["status"] == answer.status_code
    assert "Traceback" not in answer.text
    return answer.status_code, body["code"], body["detail"]


class Silent:
    """A brain that nobody asks: no turn runs in these tests."""

    def understand(self, text: str, *, language: str | None = None) -> Any:
        raise AssertionError("no turn runs here")

    def find(self, text: str, *, language: str) -> Any:
        raise AssertionError("no turn runs here")


@contextmanager
def running(settings: Settings, pack: Pack) -> Iterator[Site]:
    """Serve on a free port of this machine until the context ends; the tools are those of the last one served."""
    listener = socket.create_server((HOST, 0))
    site = Site(url=f"http://{HOST}:{listener.getsockname()[1]}", pack=pack)
    tools.use(
        tools.Tools(
            pack=pack,
            brain=Silent(),
            channels={},
            skills={},
            clock=site.now,
            begin=lambda story, subject, _id: site.begun.append((story, subject)),
        )
    )
    server = uvicorn.Server(serve.configure(settings, app.build(settings)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with site.client() as client:
            wait_for(client)
        yield site
    finally:
        server.should_exit = True
        thread.join()


def wait_for(client: httpx2.Client) -> None:
    """Return once the server answers; the socket is bound, so it is only a matter of accepting."""
    client.get("/healthz").raise_for_status()


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[str]:
    """A database for one module, with one sample contact: every test opens conversations of its own."""
    url = cluster.create(template=TEMPLATE)
    db.connect(url)
    with transaction():
        log.start()
        contacts.keep(
            Contact(id=ContactId("stu-001"), name="Rani Sample", email="rani@mail.example", phone="", locale="id"),
            sample=True,
            now=datetime.now(UTC),
        )
    yield url
    db.disconnect()
    cluster.drop(url)


@pytest.fixture(scope="module")
def site(store: str, school: Pack) -> Iterator[Site]:
    """A running demo."""
    with running(Settings(demo=True), school) as opened:
        yield opened


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nobody having opened anything."""
    monkeypatch.setattr(chat_session, "openings", Throttle(burst=60, per_second=1))
