"""Somebody at a keyboard who has no mouse: what they reach they reach by keys, and nothing is focused for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

FAR = 260
"""Presses of Tab after which something counts as out of reach."""


@dataclass
class Hands:
    """Two hands on the keyboard of a page."""

    page: Page

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each on a page that is there whole: its script hears none before that."""
        for key in keys:
            self.page.wait_for_load_state()
            self.page.keyboard.press(key)

    def leave(self, *keys: str) -> None:
        """Press keys, the last of which leads to another page, and wait until that is there."""
        self.page.wait_for_load_state()
        with self.page.expect_event("load"):
            self.press(*keys)

    def to(self, role: Any, name: str, *, back: bool = False, exact: bool = False) -> None:
        """Go on by Tab, or back by Shift and Tab, until what has that role and name has the focus.

        The role `summary` is what opens a menu or a fold.
        """
        wanted = self.page.get_by_role(role, name=name, exact=exact)
        if role == "summary":
            folds = self.page.locator("summary")
            wanted = folds.and_(self.page.get_by_label(name)).or_(folds.filter(has_text=name))
        expect(wanted.first).to_be_attached()
        for _ in range(FAR):
            self.press("Shift+Tab" if back else "Tab")
            if wanted.and_(self.page.locator(":focus")).count():
                return
        raise AssertionError(f"{role} {name!r} is not reached by Tab from {self.at()}")

    def enter(self, role: Any, name: str, **how: bool) -> None:
        """Go to something and press it; the page stays."""
        self.to(role, name, **how)
        self.press("Enter")

    def follow(self, role: Any, name: str, **how: bool) -> None:
        """Go to something and press it, and wait until the page that it leads to is there."""
        self.to(role, name, **how)
        self.leave("Enter")

    def type(self, text: str) -> None:
        """Type in place of what is there."""
        self.press("Control+a")
        self.page.keyboard.type(text)

    def at(self) -> str:
        """Return what has the focus, for people."""
        found: str = self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        return found
