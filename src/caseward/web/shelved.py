"""The saved views in the menu: those everybody has from the start, those saved for everybody, one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.store import caselist, saved_views
from caseward.store.caselist import View, Wanted
from caseward.store.people import Person
from caseward.store.saved_views import SavedView
from caseward.web import listing, narrowing

DOTS = {View.BREACHING: "bad", View.PENDING: "r2", View.WAITING: "r0", View.REOPENED: "r1"}
"""View → colour of its dot; the others have an outline."""
UNCOUNTED = (View.CLOSED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A saved view as the menu shows it."""

    label: str
    href: str
    dot: str
    current: bool
    count: str = ""
    """Empty where nothing is in it, or nobody counts."""


def links(pack: Pack, person: Person, query: str, now: datetime) -> list[Link]:
    """Return the saved views of a person, with counts; `query` is what stands behind `/inbox?` just now."""
    shown = listing.shelves_of(person)
    own = mine(person)
    asker, day = listing.asker(pack, person), listing.day(pack, now)
    wanted = {view: Wanted(view=view, asker=asker, day=day) for view in shown if view not in UNCOUNTED}
    lists = {each.id: _wanted(each, pack, person, now) for each in own}
    asked = [*wanted.values(), *(each for each in lists.values() if each is not None)]
    numbers = iter(caselist.count(asked))
    counts: dict[str, int] = {view: next(numbers) for view in wanted}
    counts |= {view_id: next(numbers) for view_id, each in lists.items() if each is not None}
    here = dict(parse_qsl(query))
    made = [
        _link(listing.VIEWS[view], f"view={view}", DOTS.get(view, "none"), here, counts.get(view, 0)) for view in shown
    ]
    return made + [_link(each.name, each.query, "own", here, counts.get(each.id, 0)) for each in own]


def mine(person: Person) -> Sequence[SavedView]:
    """Return the views that were saved by somebody for themselves, or for everybody; on-call has none."""
    return () if person.role is Role.ON_CALL else saved_views.of(person.id)


def _wanted(view: SavedView, pack: Pack, person: Person, now: datetime) -> Wanted | None:
    """Return what a saved view lists; None for a search, which nobody counts on every page."""
    at = narrowing.of_query(view.query)
    if at.search:
        return None
    return Wanted(
        view=listing.view_of(person, at.view),
        asker=listing.asker(pack, person),
        day=listing.day(pack, now),
        filters=narrowing.filters(at, person, now),
    )


def _link(label: str, query: str, dot: str, here: dict[str, str], count: int) -> Link:
    return Link(
        label=label,
        href=f"/inbox?{query}",
        dot=dot,
        current=here == dict(parse_qsl(query)),
        count=listing.counted(count) if count else "",
    )
