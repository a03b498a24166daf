"""The case list: rows by group, tabs with counts, pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from caseward.core.case import DESK
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import people
from caseward.store.caselist import MANY, CaseRow, Day, Group, Page, View
from caseward.store.people import Person
from caseward.store.views import Ask, Asker
from caseward.web import masking, times, words
from caseward.web.narrowing import Where
from caseward.web.times import Clock

GROUPS = {Group.DECIDE: "Decide soon", Group.TODAY: "Today", Group.WAITING: "Waiting", Group.DONE: "Settled"}
VIEWS = {
    View.FOR_YOU: "For you",
    View.ALL_OPEN: "All open",
    View.UNASSIGNED: "Unassigned",
    View.AFFECTED: "Held up by a system",
    View.BREACHING: "Breaching soon",
    View.PENDING: "Pending verification",
    View.WAITING: "Waiting on customer",
    View.REOPENED: "Reopened this week",
    View.SNOOZED: "Snoozed",
    View.CLOSED: "Closed",
}
DESK_VIEWS = (View.FOR_YOU, View.ALL_OPEN, View.UNASSIGNED)
SHELVES = (View.BREACHING, View.PENDING, View.WAITING, View.REOPENED, View.SNOOZED, View.CLOSED)
"""Views that are saved for everybody from the start, in the order of the menu."""
SEEN_BY = {Role.ON_CALL: (View.AFFECTED,), Role.ADMIN: (View.ALL_OPEN,)}
"""Views of the roles that do not see all of the desk's, shown as tabs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A view above the list."""

    label: str
    href: str
    current: bool
    count: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it is drawn."""

    id: str
    """Its own: a case's, or a request's in the queue."""
    case_id: str
    href: str
    current: bool
    name: str
    number: int
    line: str
    tier: Tier | None
    state: str
    clock: Clock | None
    unread: bool = False
    woken: str = ""
    """By what a person was woken, empty where nobody was."""
    owner: str = ""
    """Name of the person who has it, empty while the desk does."""
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A group of rows under its title."""

    title: str
    rows: Sequence[Row]
    more: bool = False
    """Whether it goes on, or began, on another page."""

    @property
    def count(self) -> str:
        """Say how many rows it has, as far as this page shows them."""
        return f"{len(self.rows)}+" if self.more else str(len(self.rows))


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


def day(pack: Pack, now: datetime) -> Day:
    """Return what lists must know of the time, by the house's own calendar."""
    midnight = now.astimezone(pack.hours.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return Day(
        now=now,
        ends_at=midnight + timedelta(days=1),
        week_began_at=midnight - timedelta(days=midnight.weekday()),
        near_minutes=pack.profile.sla.warn_before_minutes,
    )


def views_of(person: Person) -> Sequence[View]:
    """Return the views a role has as tabs; the first is the one it starts with."""
    return SEEN_BY.get(person.role, DESK_VIEWS)


def shelves_of(person: Person) -> Sequence[View]:
    """Return the views a role has in the menu."""
    return () if person.role is Role.ON_CALL else SHELVES


def view_of(person: Person, wanted: str) -> View:
    """Return the view asked for if the role sees it, else the one it starts with."""
    seen = views_of(person)
    return next((view for view in (*seen, *shelves_of(person)) if view == wanted), seen[0])


def title(view: View, person: Person) -> str:
    """Return what stands above the list."""
    return "Inbox" if view in views_of(person) else VIEWS[view]


def counted(count: int) -> str:
    """Return a count as it is shown: counting stops where nobody would read on."""
    return f"{MANY - 1}+" if count >= MANY else str(count)


def tabs(person: Person, current: View, counts: Mapping[View, int], *, searching: bool) -> list[Tab]:
    """Return the views of a role as tabs; a search is in none of them."""
    return [
        Tab(
            label=VIEWS[view],
            href=f"/inbox?view={view}",
            current=view == current and not searching,
            count=counted(counts[view]),
        )
        for view in views_of(person)
    ]


def shelves(page: Page, *, pack: Pack, person: Person, now: datetime, at: Where, opened: str) -> list[Shelf]:
    """Return a page of cases, grouped, in the server's order."""
    names, query = people.names(), at.query()
    rows: dict[Group, list[Row]] = {}
    for row in page.rows:
        drawn = _row(row, pack=pack, person=person, now=now, href=f"/cases/{row.id}?{query}", names=names)
        rows.setdefault(row.group, []).append(replace(drawn, current=row.id == opened))
    return [
        Shelf(title=title, rows=rows[group], more=group in (page.before, page.after))
        for group, title in GROUPS.items()
        if group in rows
    ]


def pager(page: Page, at: Where) -> Pager:
    """Return the addresses of the pages around this one."""
    before = f"/inbox?{at.query(page=page.number - 1)}" if page.number > 1 else ""
    after = f"/inbox?{at.query(page=page.number + 1)}" if page.after else ""
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


def _row(row: CaseRow, *, pack: Pack, person: Person, now: datetime, href: str, names: Mapping[str, str]) -> Row:
    mask = masking.masker(row.name, pack) if person.role is Role.ADMIN else masking.unmasked
    clock = None
    if row.due_at is not None:
        closed = not pack.hours.is_open(now)
        clock = times.clock(row.clock, row.due_at, now=now, tier=row.tier, paused=row.paused, closed=closed)
    return Row(
        id=row.id,
        case_id=row.id,
        href=href,
        current=False,
        name=_name(row.name, person),
        number=row.number,
        line=mask(row.line),
        tier=row.tier,
        state=_state(row, pack, person, now),
        clock=clock,
        unread=row.unread,
        woken=words.woken(row.woken),
        owner="" if row.owner == DESK else words.who(row.owner, names),
        tags=row.tags,
    )


def _state(row: CaseRow, pack: Pack, person: Person, now: datetime) -> str:
    """Return how a case stands, in words."""
    if row.lane:
        own = row.lane in words.lanes_of(pack, person)
        state = "Needs your approval" if own else f"Needs approval · {words.lane(pack, row.lane)}"
    else:
        state = words.status(row.status)[0]
    back = f"back {times.local(row.snoozed_until, pack.hours.zone, now=now)}" if row.snoozed_until else ""
    return words.joined([state, back])


def _name(name: str, person: Person) -> str:
    return (words.masked_name(name) if person.role is Role.ADMIN else name) or words.NOBODY
