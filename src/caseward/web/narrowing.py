"""Which list a visitor looks at, as its address says: view, search, filters, page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from caseward.core.case import DESK, CaseStatus
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.desk import tools
from caseward.store import people, tags
from caseward.store.caselist import Filters
from caseward.store.people import Person
from caseward.web import words

LONGEST = 100
"""Characters of a value that is filtered by, and of a search."""
LAST_PAGE = 10_000
ME = "me"
FILTERS: Mapping[str, str] = {
    "tier": "Tier",
    "channel": "Channel",
    "status": "Status",
    "owner": "Owner",
    "tag": "Tag",
    "language": "Language",
    "intent": "About",
    "age": "Opened",
    "files": "Files",
}
"""Name in the address → what it is called, in the order of the form."""
AGES: Mapping[str, str] = {
    "today": "today",
    "week": "in the last 7 days",
    "day-old": "more than a day ago",
    "week-old": "more than 7 days ago",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The list a visitor looks at or came from, so that it stays as it is."""

    view: str = ""
    search: str = ""
    page: int = 1
    narrowed: Mapping[str, str] = field(default_factory=dict)
    """Filter → value, of those in `FILTERS` that are set."""

    def query(self, **changed: object) -> str:
        """Return what stands behind `/inbox?` for this list, with some parts changed."""
        at = replace(self, **changed)  # type: ignore[arg-type]
        parts = {"view": at.view, "q": at.search, **at.narrowed, "page": str(at.page) if at.page > 1 else ""}
        return urlencode({name: value for name, value in parts.items() if value})

    def without(self, name: str) -> Where:
        """Return the same list, on its first page, without a filter."""
        return replace(self, page=1, narrowed={each: value for each, value in self.narrowed.items() if each != name})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A value that may be chosen."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A filter with what may be chosen."""

    name: str
    label: str
    options: Sequence[Option]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter that is set, in words, and the address without it."""

    text: str
    href: str


def where(request: Request) -> Where:
    """Return which list the address of a request means; what cannot be used of it is left out."""
    return parsed(request.query_params)


def of_query(query: str) -> Where:
    """Return which list stands behind `/inbox?`."""
    return parsed(dict(parse_qsl(query)))


def parsed(given: Mapping[str, str]) -> Where:
    """Return which list some named values mean; a tier, an age or a file that is none is no filter."""
    kept = {name: given.get(name, "").strip()[:LONGEST] for name in ("view", "q", *FILTERS)}
    page = given.get("page", "1")
    tier = kept["tier"].upper()
    kept["tier"] = next((str(each) for each in Tier if tier in (str(each), str(int(each)))), "")
    kept["age"] = kept["age"] if kept["age"] in AGES else ""
    kept["files"] = kept["files"] if kept["files"] == "1" else ""
    return Where(
        view=kept.pop("view"),
        search=kept.pop("q"),
        page=min(max(1, int(page)), LAST_PAGE) if page.isascii() and page.isdigit() and len(page) < 9 else 1,
        narrowed={name: value for name, value in kept.items() if value},
    )


def filters(at: Where, person: Person, now: datetime) -> Filters:
    """Return what a list is narrowed by."""
    given = at.narrowed
    owner, age = given.get("owner", ""), given.get("age", "")
    midnight = now.astimezone(tools.pack().hours.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since = {"today": midnight, "week": now - timedelta(days=7)}
    until = {"day-old": now - timedelta(days=1), "week-old": now - timedelta(days=7)}
    return Filters(
        tier=next((int(tier) for tier in Tier if str(tier) == given.get("tier")), None),
        channel=given.get("channel", ""),
        status=given.get("status", ""),
        owner=person.id if owner == ME else owner,
        tag=given.get("tag", ""),
        language=given.get("language", ""),
        intent=given.get("intent", ""),
        opened_from=since.get(age),
        opened_until=until.get(age),
        attachment=given.get("files") == "1",
    )


def choices(at: Where, pack: Pack) -> list[Choice]:
    """Return the filters with what may be chosen; a value that is set is always among it."""
    offered: Mapping[str, Mapping[str, str]] = {
        "tier": {str(tier): str(tier) for tier in Tier},
        "channel": {name: words.channel(name) for name in sorted(set(tools.given().channels) - set(tools.lanes()))},
        "status": {str(status): words.status(status)[0] for status in CaseStatus},
        "owner": {ME: "You", DESK: "The desk", **people.names()},
        "tag": {tag: tag for tag in tags.used()},
        "language": {code: words.language(code) for code in pack.profile.languages},
        "intent": {name: words.humane(name) for name in pack.intents},
        "age": AGES,
        "files": {"1": "with a file"},
    }
    made = []
    for name, label in FILTERS.items():
        value = at.narrowed.get(name, "")
        known = offered[name] if not value or value in offered[name] else {**offered[name], value: value}
        options = [Option(value=each, label=text, chosen=each == value) for each, text in known.items()]
        made.append(Choice(name=name, label=label, options=[Option(value="", label="Any", chosen=not value), *options]))
    return made


def chips(at: Where, offered: Sequence[Choice]) -> list[Chip]:
    """Return the filters that are set, in words."""
    return [
        Chip(text=f"{choice.label} {option.label}", href=f"/inbox?{at.without(choice.name).query()}")
        for choice in offered
        for option in choice.options
        if option.chosen and option.value
    ]
