"""The case list: rows by group, tabs with counts, pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store.people import Person
from caseward.store.views import Ask, Asker, CaseRow, Group, Page, View
from caseward.web import masking, times, words
from caseward.web.casepage import Tab
from caseward.web.times import Clock

GROUPS = {Group.DECIDE: "Decide soon", Group.TODAY: "Today", Group.WAITING: "Waiting"}
VIEWS = {
    View.FOR_YOU: "For you",
    View.ALL_OPEN: "All open",
    View.UNASSIGNED: "Unassigned",
    View.AFFECTED: "Held up by a system",
}
SEEN_BY = {Role.ON_CALL: (View.AFFECTED,), Role.ADMIN: (View.ALL_OPEN,)}
"""Views of the roles that do not see all of the desk's."""
DESK_VIEWS = (View.FOR_YOU, View.ALL_OPEN, View.UNASSIGNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it is drawn."""

    id: str
    """Its own: a case's, or a request's in the queue."""
    case_id: str
    href: str
    current: bool
    unanswered: bool
    name: str
    number: int
    line: str
    tier: Tier | None
    state: str
    clock: Clock | None
    woken: str = ""
    """By what a person was woken, empty where nobody was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A group of rows under its title."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Addresses of the pages before and after, empty where there is none."""

    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What a list without rows says."""

    icon: str
    title: str
    text: str
    href: str = ""
    action: str = ""


def asker(pack: Pack, person: Person) -> Asker:
    """Return a person as lists know them."""
    return Asker(person_id=person.id, lanes=words.lanes_of(pack, person))


def views_of(person: Person) -> Sequence[View]:
    """Return the views a role sees; the first is the one it starts with."""
    return SEEN_BY.get(person.role, DESK_VIEWS)


def view_of(person: Person, wanted: str) -> View:
    """Return the view asked for if the role sees it, else the one it starts with."""
    seen = views_of(person)
    return next((view for view in seen if view == wanted), seen[0])


def tabs(person: Person, current: View, counts: dict[View, int], *, searching: bool) -> list[Tab]:
    """Return the views of a role as tabs; a search is in none of them."""
    return [
        Tab(
            label=VIEWS[view], href=f"/inbox?view={view}", current=view == current and not searching, count=counts[view]
        )
        for view in views_of(person)
    ]


def shelves(
    page: Page, *, pack: Pack, person: Person, now: datetime, view: View, opened: str, search: str
) -> list[Shelf]:
    """Return a page of cases, grouped, in the server's order."""
    rows: dict[Group, list[Row]] = {}
    for row in page.rows:
        address = f"/cases/{row.id}?{urlencode(kept(view, search, page.number))}"
        rows.setdefault(row.group, []).append(
            _row(row, pack=pack, person=person, now=now, href=address, current=row.id == opened)
        )
    return [Shelf(title=title, rows=rows[group]) for group, title in GROUPS.items() if group in rows]


def kept(view: View, search: str = "", page: int = 1) -> dict[str, str]:
    """Return what a link has to carry so that the list stays as it is."""
    query = {"view": str(view)}
    if search:
        query["q"] = search
    if page > 1:
        query["page"] = str(page)
    return query


def pager(page: Page, view: View, search: str) -> Pager:
    """Return the addresses of the pages around this one."""
    before = f"/inbox?{urlencode(kept(view, search, page.number - 1))}" if page.number > 1 else ""
    after = f"/inbox?{urlencode(kept(view, search, page.number + 1))}" if page.more else ""
    return Pager(before=before, after=after)


def queue_rows(asks: Iterable[Ask], *, pack: Pack, person: Person, now: datetime, opened: str) -> list[Row]:
    """Return open requests as rows: whose it is, what is asked, by when."""
    closed = not pack.hours.is_open(now)
    return [
        Row(
            id=ask.id,
            case_id=ask.case_id,
            href=f"/approvals?open={ask.id}",
            current=ask.id == opened,
            unanswered=False,
            name=_name(ask.name, person),
            number=ask.number,
            line=ask.question,
            tier=ask.tier,
            state=_standing(pack, ask, now),
            clock=None
            if ask.held_until
            else times.clock("decision", ask.due_at, now=now, tier=ask.tier, closed=closed),
        )
        for ask in asks
    ]


def _standing(pack: Pack, ask: Ask, now: datetime) -> str:
    """Return how far a request has come."""
    if ask.held_until is not None:
        return f"Sending at {times.local(ask.held_until, pack.hours.zone, now=now, seconds=True)}"
    consents = f"{ask.votes} of {ask.needs}" if ask.needs > 1 else ""
    return words.joined([words.lane(pack, ask.lane), consents, f"waiting {times.duration(now - ask.opened_at)}"])


def marked(row: Row, current: bool) -> Row:
    """Return the row as the open one, or not."""
    return replace(row, current=current)


def _row(row: CaseRow, *, pack: Pack, person: Person, now: datetime, href: str, current: bool) -> Row:
    mask = masking.masker(row.name, pack) if person.role is Role.ADMIN else masking.unmasked
    state = words.status(row.status)[0]
    if row.lane:
        own = row.lane in words.lanes_of(pack, person)
        state = "Needs your approval" if own else f"Needs approval · {words.lane(pack, row.lane)}"
    clock = None
    if row.due_at is not None:
        closed = not pack.hours.is_open(now)
        clock = times.clock(row.clock, row.due_at, now=now, tier=row.tier, paused=row.paused, closed=closed)
    return Row(
        id=row.id,
        case_id=row.id,
        href=href,
        current=current,
        unanswered=row.unanswered,
        name=_name(row.name, person),
        number=row.number,
        line=mask(row.line),
        tier=row.tier,
        state=state,
        clock=clock,
        woken=words.woken(row.woken),
    )


def _name(name: str, person: Person) -> str:
    return (words.masked_name(name) if person.role is Role.ADMIN else name) or words.NOBODY
