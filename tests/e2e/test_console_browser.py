"""The console in a real browser: decisions by key and with scripts off, the palette, the help sheet, the budgets.

What every page owes to everybody is in test_console_tour.py, every task by keyboard alone in test_console_hands.py.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from caseward.core.approval import ApprovalState, Terms
from caseward.core.roles import Role
from caseward.store import approvals, cases
from caseward.store.db import transaction
from tests import looks
from tests.conftest import wait_until
from tests.e2e.console_hands import Hands
from tests.e2e.console_house import House, a_full_desk, house
from tests.e2e.console_releases import NEXT, light_school, stricter

SIZES = {"desk": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
HELD = 300
"""Seconds for which consent is held: a busy machine takes its time to look, and the page counts all the while."""


class Desk:
    """A served house with its browser."""

    def __init__(self, house: House, browser: Browser, url: str) -> None:
        self.house, self.browser, self.url = house, browser, url
        self.asked = a_full_desk(house)
        self.complaints: list[str] = []
        """What a page's script or the browser's policy complained about."""
        with transaction():
            self.citra = approvals.get(self.asked["citra"]).case_id

    def open(
        self, role: Role, path: str, *, size: str = "desk", scheme: str = "light", scripts: bool = True
    ) -> tuple[BrowserContext, Page]:
        """Sign in as a role and open a page; nothing may be complained about on the way."""
        width, height = SIZES.get(size, (320, 640))
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{self.url}/sign-in/{self.house.link(role)}")
        with page.expect_event("load"):
            page.get_by_role("button", name="Sign in as").click()
        page.goto(self.url + path.format(citra=self.citra))
        return context, page


@pytest.fixture
def desk(database: str, chromium: Browser) -> Iterator[Desk]:
    with house() as opened, closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(opened.app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started, what="the server to start")
        served = Desk(opened, chromium, f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield served
        server.should_exit = True
        thread.join(10)
        assert [each for each in served.complaints if "404" not in each and "400" not in each] == []


def done_by_keys(page: Page) -> list[str]:
    """Return what the page asks for from now on to go elsewhere or to have it laid out otherwise, as that happens."""
    begun: list[str] = []

    def noted(request: Request) -> None:
        if request.is_navigation_request() or request.url.endswith("/shell"):
            begun.append(f"{request.method} {request.url}")

    page.on("request", noted)
    return begun


def test_a_change_is_approved_and_published_with_scripts_off(desk: Desk) -> None:
    stricter(light_school())
    context, page = desk.open(Role.COACH, "/knowledge/releases", size="phone", scripts=False)
    page.set_default_timeout(30_000)

    with closing(context):
        page.get_by_role("link", name=NEXT).click()
        page.get_by_label("Why? It is kept with the release.").fill("That hour is mine")
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Release {NEXT}")
        expect(page.get_by_text("Current", exact=True)).to_be_visible()


def test_facts_are_tried_and_the_address_can_be_passed_on(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/settings/policies/try", scripts=False)

    with closing(context):
        page.get_by_label("Chargeback threat").select_option("Yes")
        page.get_by_label("None of these").check()
        page.get_by_role("button", name="Decide").click()
        expect(page.get_by_role("heading", name="Consent: Coach")).to_be_visible()
        page.goto(page.url)
        expect(page.get_by_label("Chargeback threat")).to_have_value("true")
        expect(page.get_by_label("None of these")).to_be_checked()


def test_a_case_is_found_and_approved_by_keyboard_alone(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/inbox")
    hands = Hands(page)

    with closing(context):
        hands.press("j")
        expect(page.locator(":focus")).to_contain_text("Citra Sample")
        hands.leave("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Citra Sample")
        hands.press("3")
        expect(page.locator("#evidence-3")).to_be_focused()
        page.get_by_role("link", name="Trace").click()  # where no evidence stands
        expect(page.locator("#evidence-3")).to_have_count(0)
        hands.leave("3")
        expect(page.locator("#evidence-3")).to_be_focused()
        hands.leave("a")
        expect(page.get_by_role("heading", name="Coach approved this")).to_be_focused()

    assert desk.house.state(desk.asked["citra"]) == ApprovalState.APPROVED


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_held_consent_counts_down_and_is_taken_back_by_keyboard(desk: Desk, scheme: str) -> None:
    case_id = desk.house.case("Gita Example", "My lawyer will call you")
    with transaction():
        cases.change(cases.get(case_id), desk.house.now, woken=("threat",))
    held = desk.house.ask(case_id, terms=Terms(hold_seconds=HELD, needs=1))
    context, page = desk.open(Role.COACH, f"/cases/{case_id}", scheme=scheme)
    hands = Hands(page)

    with closing(context):
        hands.leave("a")
        expect(page.get_by_text("Approved. Sending in 2")).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        assert desk.house.state(held) == ApprovalState.APPROVED
        hands.leave("z")
        expect(page.get_by_role("button", name="Approve")).to_be_visible()

    assert desk.house.state(held) == ApprovalState.OPEN
    assert desk.house.begun == []


def test_an_edit_by_keyboard_is_checked_while_it_is_typed_and_survives_a_reload(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")
    hands = Hands(page)

    with closing(context):
        # what is refused says so, with the focus on the card
        hands.leave("d")
        hands.follow("button", "Deny", exact=True)
        expect(page.get_by_text("This was not denied")).to_be_visible()
        expect(page.locator("#question")).to_be_focused()
        hands.follow("link", "Cancel")
        expect(page.get_by_role("link", name="Escalate")).to_be_visible()

        hands.leave("e")
        text = page.get_by_label("Reply, edited by you")
        expect(text).to_be_focused()
        hands.type("You are booked for Sunday 29 November at 09:00.")
        expect(page.get_by_text("These words cannot be sent")).to_be_visible()
        expect(page.get_by_role("button", name="Approve this text")).to_be_disabled()
        page.reload()
        expect(text).to_have_value("You are booked for Sunday 29 November at 09:00.")
        expect(page.get_by_text("These words cannot be sent")).to_be_visible()
        expect(page.get_by_role("button", name="Approve this text")).to_be_disabled()
        hands.to("textbox", "Reply, edited by you")
        hands.type("Your coach has agreed, as a one-time exception.")
        expect(page.get_by_text("These words pass every check")).to_be_visible()
        hands.to("textbox", "Condition, for whoever carries this out")
        hands.type("Only this once")
        hands.leave("Control+Enter")
        expect(page.get_by_role("heading", name="Coach approved this with other words")).to_be_visible()
    with transaction():
        assert approvals.get(desk.asked["citra"]).conditions == "Only this once"


def test_keys_work_on_after_a_file_was_taken_out(desk: Desk) -> None:
    context, page = desk.open(Role.OPS_LEAD, "/overview")

    with closing(context):
        page.clock.install()
        page.reload()
        with page.expect_download():
            page.get_by_role("link", name="CSV").click()
        page.clock.run_for(4000)
        page.keyboard.press("g")
        page.keyboard.press("i")
        expect(page.get_by_role("heading", level=1, name="Inbox")).to_be_visible()


def test_no_key_does_anything_while_somebody_types_composes_or_holds_a_modifier(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}?act=edit")
    letters = "aedxznrsjkgi[]/?123"

    with closing(context):
        text = page.get_by_label("Reply, edited by you")
        for field in (text, page.get_by_label("Condition, for whoever carries this out")):
            field.fill("")
            field.press_sequentially(letters)
            expect(field).to_have_value(letters)
        with page.expect_event("load"):
            page.get_by_role("link", name="Cancel").click()
        here = page.url
        begun = done_by_keys(page)
        for key in letters:
            for held in ({"isComposing": True}, {"ctrlKey": True}, {"altKey": True}, {"metaKey": True}):
                page.evaluate(
                    "([key, held]) => document.body.dispatchEvent("
                    "new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...held}))",
                    [key, {**held} if key != "k" else {"isComposing": True}],
                )
        page.evaluate("() => new Promise(requestAnimationFrame)")  # until then what a key opens would have to be there
        assert page.evaluate("document.querySelectorAll('dialog[open]').length") == 0
        assert page.url == here
        assert begun == []

    assert desk.house.state(desk.asked["citra"]) == ApprovalState.OPEN


def test_keys_are_changed_in_the_help_sheet_and_turned_off_there(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")
    hands = Hands(page)

    with closing(context):
        begun = done_by_keys(page)
        approve = page.get_by_role("button", name="Approve")
        assert approve.get_attribute("aria-keyshortcuts") == "A"
        hands.press("?")
        sheet = page.get_by_role("dialog", name="Keys")
        field = sheet.get_by_label("Approve", exact=True)
        expect(field).to_have_value("A")
        assert Axe().run(page).response["violations"] == []
        field.press("d")
        hands.press("Enter")
        expect(sheet.get_by_text("D is “Approve” already")).to_be_visible()
        field.press("p")
        hands.press("Enter")
        expect(sheet.get_by_text("These keys follow you to every browser")).to_be_visible()
        hands.press("Escape")
        expect(approve.locator("kbd")).to_have_text("P")
        assert approve.get_attribute("aria-keyshortcuts") == "P"
        hands.press("a", "?")
        sheet.get_by_label("Single letters do something").uncheck()
        sheet.get_by_role("button", name="Save").click()
        expect(sheet.get_by_text("These keys follow you to every browser")).to_be_visible()
        hands.press("Escape", "p")
        page.reload()
        hands.press("p")
        assert approve.get_attribute("aria-keyshortcuts") is None
        page.get_by_role("button", name="Keys").click()
        sheet.get_by_role("button", name="Reset to the list").click()
        expect(field).to_have_value("A")
        assert begun == [f"GET {page.url}"], "the page was loaded anew, and no key did anything"
        assert desk.house.state(desk.asked["citra"]) == ApprovalState.OPEN
        hands.press("Escape")
        hands.leave("a")
        expect(page.get_by_role("heading", name="Coach approved this")).to_be_visible()


def test_the_palette_acts_goes_and_finds_by_keyboard_alone(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")
    hands = Hands(page)

    with closing(context):
        row = page.locator("[data-row]").first
        row.focus()
        hands.press("Control+k")
        palette = page.get_by_role("dialog", name="Search and actions")
        expect(palette.get_by_role("combobox")).to_be_focused()
        expect(palette.get_by_role("option").first).to_contain_text("Approve")
        assert Axe().run(page).response["violations"] == []
        hands.press("Escape")
        expect(row).to_be_focused()
        hands.press("/")
        page.keyboard.type("stuck at wor")
        expect(palette.get_by_role("option", name="Citra Sample")).to_have_attribute("aria-selected", "true")
        assert Axe().run(page).response["violations"] == []
        palette.get_by_role("combobox").fill("budi")
        expect(palette.get_by_role("option").filter(has_text="Budi Example").first).to_be_visible()
        hands.press("ArrowUp", "ArrowDown")
        hands.leave("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budi Example")
        hands.press("Control+k")
        page.keyboard.type("approvals")
        hands.leave("Enter")
        expect(page).to_have_url(re.compile("/approvals$"))
        hands.press("Control+k")
        page.keyboard.type("deny")
        hands.leave("Enter")
        expect(page.get_by_role("group", name="Why not?")).to_be_visible()
        hands.leave("Escape")
        expect(page.get_by_role("button", name="Approve")).to_be_visible()
        with page.expect_response("**/shell"):
            hands.press("[")
        assert page.evaluate("document.documentElement.dataset.menu") == "narrow"
        page.reload()
        assert page.evaluate("document.querySelector('.nav').offsetWidth") < 100
        hands.leave("g", "i")
        expect(page).to_have_url(re.compile("/inbox"))


def test_the_key_after_the_one_that_shuts_a_box_counts_however_quickly_it_comes(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")

    with closing(context):
        Hands(page).press("Control+k")
        expect(page.get_by_role("dialog", name="Search and actions").get_by_role("combobox")).to_be_focused()
        page.evaluate(
            """() => ["Escape", "?"].forEach((key) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})))"""
        )
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_palette_and_help_can_be_read_on_the_smallest_screen_in_both_themes(desk: Desk, scheme: str) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}", size="smallest", scheme=scheme)

    hands = Hands(page)

    with closing(context):
        hands.press("Control+k")
        page.keyboard.type("budi")
        palette = page.get_by_role("dialog", name="Search and actions")
        expect(palette.get_by_role("option").filter(has_text="Budi Example").first).to_be_visible()
        assert looks.faults(page) == []
        hands.press("Escape", "?")
        expect(page.get_by_role("dialog", name="Keys").get_by_label("Approve", exact=True)).to_have_value("A")
        assert looks.faults(page) == []


def test_every_decision_of_the_queue_is_made_by_keyboard_alone(desk: Desk) -> None:
    names = ("Arif", "Bella", "Dana", "Fitri")
    asked = [
        desk.house.ask(
            desk.house.case(f"{name} Sample", "Can I move it?", due_minutes=place + 1),
            question=f"Move it for {name}?",
            terms=Terms(hold_seconds=HELD),
        )
        for place, name in enumerate(names)
    ]
    context, page = desk.open(Role.COACH, "/approvals")
    question = page.locator("#question")
    hands = Hands(page)

    with closing(context):
        hands.leave("a")
        expect(question).to_have_text("Move it for Bella?")
        expect(question).to_be_focused()
        expect(page.get_by_role("form", name="Last decision")).to_contain_text("Sending in 2")
        hands.leave("z")
        expect(question).to_have_text("Move it for Arif?")
        expect(question).to_be_focused()
        for key, onto in (("d", "Bella"), ("x", "Dana")):
            hands.leave(key)
            expect(page.locator("input[type=radio]").first).to_be_focused()
            hands.press("Space")
            hands.leave("Enter")
            expect(question).to_have_text(f"Move it for {onto}?")
        hands.leave("e")
        page.get_by_label("Reply, edited by you").fill("Your coach has agreed, as a one-time exception.")
        expect(page.locator(".word-diff del").first).to_be_visible()
        hands.leave("Control+Enter")
        expect(question).to_have_text("Move it for Fitri?")
        expect(page.get_by_role("form", name="Last decision")).to_contain_text("Approved with other words")
        assert Axe().run(page).response["violations"] == []

    assert [desk.house.state(each) for each in asked] == ["denied", "escalated", "edited", "open"]


def test_a_key_is_handled_at_once_on_a_slow_machine(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")

    with closing(context):
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        spent = page.evaluate(
            """() => Object.fromEntries(["j", "k", "g", "q", "1", "]", "[", "/", "Escape", "?"].map((key) => {
                const once = () => {
                    const from = performance.now();
                    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
                    const ms = performance.now() - from;
                    document.querySelector("dialog[open]")?.close();
                    return ms;
                };
                return [key, Math.min(...Array.from({length: 12}, once))];
            }))"""
        )

    assert max(spent.values()) <= 50, spent


def test_the_queue_moves_the_focus_to_the_next_question(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/approvals")
    hands = Hands(page)

    with closing(context):
        hands.leave("a")
        expect(page.locator("#question")).to_be_focused()
        expect(page.locator("#question")).to_have_text("Grant a one-off reschedule?")
        hands.leave("d")
        page.get_by_label("Outside policy").check()
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_text("Nothing needs you")).to_be_visible()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_decision_can_be_made_with_scripts_off(desk: Desk, size: str) -> None:
    context, page = desk.open(Role.COACH, "/approvals", size=size, scripts=False)

    with closing(context):
        if size == "phone":
            page.get_by_role("link", name="Budi Example").click()
        page.get_by_role("link", name="Deny").click()
        page.get_by_label("Outside policy").check()
        page.get_by_role("button", name="Deny").click()
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Reply, edited by you").fill("Your coach has agreed, as a one-time exception.")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.get_by_text("These words pass every check")).to_be_visible()
        with page.expect_event("load"):
            page.get_by_role("button", name="Approve this text").click()

    assert [desk.house.state(desk.asked[name]) for name in ("budi", "citra")] == ["denied", "edited"]


def test_the_case_file_opens_over_the_case_on_a_narrow_screen_without_scripts(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}", size="phone", scripts=False)

    with closing(context):
        file = page.get_by_role("complementary", name="Case file")
        expect(file).to_be_hidden()
        page.locator("a.cite").first.click()
        expect(file).to_be_visible()
        page.get_by_role("link", name="Trace").click()
        expect(page.get_by_text("session-too-near", exact=True)).to_be_visible()
        page.get_by_role("link", name="Close the case file").click()
        expect(file).to_be_hidden()


def test_on_a_phone_decisions_stay_in_reach_and_are_big_enough_for_a_thumb(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}", size="phone")

    with closing(context):
        page.locator(".thread-scroll").evaluate("element => element.scrollTo(0, -200)")
        expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, summary, .bottom-bar a, .tabs a, a.button, .row")]
                .filter(element => element.checkVisibility() && !element.ariaHidden)
                .map(element => [element.textContent.trim(), element.getBoundingClientRect()])
                .filter(([text, box]) => box.height < 40 || box.width < 40)
                .map(([text, box]) => [text, box.width, box.height])"""
        )

    assert [each for each in small if each[0] not in ("If it does not succeed", "Internal noteN")] == []


def test_clocks_run_on_the_servers_time_and_warn_in_colour_and_shape(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/cases/{citra}")

    with closing(context):
        clock = page.locator(".approval .clock")
        before = clock.locator("[data-count]").text_content()
        expect(clock.locator("[data-count]")).not_to_have_text(str(before))
        assert clock.get_attribute("data-level") == "warn"
        expect(page.locator(".row", has_text="Budi Example").locator(".icon-late")).to_be_visible()


def test_the_theme_follows_the_device_until_somebody_chooses_and_paper_is_always_light(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/inbox", scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"

    with closing(context):
        assert page.evaluate(ground) == "rgb(13, 13, 15)"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(ground) == "rgb(247, 247, 245)"
        page.emulate_media(media="screen", color_scheme="dark")
        with page.expect_response("**/theme"):
            page.get_by_role("button", name="Switch theme").click()
        assert page.evaluate(ground) == "rgb(247, 247, 245)"
        page.reload()
        assert page.evaluate(ground) == "rgb(247, 247, 245)"


def test_the_first_page_stays_within_its_budget(desk: Desk) -> None:
    context, page = desk.open(Role.COACH, "/inbox")
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))

    with closing(context):
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.reload()
        page.wait_for_load_state("networkidle")
        elements = page.evaluate("document.querySelectorAll('*').length")

    assert 3 < len(sizes) <= 10
    assert sum(sizes) <= 120_000
    assert elements <= 1_500
