"""List, conversation and case file side by side: what the three pages that show them print.

Each function needs an open transaction and returns the values of templates/workspace.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from caseward.core.pack import Pack
from caseward.core.roles import SHARE_VIEWS, WORK_ON_CASES, Role
from caseward.store import casefile, caselist, search, views
from caseward.store.caselist import View, Wanted
from caseward.store.people import Person
from caseward.store.views import Ask
from caseward.web import casepage, handling, listing, narrowing, times, words
from caseward.web import decided as said
from caseward.web.card import Typed
from caseward.web.casepage import Wish
from caseward.web.listing import Empty, Pager, Shelf
from caseward.web.narrowing import Choice
from caseward.web.narrowing import Where as Where

ALL_LANES = frozenset({Role.OPS_LEAD})
"""Roles that see the backlog of every lane, whether they decide in it or not."""
WRITES = "A case appears here as soon as somebody writes."
NOTHING = {
    View.UNASSIGNED: "Nothing waits for a person",
    View.BREACHING: "No promise is near",
    View.PENDING: "Nothing waits for a system",
    View.AFFECTED: "Nothing waits for a system",
    View.SNOOZED: "Nothing is snoozed",
    View.CLOSED: "Nothing is settled yet",
}
"""What a list says that holds nothing, where it is not simply of open cases."""
LATER = {
    View.UNASSIGNED: "A case appears here when the desk needs somebody, until a person takes it.",
    View.BREACHING: "A case appears here shortly before it is late.",
    View.PENDING: "A case appears here when its facts cannot be relied on.",
    View.AFFECTED: "A case appears here when its facts cannot be relied on.",
    View.SNOOZED: "What you snooze stays here until its time comes or the customer writes.",
    View.CLOSED: "Settled cases are kept here, the newest first.",
    View.REOPENED: "A settled case appears here when somebody takes it up again.",
    View.WAITING: "A case appears here while the next move is the customer’s.",
}


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
        wish = Wish(href=f"/cases/{case_id}?{context['at'].query()}", **asked)
    context |= {"case_only": True, "list_heading": "h2", "case_heading": "h1"}
    return context | _case(pack, person, case_id, wish, now=now)


def queue(
    pack: Pack,
    person: Person,
    *,
    opened: str,
    now: datetime,
    tab: str = "file",
    typed: Typed | None = None,
    decided: str = "",
    focus: bool = False,
    reading: bool = False,
) -> dict[str, Any]:
    """Return the open requests of a person's lanes, with the one opened, or the first, beside them.

    After a decision (`decided`) the next one that waits for the person is open, and a line says what became of it.
    """
    own = words.lanes_of(pack, person)
    asks = views.queue(pack.profile.lanes if person.role in ALL_LANES else own, person_id=person.id)
    held = [ask for ask in asks if ask.held_until is not None]
    mine = [ask for ask in asks if ask.lane in own and not ask.voted and ask not in held]
    others = [ask for ask in asks if ask not in mine and ask not in held]
    chosen = next((ask for ask in asks if ask.id == opened), None)
    last = said.last(decided, pack=pack, person=person, now=now) if decided else None
    if last is not None and chosen is None:
        chosen = next(iter(mine), None)
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
        "empty": None if asks else _nothing_to_decide(own, now),
        "pager": Pager(),
        "back": "/approvals",
        "case": None,
        "card": None,
        "last": None if last is None or (shown and shown.id == last.id) else last,
    }
    if shown is None:
        return context
    href = f"/approvals?open={shown.id}"
    wish = Wish(href=href, origin="queue", tab=tab, typed=typed or Typed(), focus=focus, reading=reading)
    return context | _case(pack, person, shown.case_id, wish, now=now)


def following(pack: Pack, person: Person, approval_id: str) -> str:
    """Return the id of the request that waits for a person behind another one in the queue; empty for none."""
    own = words.lanes_of(pack, person)
    asks = views.queue(pack.profile.lanes if person.role in ALL_LANES else own, person_id=person.id)
    mine = [
        ask.id for ask in asks if ask.id == approval_id or (ask.lane in own and not ask.voted and not ask.held_until)
    ]
    if approval_id not in mine:
        return next(iter(mine), "")
    place = mine.index(approval_id)
    return next(iter([*mine[place + 1 :], *mine[:place]]), "")


def _case(pack: Pack, person: Person, case_id: str, wish: Wish, *, now: datetime) -> dict[str, Any]:
    found = casefile.find(case_id)
    page, card = casepage.build(found, person=person, pack=pack, now=now, wish=wish)
    handled = handling.of(found, page.href, person=person, pack=pack, now=now)
    return {"case": page, "card": card, "kept": wish.typed, "handling": handled}


def _list(pack: Pack, person: Person, where: Where, *, opened: str, now: datetime) -> dict[str, Any]:
    view = listing.view_of(person, where.view)
    at = replace(where, view=str(view))
    asker, day = listing.asker(pack, person), listing.day(pack, now)
    wanted = Wanted(
        view=view,
        asker=asker,
        day=day,
        filters=narrowing.filters(at, person, now),
        found=search.cases(at.search) if at.search else None,
    )
    page = caselist.page(wanted, at.page)
    counts = caselist.counts(listing.views_of(person), asker, day)
    offered = narrowing.choices(at, pack)
    return {
        "list_title": "Search" if at.search else listing.title(view, person),
        "tabs": listing.tabs(person, view, counts, searching=bool(at.search)),
        "query": at.search,
        "at": at,
        "filters": offered,
        "chips": narrowing.chips(at, offered),
        "groups": listing.shelves(page, pack=pack, person=person, now=now, at=at, opened=opened),
        "empty": _no_cases(view, at, offered),
        "pager": listing.pager(page, at),
        "back": f"/inbox?{at.query()}",
        "takes_cases": person.role in WORK_ON_CASES,
        "shares_views": person.role in SHARE_VIEWS,
    }


def _mark(context: dict[str, Any], href: str) -> dict[str, Any]:
    """Return the list with the row of that address marked as the open one."""
    shelves = [
        replace(shelf, rows=[listing.marked(row, row.href == href) for row in shelf.rows])
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


def _no_cases(view: View, at: Where, offered: Sequence[Choice]) -> Empty:
    chosen = [chip.text for chip in narrowing.chips(at, offered)]
    said = [f"“{at.search}”"] if at.search else []
    if chosen or said:
        return Empty(
            icon="search",
            title="No cases match",
            text=f"Nothing is in this list with {' and '.join([*said, *chosen])}.",
            href=f"/inbox?{replace(at, search='', page=1, narrowed={}).query()}",
            action="Clear the search" if not chosen else "Clear the filters",
        )
    if view is View.FOR_YOU:
        return Empty(
            icon="check-check",
            title="Nothing needs you",
            text="A case appears here when you are asked to decide, own it, or are named in a note.",
            href=f"/inbox?view={View.ALL_OPEN}",
            action="See all open cases",
        )
    return Empty(icon="check-check", title=NOTHING.get(view, "No open cases"), text=LATER.get(view, WRITES))
