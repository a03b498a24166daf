"""Every task of the console by keyboard alone; see `Hands`."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta

import pyotp
from playwright.sync_api import expect

from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import cases, factors, messages, turns
from caseward.store.db import transaction
from tests.e2e.console_hands import Hands
from tests.e2e.console_releases import light_school, stricter
from tests.e2e.test_console_browser import Desk
from tests.e2e.test_console_browser import desk as desk


def test_a_case_is_found_kept_in_a_view_written_about_and_handed_on(desk: Desk) -> None:
    case = desk.house.case("Hana Sample", "Do you teach at weekends?", status=CaseStatus.OPEN, tier=Tier.R0, rules=())
    context, page = desk.open(Role.COACH, "/inbox?view=all-open")
    hands = Hands(page)

    with closing(context):
        # a list is narrowed, and kept
        hands.enter("link", "Skip to content")
        hands.enter("summary", "Search and filter")
        expect(page.locator("#list-words")).to_be_focused()
        page.keyboard.type("weekends")
        hands.to("combobox", "Tier")
        page.keyboard.type("R0")
        hands.follow("button", "Show", exact=True)
        expect(page).to_have_url(re.compile("q=weekends"))
        hands.enter("summary", "List options")
        expect(page.locator("#view-name")).to_be_focused()
        page.keyboard.type("At weekends")
        hands.follow("button", "Save the view")
        expect(page.get_by_role("link", name="At weekends").first).to_be_visible()

        # a case is opened, and somebody is called
        hands.press("j")
        hands.leave("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Hana Sample")
        hands.press("n")
        expect(page.locator("#composed")).to_be_focused()
        page.keyboard.type("Can you look, @op")
        expect(page.get_by_role("listbox", name="People")).to_contain_text("Ops lead")
        hands.press("Enter")
        hands.follow("button", "Add internal note")
        expect(page.locator(".note .called")).to_have_text("@Ops lead")

        # it is marked, and unmarked
        hands.to("combobox", "A tag")
        page.keyboard.type("late")
        hands.leave("Enter")
        expect(page.get_by_role("button", name="Take off late")).to_be_visible()
        expect(page.locator(":focus")).to_have_attribute("id", "new-tag")
        hands.follow("button", "Take off late", back=True)
        expect(page.get_by_role("button", name="Take off late")).to_have_count(0)

        # it is taken, put off, brought back, given to somebody
        hands.enter("summary", "Owner and snooze", back=True)
        hands.follow("button", "Take it")
        expect(page.locator("summary[aria-label='Owner and snooze']")).to_be_focused()
        hands.press("s")
        expect(page.locator("[data-snooze]")).to_be_focused()
        hands.leave("Enter")
        expect(page.get_by_text("Snoozed until")).to_be_attached()
        hands.press("Enter")
        hands.follow("button", "Bring it back")
        expect(page.get_by_text("Snoozed until")).to_have_count(0)
        hands.press("Enter")
        hands.to("combobox", "Give it to")
        page.keyboard.type("Agent")
        hands.follow("button", "Assign")
        with transaction():
            assert cases.get(case).owner == desk.house.person(Role.AGENT)

        # a template comes in, and a reply goes out
        hands.press("n")
        expect(page.locator("#composed")).to_be_focused()
        hands.to("combobox", "Template", back=True)
        page.keyboard.type("Invoice")
        hands.enter("button", "Insert")
        expect(page.locator("#composed")).to_be_focused()
        expect(page.locator("#composed")).not_to_have_value("")
        hands.type("We do, on Saturdays.")
        hands.leave("Control+Enter")
        expect(page.get_by_role("heading", name="Coach approved this with other words")).to_be_visible()


def test_a_case_is_settled_and_taken_up_again_merged_parted_again_and_split(desk: Desk) -> None:
    two = [
        desk.house.case("Hana Sample", text, status=CaseStatus.OPEN, tier=Tier.R0, rules=())
        for text in ("Do you teach at weekends?", "It is me again")
    ]
    with transaction():
        more = cases.get(two[1]).conversation_id
        messages.receive(more, provider_id="in-more", text="And what does it cost?", kind="text", at=desk.house.now,
                         debounce=timedelta(), collect_max=timedelta())  # fmt: skip
        turns.take_up(more, 2, two[1])
        for case in two:
            messages.begin(cases.get(case).conversation_id)
    context, page = desk.open(Role.COACH, f"/cases/{two[1]}")
    hands = Hands(page)

    with closing(context):
        hands.leave("r")
        hands.follow("button", "Reopen")
        expect(page.get_by_role("button", name="Resolve")).to_be_visible()
        hands.follow("link", "Merge with another case", back=True)
        hands.follow("link", "Hana Sample")
        hands.follow("button", "Merge")
        hands.follow("button", "Undo")
        expect(page.get_by_role("button", name="Undo")).to_have_count(0)
        hands.follow("link", "Split messages off", back=True)
        hands.to("checkbox", "It is me again")
        hands.press("Space")
        hands.follow("button", "See what that does")
        hands.follow("button", "Split off")
        expect(page.get_by_role("status").filter(has_text="was split off")).to_be_visible()
        hands.follow("button", "Undo")
        expect(page.locator("#thread")).to_contain_text("the split was undone")


def test_a_person_is_invited_and_a_token_made_and_ones_own_account_is_secured(desk: Desk) -> None:
    other, _elsewhere = desk.open(Role.ADMIN, "/account")
    context, page = desk.open(Role.ADMIN, "/settings/people")
    hands = Hands(page)

    with closing(context), closing(other):
        # somebody is invited
        hands.to("textbox", "Name")
        page.keyboard.type("Ayu Example")
        hands.to("textbox", "E-mail")
        page.keyboard.type("ayu@studio.example")
        hands.to("combobox", "Role")
        page.keyboard.type("Agent")
        hands.follow("button", "Invite")
        expect(page.locator(".handed")).to_contain_text("Give Ayu Example this link.")
        expect(page.locator("#said")).to_contain_text("Give Ayu Example this link.")

        # a program is let in
        hands.leave("g", "s")
        hands.follow("link", "Tokens")
        hands.to("textbox", "What it is for")
        page.keyboard.type("Export")
        hands.to("checkbox", "cases:read")
        hands.press("Space")
        hands.follow("button", "Make token")
        expect(page.locator(".handed")).to_contain_text("Copy this token now.")

        # another session is ended, and a second factor set up
        hands.follow("link", "Administrator", exact=True)
        hands.follow("button", "End the session of", back=True)
        expect(page.get_by_role("button", name="End the session of")).to_have_count(0)
        hands.follow("button", "Set it up")
        secret = page.locator(".secret").inner_text().replace(" ", "")
        hands.to("textbox", "Code")
        page.keyboard.type(pyotp.HOTP(secret).at(int(desk.house.now.timestamp()) // factors.STEP_SECONDS))
        hands.leave("Enter")
        expect(page.get_by_role("list", name="Recovery codes")).to_be_visible()


def test_a_page_and_the_hours_are_changed_and_a_change_is_published(desk: Desk) -> None:
    stricter(light_school())
    context, page = desk.open(Role.OPS_LEAD, "/overview")
    other, coach = desk.open(Role.COACH, "/overview")
    hands = Hands(page)

    with closing(context), closing(other):
        # an article is edited and proposed
        hands.leave("g", "k")
        hands.follow("link", "Minimum age")
        hands.follow("link", "Edit")
        hands.to("textbox", "Answer, English")
        hands.type("From the age of six.")
        expect(page.locator("[data-look] .diff-line.is-new")).to_contain_text("From the age of six.")
        expect(page.locator("[data-look]")).to_contain_text("Sound")
        hands.to("textbox", "Why?")
        page.keyboard.type("We teach them")
        hands.follow("button", "Propose")
        expect(page.get_by_text("somebody else must consent")).to_be_visible()

        # so are the hours
        hands.leave("g", "s")
        hands.follow("link", "Hours")
        hands.follow("link", "Change")
        hands.to("textbox", "Monday")
        hands.type("10:00-18:00")
        hands.leave("Enter")
        expect(page.get_by_role("heading", name="What would change")).to_be_visible()
        hands.to("textbox", "Why?")
        page.keyboard.type("Mornings are quiet")
        hands.follow("button", "Propose")
        expect(page.get_by_text("somebody else must consent")).to_be_visible()

        # somebody else agrees to them, and they go out
        hours = page.url.rpartition("/")[2].partition("?")[0]
        hands = Hands(coach)
        hands.leave("g", "k")
        hands.follow("link", "Releases")
        hands.follow("link", hours)
        hands.enter("link", "Decide")
        hands.to("textbox", "Why? It is kept with the release.")
        coach.keyboard.type("They are")
        hands.follow("button", "Approve")
        hands.follow("button", "Publish")
        expect(coach.get_by_text("Current", exact=True)).to_be_visible()


def test_figures_are_read_and_the_trail_is_filtered_and_taken_out(desk: Desk) -> None:
    context, page = desk.open(Role.ADMIN, "/overview")
    hands = Hands(page)

    with closing(context):
        hands.follow("link", "7 d")
        expect(page).to_have_url(re.compile("range=7d"))
        for kind in ("CSV", "JSON"):
            with page.expect_download() as exported:
                hands.enter("link", kind, exact=True)
            assert exported.value.suggested_filename.endswith(f".{kind.lower()}")
        hands.follow("link", "First response", back=True)
        expect(page.get_by_role("link", name="Back to the overview").first).to_be_visible()
        hands.leave("g", "u")
        hands.to("combobox", "Who")
        page.keyboard.type("Administrator")
        hands.follow("button", "Filter")
        expect(page).to_have_url(re.compile("actor=per_admin"))
        hands.to("combobox", "File")
        page.keyboard.type("JSON lines")
        with page.expect_download() as taken:
            hands.enter("button", "Export")
        assert taken.value.suggested_filename.endswith(".jsonl")
