"""The menu, which lists the pages found in web/pages: a page that has a `NAV` is in it.

A page that has `SETTINGS` is in the menu of the settings instead, which stands beside every page of theirs.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from caseward.core.roles import Role
from caseward.store.people import Person
from caseward.web import pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Open work behind a menu item."""

    number: int
    hot: bool = False
    """A person is needed: the only red in the menu."""

    @property
    def text(self) -> str:
        """Say the number; nobody reads on from a hundred."""
        return "99+" if self.number > 99 else str(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """A page's place in the menu."""

    href: str
    label: str
    icon: str
    order: int
    roles: frozenset[Role]
    """Who sees it; to everyone else it does not exist."""
    key: str = ""
    """Letter that opens it after G."""
    count: Callable[[Person], Count] | None = None
    """Counts in the current transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A menu item as one person sees it."""

    item: NavItem
    count: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsItem:
    """A page's place among the settings."""

    href: str
    label: str
    order: int
    """In tens: 10 one's own, 20 to 40 what the business says, 50 and up what the desk runs on."""
    roles: frozenset[Role]
    """Who sees it; to everyone else it does not exist."""


@cache
def modules() -> Sequence[ModuleType]:
    """Return the page modules, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    return [importlib.import_module(f"{pages.__name__}.{name}") for name in names]


@cache
def items() -> Sequence[NavItem]:
    """Return every menu item, in menu order."""
    found = [module.NAV for module in modules() if getattr(module, "NAV", None) is not None]
    return sorted(found, key=lambda item: item.order)


def shown_to(person: Person) -> Sequence[Shown]:
    """Return the menu of one person, with counts; needs an open transaction."""
    return [
        Shown(item=item, count=item.count(person) if item.count else None)
        for item in items()
        if person.role in item.roles
    ]


HOMES = {Role.OPS_LEAD: "/overview", Role.ADMIN: "/knowledge/releases"}
"""Where roles begin whose first question is another one than what is in the inbox: are promises kept, what changes."""


def home_of(person: Person) -> str:
    """Return the address of the first page that a person sees."""
    return HOMES.get(person.role) or next((item.href for item in items() if person.role in item.roles), "/more")


@cache
def settings() -> Sequence[SettingsItem]:
    """Return every page of the settings, in their order."""
    found = [module.SETTINGS for module in modules() if getattr(module, "SETTINGS", None) is not None]
    return sorted(found, key=lambda item: item.order)


def settings_of(person: Person) -> Sequence[SettingsItem]:
    """Return the pages of the settings that one person sees."""
    return [item for item in settings() if person.role in item.roles]
