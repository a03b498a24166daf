"""Writing in a real browser: difference and check follow the words, nothing typed is lost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from caseward.adapters import find
from caseward.core.roles import Role
from caseward.desk import library, tools
from caseward.store.db import transaction
from tests.e2e.console_releases import light_school
from tests.e2e.test_console_browser import Desk, desk

__all__ = ["desk"]
EDIT = "/knowledge/edit/articles/age-minimum"

pytestmark = pytest.mark.browser


def publish() -> None:
    """Publish the school, so that there is something to change."""
    tools.use(replace(tools.given(), built_in=frozenset(find.skill_names(("records",)))))
    with transaction():
        library.open_with(light_school())


def test_an_edit_follows_the_words_and_outlives_its_tab(desk: Desk) -> None:
    publish()
    context, page = desk.open(Role.COACH, EDIT)
    page.set_default_timeout(30_000)

    with closing(context):
        page.get_by_label("Answer, English").fill("From the age of 6.")
        expect(page.locator("[data-look]")).to_contain_text("Sound", timeout=30_000)
        expect(page.locator(".diff-line.is-new")).to_contain_text("From the age of 6.")
        page.get_by_label("Owner").fill("")
        expect(page.locator("[data-look]")).to_contain_text("Nobody owns this page", timeout=30_000)

        other = context.new_page()
        other.goto(desk.url + EDIT)
        expect(other.get_by_label("Answer, English")).to_have_value("From the age of 6.")
        other.get_by_label("Owner").fill("coach")
        other.get_by_label("Why?").fill("We teach them")
        other.get_by_role("button", name="Propose").click()
        other.wait_for_url("**/knowledge/changes/*", timeout=30_000)
        expect(other.locator("main")).to_contain_text("somebody else must consent")
