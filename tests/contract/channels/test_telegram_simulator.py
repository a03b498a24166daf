"""The Telegram of our own refuses and counts as the documented one: else what passes against it proves nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from caseward.adapters.channels.telegram import Telegram
from caseward.core.ports import Button, Card
from caseward.simulators import _telegram_html as markup
from caseward.simulators.telegram import TOKEN
from caseward.simulators.telegram import Telegram as Vendor

APPROVALS = -1001000000002

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def call(vendor: Vendor) -> Iterator[Call]:
    """Call a method over HTTP: the status, and the result or what was wrong."""
    with vendor.running() as url, httpx2.Client(base_url=f"{url}/bot{TOKEN}/") as http:

        def called(method: str, *, form: bool = False, files: Any = None, **given: Any) -> tuple[int, Any]:
            sent = {"data": given, "files": files} if form else {"json": given}
            answer = http.post(method, **sent)
            said = answer.json()
            assert said["ok"] is (answer.status_code == 200)
            assert said.get("error_code", 200) == answer.status_code
            return answer.status_code, said["result"] if said["ok"] else said["description"]

        yield called


def test_its_html_is_telegrams() -> None:
    assert markup.read("a&lt;b&#33;&#x41;&nbsp;&amp;amp;&#0; & é") == ("a<b!A&nbsp;&amp;&#0; & é", [])
    assert markup.read("😀<b>x<i>y</i></b><a href='https://e.com/?a=1&amp;b=2'>z</a><u></u>") == (
        "😀xyz",
        [
            {"type": "bold", "offset": 2, "length": 2},
            {"type": "italic", "offset": 3, "length": 1},
            {"type": "text_link", "offset": 4, "length": 1, "url": "https://e.com/?a=1&b=2"},
        ],
    )
    for source, wrong in (
        ("é<br/>", 'Unsupported start tag "br/" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
        ("&#xD800;", "invalid Unicode"),
    ):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            markup.read(source)


def test_it_refuses_as_documented(vendor: Vendor, call: Call) -> None:
    def keyboard(**button: str) -> dict[str, Any]:
        return {"inline_keyboard": [[{"text": "Press", **button}]]}

    mine, sock = vendor.write("Ana", "Approvals", "mine"), [{"type": "emoji", "emoji": "🧦"}]
    for method, given, wrong in (
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": APPROVALS}, "message text is empty"),
        ("sendMessage", {"chat_id": 5, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "<x>", "parse_mode": "HTML"}, "can't parse entities"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "😀" * 2049}, "message is too long"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "x", "reply_markup": keyboard(callback_data="é" * 33)},
         "BUTTON_DATA_INVALID"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "x", "reply_markup": keyboard(url="http://localhost/x")},
         "Wrong HTTP URL"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "x", "reply_markup": keyboard()}, "Text buttons are unallowed"),
        ("sendMessage", {"chat_id": APPROVALS, "text": "x", "reply_parameters": {"message_id": 99}},
         "message to be replied not found"),
        ("editMessageText", {"chat_id": APPROVALS, "message_id": mine, "text": "x"}, "message can't be edited"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "query is too old"),
        ("sendChatAction", {"chat_id": APPROVALS, "action": "thinking"}, "wrong parameter action"),
        ("setMessageReaction", {"chat_id": APPROVALS, "message_id": mine, "reaction": sock}, "REACTION_INVALID"),
        ("setWebhook", {"url": "http://desk.example.com/"}, "an HTTPS URL must be provided"),
        ("setWebhook", {"url": "https://desk.example.com/", "secret_token": "not ok"}, "unallowed characters"),
    ):  # fmt: skip
        status, said = call(method, **given)
        assert (status, wrong in said) == (400, True), (method, said)
    assert call("inventThings") == (404, "Not Found: method not found")
    assert [message.text for message in vendor.messages("Approvals")] == ["mine"]


def test_it_takes_forms_and_files_and_tells_who_the_bot_is(vendor: Vendor, call: Call) -> None:
    assert call("GETME")[1]["username"] == "desk_bot"
    status, sent = call("sendMessage", form=True, chat_id=str(APPROVALS), text="x",
                        reply_markup='{"inline_keyboard": [[{"text": "Go", "callback_data": "l:1"}]]}')  # fmt: skip
    assert (status, vendor.last("Approvals").labels) == (200, ["Go"])
    call("editMessageReplyMarkup", chat_id=APPROVALS, message_id=sent["message_id"])
    assert vendor.last("Approvals").labels == []

    _, sent = call("sendDocument", form=True, chat_id=str(APPROVALS), caption="the receipt",
                   files={"document": ("receipt.pdf", b"%PDF-1.7")})  # fmt: skip
    assert (sent["document"]["file_name"], sent["caption"]) == ("receipt.pdf", "the receipt")
    assert call("sendDocument", chat_id=APPROVALS, document=sent["document"]["file_id"])[0] == 200


def test_updates_wait_until_an_offset_confirms_them(vendor: Vendor, call: Call) -> None:
    for n in range(3):
        vendor.write("Citra", None, f"m{n}")

    def texts(**given: Any) -> list[str]:
        return [update["message"]["text"] for update in call("getUpdates", **given)[1]]

    assert texts() == texts() == ["m0", "m1", "m2"]
    first = call("getUpdates", limit=1)[1][0]["update_id"]
    assert texts(offset=first + 1) == ["m1", "m2"]
    assert texts(offset=-1) == ["m2"]
    assert call("getWebhookInfo")[1]["pending_update_count"] == 1
    assert texts(offset=first + 3) == []
    vendor.delay(0.3)
    began = time.monotonic()
    vendor.write("Citra", None, "late")
    assert texts(offset=first + 3, timeout=20) == ["late"]
    assert time.monotonic() - began >= 0.3


def test_by_hand_one_is_anybody_and_presses_replies_and_reads_what_is_changed(
    vendor: Vendor, chromium: Browser
) -> None:
    def person(page: Page, name: str) -> None:
        page.get_by_label("You are").select_option(label=name)

    with vendor.running() as url:
        bot = Telegram(url, TOKEN)
        page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(10_000)
        page.goto(url)
        ref = bot.post(
            str(APPROVALS),
            Card(title="May <it>?", quote="Yes.", buttons=[[Button(label="Approve", token="t1")]]),
            key="k",
        )
        page.get_by_role("button", name="Approvals 1 new").click()
        expect(page.locator(".bubble strong")).to_have_text("May <it>?")

        person(page, "Budi")
        page.get_by_role("button", name="Approvals").click()
        page.get_by_role("button", name="Approve", exact=True).click()
        vendor.until(lambda: vendor.world.callbacks)
        [callback] = vendor.world.callbacks.values()
        assert callback.user == 1002
        bot.acknowledge(callback.id, "Already decided.")
        expect(page.get_by_role("status").filter(has_text="Already decided.")).to_be_visible()

        page.get_by_role("button", name="Reply").click()
        page.get_by_label("Message", exact=True).fill("deny: no slot")
        page.keyboard.press("Enter")
        expect(page.locator(".line-own")).to_contain_text("deny: no slot")
        assert (vendor.last("Approvals").by, vendor.last("Approvals").reply_to) == (
            1002,
            vendor.messages("Approvals")[0].id,
        )
        bot.amend(str(APPROVALS), ref, Card(title="Denied by Budi"))
        expect(page.locator(".bubble strong")).to_have_text("Denied by Budi")
        expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

        person(page, "Citra")
        expect(page.get_by_role("button", name="Approvals")).to_have_count(0)
        page.get_by_label("Message", exact=True).fill("Hello")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".line-own")).to_contain_text("Hello")
        page.get_by_role("button", name="Block the bot").click()
        expect(page.get_by_role("button", name="Unblock the bot")).to_be_visible()
        page.get_by_label("Message", exact=True).fill("Still there?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_contain_text("unblock it first")

        assert [each["id"] for each in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert [each for each in complaints if "422" not in each] == []
        page.close()
