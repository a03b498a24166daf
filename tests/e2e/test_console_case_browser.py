"""The composer in a real browser: unsent text, templates at the cursor, names behind an @."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import messages
from caseward.store.db import transaction
from tests.e2e.test_console_browser import Desk
from tests.e2e.test_console_browser import desk as desk


def composer(page: Page) -> None:
    """Open the composer, unless it is."""
    page.wait_for_load_state()
    if not page.locator("#composed").is_visible():
        page.keyboard.press("n")
    expect(page.locator("#composed")).to_be_visible()


def test_unsent_words_outlive_a_reload_and_another_tab_and_what_was_sent_does_not_come_back(desk: Desk) -> None:
    case = desk.house.case("Hana Sample", "Weekends?", status=CaseStatus.OPEN, tier=Tier.R0, rules=())
    context, page = desk.open(Role.COACH, f"/cases/{case}")
    other = context.new_page()
    other.goto(page.url)
    asked: list[str] = []

    # typed in one tab, there in the other and after a reload; the words typed last count
    composer(page)
    page.fill("#composed", "Saturday is free")
    expect(other.locator("#composed")).to_have_value("Saturday is free")
    expect(other.locator("[data-compose-said]")).to_contain_text("You typed this in another tab.")
    other.fill("#composed", "Sunday is free")
    expect(page.locator("#composed")).to_have_value("Sunday is free")
    page.get_by_role("button", name="Take back what was here").click()
    expect(page.locator("#composed")).to_have_value("Saturday is free")
    other.close()
    page.reload()
    expect(page.locator("#composed")).to_have_value("Saturday is free")

    # who signs out is asked, and may stay
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.locator("#composed")).to_have_value("Saturday is free")
    assert asked == ["You have unsent text about one case. Sign out and lose it?"]

    # a name is offered behind an @, and taken by a key; what was noted is not offered again
    page.locator("#composed").press("End")
    page.locator("#composed").press_sequentially(" @op")
    expect(page.get_by_role("listbox", name="People").get_by_role("option", name="Ops lead")).to_be_visible()
    page.locator("#composed").press("Enter")
    expect(page.locator("#composed")).to_have_value("Saturday is free @Ops lead ")
    page.get_by_role("button", name="Add internal note").click()
    expect(page.locator(".note .called")).to_have_text("@Ops lead")
    expect(page.locator("#composed")).to_have_value("")
    with transaction():
        assert [each.text for each in messages.of_case(case) if each.kind == "note"] == ["Saturday is free @Ops lead"]

    # a template comes in where the cursor is, once however often it is pressed, and says what is still open
    composer(page)
    page.fill("#composed", "Halo. ")
    page.select_option("#macro", "reschedule-exception")
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url) if "/macro" in request.url else None)
    page.get_by_role("button", name="Insert").dblclick()
    expect(page.locator("#composed")).to_have_value(re.compile("^Halo[.] Good news, Hana"))
    assert len(read) == 1
    expect(page.locator("[data-compose-said]")).to_contain_text("Still open: {old_session_at}")
    context.close()
