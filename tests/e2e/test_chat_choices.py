"""What may be picked as an answer stands as buttons in the web chat: free times, and how it was."""

from __future__ import annotations

from typing import Any

import httpx2
from playwright.sync_api import Browser, expect

from caseward.core.approval import Word
from caseward.core.ids import ConversationId
from tests.conftest import Server
from tests.e2e.console_hands import Hands


class Chat:
    """A contact's end of the web chat, spoken by a program."""

    def __init__(self, server: Server, contact: str) -> None:
        self._server = server
        self._client = httpx2.Client(base_url=server.url, timeout=30)
        opened = self._client.post("/chat/session", json={"as": contact}).json()
        self._client.headers["Authorization"] = f"Bearer {opened['token']}"
        self.conversation = ConversationId(opened["conversation"])
        self._said = 0

    def say(self, text: str, **more: str) -> httpx2.Response:
        self._said += 1
        answer = self._client.post("/chat/messages", json={"id": f"m{self._said}", "text": text, **more})
        self._server.desk.settle()
        return answer

    def read(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._client.get("/chat/messages").json()["items"]
        return items


def test_a_free_time_is_picked_by_its_choice_and_not_by_what_stands_on_it(server: Server) -> None:
    chat = Chat(server, "stu-001")
    chat.say("mau pindah jadwal dong, bisa?")
    offered = chat.read()[-1]["choices"]

    picked = offered[1]
    answer = chat.say("yang itu", choice=picked["id"])

    assert answer.status_code == 202
    server.desk.decide(chat.conversation, Word.APPROVE, role="agent")
    server.desk.clock.advance(minutes=1)
    server.desk.settle()
    assert picked["label"] in chat.read()[-1]["text"]


def test_what_was_not_offered_here_cannot_be_picked(server: Server) -> None:
    chat, other = Chat(server, "stu-001"), Chat(server, "stu-007")
    chat.say("mau pindah jadwal dong, bisa?")
    theirs = chat.read()[-1]["choices"][0]

    for choice in (theirs["id"], "slot:2026-11-24T03:00:00+00:00", "approve"):
        refused = other.say("1", choice=choice)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_input")
        assert "choice" in refused.json()["detail"]

    assert other.read() == []


def test_with_a_browser_a_customer_writes_chooses_and_asks_for_a_person_by_keyboard_alone(
    server: Server, chromium: Browser
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    hands = Hands(page)
    page.goto(f"{server.url}/chat?as=stu-001&lang=en")
    hands.to("textbox", "Message")
    page.keyboard.type("I would like to move my lesson")
    hands.press("Enter")
    expect(page.locator(".line-theirs .line-when")).to_contain_text("sent")
    server.desk.settle()

    times = page.locator("[data-pick]")
    expect(times.first).to_be_visible()
    label = times.first.inner_text()
    page.reload()
    expect(times.first).to_have_text(label)
    hands.enter("button", label)

    expect(page.locator(".line-theirs").last).to_contain_text(label)
    expect(times).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    hands.enter("button", "Talk to a person")
    expect(page.locator(".line-theirs").last).to_contain_text("Talk to a person")
    context.close()
