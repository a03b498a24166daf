"""The chat on another site: one script, a button, a frame that only the named sites may show."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from caseward.core.ids import ConversationId
from caseward.core.pack import ChatLook, Pack
from caseward.settings import Settings
from caseward.store import db
from tests.contract.web.conftest import Site, running

PAGE = """<!doctype html><html lang="en"><head><title>A shop</title></head><body><main><h1>A shop</h1>
<script async src="{desk}/chat/widget.js?lang=en"></script></main></body></html>"""


@contextmanager
def shop(desk: list[str]) -> Iterator[str]:
    """Serve another site's page, which embeds the chat of the desk that is put into the list."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.format(desk=desk[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def said() -> list[str]:
    with db.transaction():
        return [row.text for row in db.execute(text("select text from messages where inbound order by seq"))]


def test_only_named_sites_may_show_it_and_nobody_the_other_pages(store: str, school: Pack) -> None:
    with running(Settings(demo=True, chat_origins=("https://www.example.com",)), school) as site:
        framed = httpx2.get(f"{site.url}/chat/widget")
        page, console = httpx2.get(f"{site.url}/chat"), httpx2.get(f"{site.url}/sign-in")

    assert "frame-ancestors 'self' https://www.example.com" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    assert "script-src 'self'" in framed.headers["Content-Security-Policy"]
    for each in (page, console):
        assert "frame-ancestors 'none'" in each.headers["Content-Security-Policy"]
        assert each.headers["X-Frame-Options"] == "DENY"


def test_the_script_may_be_loaded_by_other_sites_and_speaks_their_language(site: Site) -> None:
    script = httpx2.get(f"{site.url}/chat/widget.js?lang=id")

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert '"label": "Chat dengan Studio demo"' in script.text
    assert len(script.content) < 6_000


def test_the_pack_gives_the_chat_its_colour_and_its_greeting(store: str, school: Pack) -> None:
    look = ChatLook(accent={"light": "#3B4CC0", "dark": "#9AA6FF"}, greeting={"en": "Sing to us."})
    own = replace(school, profile=replace(school.profile, chat=look))

    with running(Settings(demo=True), own) as site:
        theme = httpx2.get(f"{site.url}/chat/theme.css").text
        page = httpx2.get(f"{site.url}/chat?lang=en").text
        script = httpx2.get(f"{site.url}/chat/widget.js").text

    assert theme == ":root { --solid: light-dark(#3B4CC0, #9AA6FF); }\n"
    assert "Sing to us." in page
    assert "#3B4CC0" in script


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.soak)])
def test_a_visitor_of_the_site_writes_is_answered_and_finds_it_again(
    store: str, school: Pack, chromium: Browser, width: int, scheme: str
) -> None:
    desk: list[str] = []
    with shop(desk) as shop_url, running(Settings(demo=True, chat_origins=(shop_url,)), school) as site:
        desk.append(site.url)
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        page, complaints = context.new_page(), list[str]()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "warning" else None)
        page.goto(shop_url)
        button = page.get_by_role("button", name="Chat with Studio demo")
        expect(button).to_have_attribute("aria-expanded", "false")

        button.click()
        chat = page.frame_locator("iframe")
        expect(chat.get_by_label("Message")).to_be_focused()
        chat.get_by_label("Message").fill("Do you open on Sunday?")
        chat.get_by_role("button", name="Send").click()
        expect(chat.locator(".line-theirs .line-when")).to_contain_text("sent")
        with db.transaction():
            row = db.execute(text("select conversation_id as id from messages where inbound order by seq desc")).first()
        assert row is not None
        site.say(ConversationId(row.id), "We are closed on Sunday.")
        expect(chat.locator(".line-ours")).to_contain_text("closed on Sunday")
        assert complaints == []
        assert Axe().run(page).violations_count == 0
        complaints.clear()  # axe calls into the frame, which is another site's, in vain

        chat.get_by_role("button", name="Close the chat").click()
        expect(button).to_be_focused()
        expect(button).to_have_attribute("aria-expanded", "false")
        site.say(ConversationId(row.id), "Come on Monday.")
        expect(button).to_contain_text("1")

        page.reload()
        button.click()
        expect(chat.locator(".line")).to_have_count(3)
        assert said()[-1] == "Do you open on Sunday?"
        assert complaints == []
        context.close()


def test_a_site_that_is_not_named_shows_nothing(store: str, school: Pack, chromium: Browser) -> None:
    desk: list[str] = []
    with shop(desk) as shop_url, running(Settings(demo=True), school) as site:
        desk.append(site.url)
        page = chromium.new_page()
        page.goto(shop_url)
        with page.expect_console_message(lambda told: "frame-ancestors" in told.text):
            page.get_by_role("button", name="Chat with Studio demo").click()

        expect(page.frame_locator("iframe").get_by_label("Message")).to_have_count(0)
        page.close()
