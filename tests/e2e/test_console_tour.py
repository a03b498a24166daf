"""Every page there is, as those meet it who see, hear or press differently: axe, large words, forced colours."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page

from tests import looks
from tests.e2e.console_tour import Stop, Tour, tour

SIZES = {"desk": (1440, 900), "tablet": (768, 1024), "phone": (390, 844), "smallest": (320, 640)}
LOOKS = [(scheme, size) for scheme in ("light", "dark") for size in SIZES]
WRONG = (
    ("scrolls sideways: ", "p {width: 200vw}", "<p>Far too wide"),
    ("scrolls sideways inside ", "div {overflow-x: auto; width: 9rem} p {width: 40rem}", "<div><p>Wide</p></div>"),
    ("moves: ", "p {transition: opacity 1s}", "<p>Fades"),
    ("cut off at the side: ", "p {overflow: hidden; width: 2rem; white-space: nowrap}", "<p>Cut off"),
    ("cut off below: ", "p {overflow: hidden; height: 1rem; line-height: 3rem}", "<p>Cut off"),
    ("outside of its box: ", "p {width: 2rem; white-space: nowrap}", "<p>Far too much"),
    ("on each other: ", "p + p {margin-top: -2rem}", "<p>One</p><p>Two"),
    ("too small to press: ", "button {width: 9px; height: 9px; padding: 0}", "<button aria-label=Go></button>"),
    ("axe image-alt: ", "", "<img src='data:,'>"),
    ("at 200 %: scrolls sideways: ", "p {width: 10rem}", "<p>Twenty"),
    ("by keyboard: no ring: ", ":focus-visible {outline: none}", "<a href=/>Go"),
    ("by keyboard: focus is hidden: ", "p {position: fixed; inset: 0; margin: 0}", "<a href=/>Go</a><p>Over"),
    ("by keyboard: told by its ground alone: ", "[aria-current] {background: #ff8}",
     "<ul><li><a href=/ aria-current=page>Here</a><li><a href=/>There</a></ul>"),
)  # fmt: skip
"""What is found, and the least of a page that is wrong in this way."""


@pytest.fixture
def toured(database: str) -> Iterator[Tour]:
    with tour() as opened:
        yield opened


def dress(page: Page, scheme: str, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", forced_colors="none")


def open_page(chromium: Browser, complaints: list[str]) -> Page:
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return page


@pytest.mark.timeout(600)
def test_every_page_can_be_used_in_the_look_that_falls_to_it(toured: Tour, chromium: Browser) -> None:
    wrong: list[str] = []
    page, sessions = open_page(chromium, wrong), toured.sessions()

    for stop in toured.stops():
        scheme, size = look_of(stop)
        dress(page, scheme, size)
        toured.visit(page, stop, sessions)
        found = looks.layout(page)
        if looks.unfold(page):
            found += looks.layout(page)
        found += looks.axe(page) + looks.large(page) + looks.keyboard(page)
        wrong += [f"{stop.name}, {scheme}, {size}: {each}" for each in dict.fromkeys(found)]
    page.context.close()

    assert wrong == [], "\n".join(wrong)


def test_each_look_falls_to_some_pages(toured: Tour) -> None:
    assert {look_of(stop) for stop in toured.stops()} == set(LOOKS)


def test_what_is_looked_for_is_found_where_it_is_wrong(chromium: Browser) -> None:
    page, missed = chromium.new_page(), []

    for fault, style, body in WRONG:
        page.set_viewport_size({"width": 390, "height": 844})
        page.set_content(f"<!doctype html><html lang=en><title>Wrong</title><style>{style}</style><main>{body}")
        found = looks.axe(page) if fault.startswith("axe") else looks.layout(page)
        found += looks.large(page) + looks.keyboard(page)
        missed += [] if any(each.startswith(fault) for each in found) else [(fault, found)]
    page.close()

    assert missed == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_every_page_can_be_used_in_every_look(toured: Tour, chromium: Browser, scheme: str, size: str) -> None:
    wrong: list[str] = []
    page, sessions = open_page(chromium, wrong), toured.sessions()

    for stop in toured.stops():
        dress(page, scheme, size)
        toured.visit(page, stop, sessions)
        found = looks.faults(page)
        if looks.unfold(page):
            found += looks.faults(page)
        found += looks.keyboard(page)
        wrong += [f"{stop.name}: {each}" for each in dict.fromkeys(found)]
    page.context.close()

    assert wrong == [], "\n".join(wrong)


def look_of(stop: Stop) -> tuple[str, str]:
    """Return theme and size in which a page is looked at every time; a new page moves no other."""
    return LOOKS[crc32(stop.name.encode()) % len(LOOKS)]
