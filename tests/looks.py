"""What a page may not do to who reads, hears or feels it, looked for in a real browser.

`looks.js` and `focus.js` hold what axe does not look for: what is cut off, lies on something else, scrolls sideways,
moves, is too small to press, takes the focus and does not show it.
"""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

HERE = Path(__file__).parent
LOOKS, FOCUS = (HERE.joinpath(name).read_text(encoding="utf-8") for name in ("looks.js", "focus.js"))
LARGE = ".button, .bottom-bar a, .input, .row"
"""What is pressed most, and so has to be 44 px on a phone; the rest may be 40 px there."""
NARROW = 900
"""Up to this many CSS px a page is pressed by a thumb."""
SMALLEST = {"width": 320, "height": 640}
_axe = Axe()


def layout(page: Page) -> list[str]:
    """Return what is wrong with where things stand, and how large they are."""
    size = page.viewport_size
    assert size
    found: list[str] = page.evaluate(LOOKS, {"touch": size["width"] <= NARROW, "large": LARGE})
    return found


def axe(page: Page) -> list[str]:
    """Return what axe finds."""
    found = _axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"axe {each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"][:3]]


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page as it stands."""
    return layout(page) + axe(page)


def large(page: Page) -> list[str]:
    """Return what is wrong with a page whose words are twice as large, on the smallest screen; the page stays so."""
    page.set_viewport_size({"width": SMALLEST["width"], "height": SMALLEST["height"]})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    return [f"at 200 %: {each}" for each in layout(page)]


def keyboard(page: Page) -> list[str]:
    """Return what a keyboard is not shown, in colours that the system forces on the page; they stay."""
    page.emulate_media(forced_colors="active")
    page.keyboard.press("Tab")
    found: list[str] = page.evaluate(FOCUS)
    return [f"by keyboard: {each}" for each in found]


def unfold(page: Page) -> bool:
    """Open whatever can be opened without leaving the page; return whether there was anything."""
    opened: int = page.evaluate(
        """() => {
            const shut = document.querySelectorAll("main details:not([open]), aside details:not([open])");
            shut.forEach((each) => (each.open = true));
            return shut.length;
        }"""
    )
    return bool(opened)
