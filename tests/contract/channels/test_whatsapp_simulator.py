"""The number on loopback keeps to what Meta documents, and its page can be used by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from caseward.simulators.serving import running
from caseward.simulators.whatsapp import APP_SECRET, VERIFY_TOKEN, WhatsApp

RANI, BUDI = "6280000000001", "6280000000002"


@dataclass
class Desk:
    """Whoever is called: keeps what it was told, and refuses as often as it is told to."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    refusals: int = 0
    threads: set[int] = field(default_factory=set)

    def hear(self, request: Request) -> Response:
        self.threads.add(threading.get_ident())
        if request.method == "GET":
            right = request.query_params.get("hub.verify_token") == VERIFY_TOKEN
            return PlainTextResponse(request.query_params["hub.challenge"], status_code=200 if right else 403)
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=500)
        return Response(status_code=200)

    @property
    def ids(self) -> list[str]:
        values = [json.loads(body)["entry"][0]["changes"][0]["value"] for body in self.bodies]
        return [each["id"] for value in values for each in (*value.get("messages", ()), *value.get("statuses", ()))]


@pytest.fixture
def desk() -> Iterator[Desk]:
    here = Desk()

    async def hook(request: Request) -> Response:
        body = await request.body()
        answer = here.hear(request)
        if request.method == "POST" and answer.status_code == 200:
            wanted = "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
            assert request.headers["x-hub-signature-256"] == wanted
            here.bodies.append(body)
        return answer

    with running(Starlette(routes=[Route("/webhooks/whatsapp", hook, methods=["GET", "POST"])])) as url:
        here.url = f"{url}/webhooks/whatsapp"
        yield here


@contextmanager
def number(desk: Desk, **more: Any) -> Iterator[WhatsApp]:
    sim = WhatsApp(hook=desk.url, backoff=0.001, **more)
    yield sim
    sim.close()


def message(to: str, text: str, key: str) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text},
            "biz_opaque_callback_data": key}  # fmt: skip


def test_a_webhook_is_brought_again_until_it_is_taken(desk: Desk) -> None:
    with number(desk) as sim:
        assert sim.register()
        desk.refusals = 3

        id = sim.say(RANI, "halo")
        sim.settle()

        assert desk.ids == [id]
        assert [each["status"] for each in sim.wire] == ["200", "500", "500", "500"]


def test_every_webhook_comes_three_times_in_any_order_when_that_is_asked(desk: Desk) -> None:
    with number(desk) as sim:
        sim.courier.copies, sim.courier.hands, sim.courier.shuffled = 3, 4, random.Random(7)
        with sim.held():
            said = [sim.say(RANI, str(count)) for count in range(8)]
            assert desk.bodies == []
        sim.settle()

        assert Counter(desk.ids) == dict.fromkeys(said, 3)
        assert list(dict.fromkeys(desk.ids)) != said


def test_statuses_carry_the_key_and_those_that_are_dropped_do_not_come(desk: Desk) -> None:
    with number(desk) as sim:
        sim.dropped = {"delivered"}
        sim.say(RANI, "halo")
        for key in ("reply:1", "reply:2", "reply:2"):
            sim.accept(message(RANI, "hai", key))
        sim.fail_later(131026)
        sim.accept(message(RANI, "hai", "reply:3"))
        sim.settle()

        told = [(each["biz_opaque_callback_data"], each["status"]) for each in sim.statuses]
        assert told[:2] == [("reply:1", "sent"), ("reply:1", "read")]
        assert told[-1] == ("reply:3", "failed")
        assert sim.statuses[-1]["errors"][0]["code"] == 131026
        assert sim.repeated() == ["reply:2"]


def test_any_bytes_may_be_sent_and_a_number_that_moves_is_told(desk: Desk) -> None:
    with number(desk) as sim:
        assert sim.post(b"{}") == 200
        desk.bodies.clear()
        sim.phone(RANI)

        sim.move(RANI, BUDI)
        sim.change_identity(BUDI)
        sim.settle()

        systems = [json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0] for body in desk.bodies]
        assert [(each["from"], each["system"].get("wa_id")) for each in systems] == [(RANI, BUDI), (BUDI, None)]
        with pytest.raises(ValueError, match="no phone number"):
            sim.phone("nobody")


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_page_takes_json_alone_and_says_what_is_wrong() -> None:
    with running(WhatsApp().app) as url, httpx2.Client(base_url=url) as client:
        shown = client.get("/")
        form = client.post("/page/say", data={"who": RANI, "text": "halo"})
        empty = client.post("/page/say", json={"who": RANI, "text": " "})
        nobody = client.post("/page/phone", json={"who": "x"})
        client.post("/page/say", json={"who": RANI, "text": "halo"}).raise_for_status()
        state = client.get("/page/state?after=-1").json()

        assert "script-src 'self'" in shown.headers["content-security-policy"]
        assert "<script>" not in shown.text
        assert (form.status_code, empty.status_code, nobody.status_code) == (415, 422, 422)
        assert "write something" in empty.json()["error"]
        assert [each["text"] for each in state["phones"][0]["chat"]] == ["halo"]
        assert client.get(f"/page/state?after={state['version']}").status_code == 204
        for outside in ("/static/..%2fshowing.py", "/static/_page.html", "/static/none.css"):
            assert client.get(outside).status_code == 404


@contextmanager
def opened(chromium: Browser, sim: WhatsApp, *, scheme: str = "light", width: int = 1280) -> Iterator[Page]:
    """Open the page; neither its script nor the browser's policy may have complained at the end."""
    narrow = width < 600
    context = chromium.new_context(viewport={"width": width, "height": 844}, has_touch=narrow, is_mobile=narrow,
                                   color_scheme="dark" if scheme == "dark" else "light",
                                   reduced_motion="reduce")  # fmt: skip
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    with running(sim.app) as url:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(url)
        yield page
        context.close()
    assert complaints == []


def open_chat(page: Page, who: str) -> None:
    page.get_by_label("Play the phone of").fill(f"+{who}")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_label("Message")).to_be_focused()


class TestByHand:
    def test_a_customer_is_played_from_the_first_word_to_the_closed_window(self, chromium: Browser) -> None:
        sim = WhatsApp()
        sim.reads = False
        with opened(chromium, sim) as page:
            open_chat(page, RANI)
            page.keyboard.type("Halo, boleh pindah?")
            page.keyboard.press("Enter")
            expect(page.locator(".line-own .bubble")).to_have_text("Halo, boleh pindah?")
            buttons = [{"type": "reply", "reply": {"id": f"slot:{hour}", "title": f"{hour}.00"}} for hour in (9, 10)]
            asked = {"type": "button", "body": {"text": "<b>Kapan?</b>"}, "action": {"buttons": buttons}}
            sim.accept({"messaging_product": "whatsapp", "to": RANI, "type": "interactive", "interactive": asked})

            page.get_by_role("button", name="10.00").click()
            expect(page.locator(".line-own .bubble").last).to_contain_text("10.00")
            expect(page.locator(".bubble", has_text="<b>Kapan?</b>").first).to_be_visible()
            expect(page.get_by_text("read", exact=True).first).to_be_visible()
            page.get_by_label("Picture").set_input_files(
                {"name": "proof.gif", "mimeType": "image/gif", "buffer": b"GIF89a\1\0\1\0\0\0\0;"}
            )
            expect(page.locator(".bubble img")).to_be_attached()
            page.get_by_label("Message").fill("Kami cek dulu")
            page.get_by_role("button", name="Answer from the business phone").click()
            expect(page.locator(".line", has_text="business phone")).to_contain_text("Kami cek dulu")
            page.locator(".line-own summary").first.click()
            page.get_by_role("button", name="Edit").first.click()
            page.get_by_role("textbox", name="New words").fill("Halo, boleh batal?")
            page.keyboard.press("Enter")
            expect(page.locator(".line-own .bubble").first).to_have_text("Halo, boleh batal?")
            page.get_by_text("What happens").click()
            page.get_by_role("button", name="25 hours pass").click()
            expect(page.get_by_text("Window closed")).to_be_visible()

        kinds = [each.kind for each in sim.phones[RANI].chat if each.by == "customer"]
        assert kinds == ["text", "interactive", "image"]
        assert sim.phones[RANI].chat[1].state == "read"

    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
    def test_axe_finds_nothing_and_nothing_scrolls_sideways(self, chromium: Browser, scheme: str, width: int) -> None:
        def clean(page: Page) -> None:
            found = Axe().run(page).response["violations"]
            assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        sim = WhatsApp()
        with opened(chromium, sim, scheme=scheme, width=width) as page:
            sim.say(RANI, "https://a.example/" + "x" * 200)
            sim.fail_later(131026)
            sim.accept(message(RANI, "hai", "reply:1"))
            expect(page.locator(".is-bad")).to_have_text("failed")
            page.locator(".line summary").first.click()
            page.get_by_text("What happens").click()
            clean(page)
            page.get_by_role("button", name="On the wire").click()
            page.locator(".wire-log summary").first.click()
            expect(page.get_by_text("whatsapp_business_account").first).to_be_visible()
            clean(page)

    def test_what_is_half_written_and_where_one_reads_stays_as_it_is(self, chromium: Browser) -> None:
        sim = WhatsApp()
        for count in range(40):
            sim.say(RANI, f"line {count}")
        with opened(chromium, sim) as page:
            expect(page.get_by_text("line 39", exact=True).last).to_be_visible()
            page.get_by_label("Message").fill("half a thou")
            page.locator("#log").evaluate("log => log.scrollTop = 0")
            sim.jump(timedelta(minutes=1))
            sim.echo(RANI, "one more")
            expect(page.locator(".bubble", has_text="one more")).to_be_attached()

            assert page.locator("#log").evaluate("log => log.scrollTop") == 0
            expect(page.get_by_label("Message")).to_have_value("half a thou")
            expect(page.get_by_label("Message")).to_be_focused()
