"""Writing in a real browser: difference and check follow the words, nothing typed is lost, axe finds nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from caseward.adapters import find
from caseward.core.roles import Role
from caseward.desk import candidates, library, tools
from caseward.store.db import transaction
from tests.e2e.console_releases import light_school
from tests.e2e.test_console_browser import Desk, desk
from tests.e2e.test_console_knowledge import understood

__all__ = ["desk"]
EDIT = "/knowledge/edit/articles/age-minimum"
PAGES = (
    "/knowledge",
    "/knowledge?q=submarine",
    "/knowledge/articles/age-minimum",
    "/knowledge/templates",
    "/knowledge/templates/invoice-resent",
    "/knowledge/new/articles",
    EDIT,
    "/knowledge/candidates",
    "/knowledge/try",
    "/audit",
)

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


def test_axe_finds_nothing_where_knowledge_is_read_and_written(desk: Desk) -> None:
    publish()
    understood([desk.house.case("Fitri Testcase", "Can I bring my own backing track?")])
    with transaction():
        candidates.gather()

    for size, scheme in (("desk", "light"), ("phone", "dark"), ("smallest", "light")):
        context, page = desk.open(Role.COACH, "/inbox", size=size, scheme=scheme)
        page.set_default_timeout(30_000)
        with closing(context):
            for path in PAGES:
                page.goto(desk.url + path)
                page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
                found = Axe().run(page).response["violations"]

                assert not found, [(path, each["id"], each["nodes"][0]["html"]) for each in found]
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
