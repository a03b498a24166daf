"""List, conversation and case file side by side: what the three pages that show them print.

Each function needs an open transaction and returns the values of templates/workspace.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.store import views
from caseward.store.people import Person
from caseward.store.views import Ask
from caseward.web import casepage, listing, times, words
from caseward.web.card import Typed
from caseward.web.casepage import Wish
from caseward.web.listing import Empty, Pager, Shelf

ALL_LANES = frozenset({Role.OPS_LEAD})
"""Roles that see the backlog of every lane, whether they decide in it or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The list a visitor came from, so that it stays as it is."""

    view: str = ""
    search: str = ""
    page: int = 1


def inbox(pack: Pack, person: Person, where: Where, *, now: datetime) -> dict[str, Any]:
    """Return the inbox with the first case of the list beside it."""
    context = _list(pack, person, where, opened="", now=now)
    first = next((row.href for shelf in context["groups"] for row in shelf.rows), "")
    context |= {"case": None, "card": None, "case_only": False, "list_heading": "h1", "case_heading": "h2"}
    if first:
        case_id = first.removeprefix("/cases/").partition("?")[0]
        context |= _case(pack, person, case_id, Wish(href=first), now=now)
        context = _mark(context, first)
    return context


def case(
    pack: Pack, person: Person, case_id: str, where: Where, *, now: datetime, wish: Wish | None = None, **asked: Any
) -> dict[str, Any]:
    """Return one case with the list it came from."""
    context = _list(pack, person, where, opened=case_id, now=now)
    if wish is None:
        wish = Wish(href=f"/cases/{case_id}?{urlencode(_kept(person, where))}", **asked)
    context |= {"case_only": True, "list_heading": "h2", "case_heading": "h1", "back": _back(person, where)}
    return context | _case(pack, person, case_id, wish, now=now)


def queue(
    pack: Pack,
    person: Person,
    *,
    opened: str,
    now: datetime,
    tab: str = "file",
    typed: Typed | None = None,
    focus: bool = False,
) -> dict[str, Any]:
    """Return the open requests of a person's lanes, with the one opened, or the first, beside them."""
    own = words.lanes_of(pack, person)
    asks = views.queue(pack.profile.lanes if person.role in ALL_LANES else own, person_id=person.id)
    held = [ask for ask in asks if ask.held_until is not None]
    mine = [ask for ask in asks if ask.lane in own and not ask.voted and ask not in held]
    others = [ask for ask in asks if ask not in mine and ask not in held]
    chosen = next((ask for ask in asks if ask.id == opened), None)
    shown = chosen or next(iter([*mine, *others, *held]), None)
    open_id = shown.id if shown else ""
    context: dict[str, Any] = {
        "list_title": "Approvals",
        "list_heading": "h2" if chosen else "h1",
        "case_heading": "h1" if chosen else "h2",
        "case_only": chosen is not None,
        "tabs": (),
        "query": "",
        "groups": _asked(
            {"Waiting for you": mine, "Waiting for others": others, "Approved, not sent yet": held},
            pack=pack,
            person=person,
            now=now,
            opened=open_id,
        ),
        "empty": _nothing_to_decide(own, now),
        "pager": Pager(),
        "back": "/approvals",
        "case": None,
        "card": None,
    }
    if shown is None:
        return context
    wish = Wish(href=f"/approvals?open={shown.id}", origin="queue", tab=tab, typed=typed or Typed(), focus=focus)
    return context | _case(pack, person, shown.case_id, wish, now=now)


def _case(pack: Pack, person: Person, case_id: str, wish: Wish, *, now: datetime) -> dict[str, Any]:
    page, card = casepage.build(case_id, person=person, pack=pack, now=now, wish=wish)
    return {"case": page, "card": card, "kept": wish.typed}


def _list(pack: Pack, person: Person, where: Where, *, opened: str, now: datetime) -> dict[str, Any]:
    view = listing.view_of(person, where.view)
    asker = listing.asker(pack, person)
    page = views.inbox(view, asker, search=where.search, page=where.page)
    shelves = listing.shelves(page, pack=pack, person=person, now=now, view=view, opened=opened, search=where.search)
    return {
        "list_title": "Search" if where.search else "Inbox",
        "tabs": listing.tabs(person, view, views.counts(asker), searching=bool(where.search)),
        "query": where.search,
        "groups": shelves,
        "empty": _no_cases(view, where.search),
        "pager": listing.pager(page, view, where.search),
        "back": _back(person, where),
    }


def _mark(context: dict[str, Any], href: str) -> dict[str, Any]:
    """Return the list with the row of that address marked as the open one."""
    shelves = [
        Shelf(title=shelf.title, rows=[listing.marked(row, row.href == href) for row in shelf.rows])
        for shelf in context["groups"]
    ]
    return context | {"groups": shelves}


def _asked(
    parts: Mapping[str, Sequence[Ask]], *, pack: Pack, person: Person, now: datetime, opened: str
) -> list[Shelf]:
    return [
        Shelf(title=title, rows=listing.queue_rows(asks, pack=pack, person=person, now=now, opened=opened))
        for title, asks in parts.items()
        if asks
    ]


def _nothing_to_decide(lanes: Sequence[str], now: datetime) -> Empty:
    last = views.last_decided_at(lanes)
    ago = f" Last one decided {times.duration(now - last)} ago." if last else ""
    return Empty(icon="check-check", title="Nothing needs you", text=f"The next decision will appear here.{ago}")


def _no_cases(view: views.View, search: str) -> Empty:
    if search:
        text = f"No number, name or message has “{search}” in it."
        return Empty(icon="search", title="No cases match", text=text, href="/inbox", action="Clear the search")
    if view is views.View.FOR_YOU:
        return Empty(
            icon="check-check",
            title="Nothing needs you",
            text="A case appears here when you are asked to decide or own it.",
            href=f"/inbox?view={views.View.ALL_OPEN}",
            action="See all open cases",
        )
    return Empty(icon="check-check", title="No open cases", text="A case appears here as soon as somebody writes.")


def _kept(person: Person, where: Where) -> dict[str, str]:
    return listing.kept(listing.view_of(person, where.view), where.search, where.page)


def _back(person: Person, where: Where) -> str:
    return f"/inbox?{urlencode(_kept(person, where))}"
