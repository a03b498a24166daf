"""The chat page in a real browser on a phone: sent, read, answered, offline, in the dark, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from caseward.core.ids import ConversationId
from caseward.store import hashes, messages
from caseward.store.db import transaction
from caseward.web.chat_words import words
from tests.contract.web.conftest import Site

PHONE = {"width": 390, "height": 844}
SAY = words("en")


@contextmanager
def phone(
    chromium: Browser,
    site: Site,
    path: str = "/chat?lang=en",
    *,
    scheme: str = "light",
    scripts: bool = True,
    width: int = 390,
) -> Iterator[Page]:
    """Open the chat on a phone; neither its script nor the browser's policy may have complained at the end."""
    context = chromium.new_context(
        viewport={**PHONE, "width": width},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(site.url + path)
    yield page
    context.close()
    assert [each for each in complaints if "Failed to load resource" not in each] == []


def conversation(page: Page) -> ConversationId:
    """Return the conversation that a page's cookie opens."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    with transaction():
        row = messages.by_token(
            hashes.digest(next(value for name, value in cookies.items() if "caseward-chat" in name))
        )
    assert row is not None
    return ConversationId(row.id)


def stored(page: Page) -> list[str]:
    with transaction():
        return [each.text for each in messages.visible(conversation(page), after=0)]


def send(page: Page, text: str) -> None:
    page.get_by_label(SAY["label"], exact=True).fill(text)
    page.get_by_role("button", name=SAY["send"], exact=True).click()


def bubbles(page: Page) -> list[str]:
    return [re.sub(r"^(You|Support): ", "", text) for text in page.locator(".bubble").all_text_contents()]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (320, "light"),
        (390, "dark"),
        pytest.param(320, "dark", marks=pytest.mark.soak),
        pytest.param(390, "light", marks=pytest.mark.soak),
    ],
)
def test_axe_finds_nothing_in_any_state_and_nothing_scrolls_sideways(
    chromium: Browser, site: Site, scheme: str, width: int
) -> None:
    def clean(page: Page) -> None:
        found = Axe().run(page).response["violations"]
        assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with phone(chromium, site, "/chat?as=stu-001&lang=en", scheme=scheme, width=width) as page:
        clean(page)
        send(page, "https://a.example/" + "x" * 200)
        expect(page.get_by_text(re.compile(r"\d\d:\d\d, sent"))).to_be_visible()
        site.say(conversation(page), "We have your message and reply here by 17:00.")
        expect(page.get_by_text("by 17:00")).to_be_visible()
        page.context.set_offline(True)
        send(page, "and this one waits")
        expect(page.get_by_role("button", name=SAY["failed"])).to_be_visible()
        clean(page)


def test_a_message_is_sent_then_read_then_answered(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        expect(page.get_by_text(SAY["hello"])).to_be_visible()
        send(page, "Is it confirmed?")
        expect(page.get_by_text(re.compile(r"^\d\d:\d\d, sent$"))).to_be_visible()
        expect(page.get_by_text(SAY["hello"])).to_be_hidden()

        site.take_up(conversation(page))
        expect(page.get_by_text(re.compile(r"^\d\d:\d\d, read$"))).to_be_visible()

        site.say(conversation(page), "We are looking.")
        site.say(conversation(page), "Your payment is confirmed.")
        expect(page.get_by_text("Your payment is confirmed.")).to_be_in_viewport()
        assert bubbles(page) == ["Is it confirmed?", "We are looking.", "Your payment is confirmed."]
        assert page.get_by_text(re.compile(r"^Support, \d\d:\d\d$")).count() == 2, "in the page for each"
        assert page.locator(".line-ours .line-when:visible").count() == 1, "shown under the last only"


def test_a_reload_keeps_the_conversation_and_what_was_half_written(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        send(page, "first")
        expect(page.get_by_text(", sent")).to_be_visible()
        page.get_by_label(SAY["label"], exact=True).fill("half a thou")

        page.reload()

        assert bubbles(page) == ["first"]
        expect(page.get_by_label(SAY["label"], exact=True)).to_have_value("half a thou")
        site.say(conversation(page), "and it goes on")
        expect(page.get_by_text("and it goes on")).to_be_visible()


def test_what_is_written_without_a_connection_is_sent_once_when_it_is_back(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        send(page, "one")
        expect(page.get_by_text(", sent")).to_be_visible()
        page.context.set_offline(True)
        send(page, "two")
        send(page, "three")
        expect(page.get_by_text(SAY["offline"])).to_be_visible()
        assert stored(page) == ["one"]

        page.context.set_offline(False)

        expect(page.locator(".line-theirs .line-when").last).to_have_text(re.compile(", sent$"))
        expect(page.get_by_text(SAY["offline"])).to_be_hidden()
        assert stored(page) == ["one", "two", "three"]
        assert bubbles(page) == ["one", "two", "three"]


def test_a_lost_answer_is_asked_for_again_under_the_same_id(chromium: Browser, site: Site) -> None:
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.post_data or "")
        route.fetch()
        route.abort()

    with phone(chromium, site) as page:
        page.route("**/chat/messages*", lose_the_first)
        send(page, "only once")
        expect(page.get_by_text(", sent")).to_be_visible()

        assert lost
        assert stored(page) == ["only once"]
        assert bubbles(page) == ["only once"]


def test_what_was_refused_for_now_is_sent_by_a_tap(chromium: Browser, site: Site) -> None:
    def too_many(route: Route) -> None:
        route.fulfill(status=429, content_type="application/problem+json", body="{}")

    with phone(chromium, site) as page:
        page.route("**/chat/messages*", too_many)
        send(page, "patience")
        again = page.get_by_role("button", name=SAY["too_many"])
        expect(again).to_be_visible()
        page.unroute("**/chat/messages*")
        again.tap()

        expect(page.get_by_text(", sent")).to_be_visible()
        assert stored(page) == ["patience"]


def test_the_page_does_not_move_under_somebody_who_reads_further_up(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        send(page, "hello")
        expect(page.get_by_text(", sent")).to_be_visible()
        for number in range(30):
            site.say(conversation(page), f"line {number}")
        expect(page.get_by_text("line 29")).to_be_in_viewport()
        log = page.locator("#log")
        log.evaluate("log => log.scrollTop = 0")

        site.say(conversation(page), "one more")
        expect(page.get_by_text("one more")).to_be_attached()

        assert log.evaluate("log => log.scrollTop") == 0


def test_markup_is_shown_as_it_was_written(chromium: Browser, site: Site) -> None:
    nasty = "<img src=x onerror=document.title='owned'><b>bold</b>"
    with phone(chromium, site) as page:
        send(page, nasty)
        expect(page.get_by_text(", sent")).to_be_visible()
        site.say(conversation(page), nasty)
        expect(page.locator(".line-ours .bubble")).to_be_visible()

        assert bubbles(page) == [nasty, nasty]
        page.reload()
        assert bubbles(page) == [nasty, nasty]
        assert page.title() == SAY["title"].format(business="Studio demo")
        assert page.locator(".bubble img, .bubble b").count() == 0


def test_a_person_is_one_tap_away(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        page.get_by_role("button", name=SAY["person"]).tap()
        expect(page.get_by_text(", sent")).to_be_visible()

        assert stored(page) == [SAY["person"]]


def test_without_scripts_it_is_a_form_and_a_link(chromium: Browser, site: Site) -> None:
    with phone(chromium, site, scripts=False) as page:
        send(page, "no scripts here")
        expect(page.locator(".bubble")).to_have_count(1)
        site.say(conversation(page), "none needed")
        page.get_by_role("link", name=SAY["refresh"]).click()

        expect(page.locator(".bubble")).to_have_count(2)
        assert bubbles(page) == ["no scripts here", "none needed"]
        expect(page.get_by_text("none needed")).to_be_in_viewport()
        send(page, "   ")
        expect(page.get_by_text(SAY["empty"])).to_be_visible()


def test_everything_is_reached_by_keyboard_and_enter_sends(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.goto(f"{site.url}/chat?lang=en")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=SAY["skip"])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label(SAY["label"], exact=True)).to_be_focused()
    page.keyboard.type("one line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and another")
    page.keyboard.press("Enter")
    expect(page.get_by_text(", sent")).to_be_visible()

    assert stored(page) == ["one line\nand another"]
    expect(page.get_by_label(SAY["label"], exact=True)).to_be_focused()
    context.close()


def test_the_known_contact_is_told_whom_they_write_as(chromium: Browser, site: Site) -> None:
    with phone(chromium, site, "/chat?as=stu-001&lang=en") as page:
        expect(page.get_by_text(SAY["sample"].format(name="Rani Sample"))).to_be_visible()
        send(page, "hello")
        expect(page.get_by_text(", sent")).to_be_visible()
        page.reload()

        assert bubbles(page) == ["hello"]
        assert stored(page) == ["hello"]
