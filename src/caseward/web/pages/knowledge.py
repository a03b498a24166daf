"""What is true today: the pages the desk answers from, as the current release has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core.knowledge import Article
from caseward.core.pack import Pack
from caseward.core.text import normalise
from caseward.desk import tools
from caseward.store import citations, edits, people, releases
from caseward.store.db import transaction
from caseward.store.edits import Edit
from caseward.store.people import Person
from caseward.web import editing, render, shelves, words
from caseward.web.menu import Count, NavItem
from caseward.web.session import Visitor, only
from caseward.web.shelves import PROPOSERS, READERS

HERE = "/knowledge"
CITED = timedelta(days=28)
"""How far back citations are counted."""
SOON = timedelta(days=14)
"""A review that is due within this is said to be near."""

router = APIRouter()


def _waiting(person: Person) -> Count:
    pack = tools.pack()
    mine = [each for each in releases.undecided() if shelves.verbs(each, pack, person)]
    return Count(number=len(mine), hot=True)


NAV = NavItem(href=HERE, label="Knowledge", icon="book-open", order=50, roles=READERS, key="k", count=_waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A page in the list."""

    id: str
    title: str
    languages: str
    status: str
    level: str
    owner: str
    topics: Sequence[str]
    applies_to: str
    asked_as: int
    effective: date
    reviewed: date
    review: date
    review_level: str
    cited: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Something that the visitor is writing."""

    title: str
    href: str
    edit: Edit


@router.get(HERE)
def every(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=40)] = "",
    owner: Annotated[str, Query(max_length=80)] = "",
    topic: Annotated[str, Query(max_length=80)] = "",
    language: Annotated[str, Query(max_length=20)] = "",
    due: Annotated[bool, Query()] = False,
) -> Response:
    """List the pages that fit, with their review dates and how often each was cited."""
    with transaction():
        cited = citations.counts(since=tools.now() - CITED)
        names = people.names()
        own = drafts(visitor.person)
    pack, today = tools.pack(), today_there()
    rows = [row(pack, each, today, names, cited) for each in pack.articles.values() if _fits(each, q, language)]
    shown = [
        each
        for each in rows
        if (not status or each.status.lower() == status)
        and (not owner or pack.articles[each.id].owner == owner)
        and (not topic or topic in each.topics)
        and (not due or each.review_level == "bad")
    ]
    filters = {"q": q, "status": status, "owner": owner, "topic": topic, "language": language, "due": due}
    context = {
        "rows": sorted(shown, key=lambda each: (each.status != "Published", each.title.lower())),
        "total": len(pack.articles),
        "filters": filters,
        "filtered": any(filters.values()),
        "statuses": editing.STATUSES["article"],
        "owners": {owner: owner_of(owner, names) for owner in sorted({a.owner for a in pack.articles.values()})},
        "topics": sorted({topic for each in pack.articles.values() for topic in each.topics}),
        "languages": {each: words.language(each) for each in pack.profile.languages},
        "late": sum(each.review_level == "bad" for each in rows),
        "drafts": own,
        "may_propose": visitor.person.role in PROPOSERS,
        "release": pack.profile.release,
    }
    return render.page(request, "knowledge.html", context, visitor=visitor, here=HERE)


def today_there() -> date:
    """Return the day in the ops zone."""
    return tools.now().astimezone(tools.pack().hours.zone).date()


def row(pack: Pack, article: Article, today: date, names: Mapping[str, str], cited: Mapping[str, int]) -> Row:
    """Return a page as the list shows it."""
    review = article.reviewed + timedelta(days=article.review_days)
    current = article.status == "published"
    level = "ok" if article.in_force(today) else "info" if current else ""
    return Row(
        id=article.id,
        title=title(article),
        languages=", ".join(words.language(each) for each in article.answer),
        status="Published"
        if article.in_force(today)
        else "Not in force yet"
        if current
        else words.humane(article.status),
        level=level,
        owner=owner_of(article.owner, names),
        topics=article.topics,
        applies_to=article.applies_to,
        asked_as=sum(len(texts) for texts in article.asked_as.values()),
        effective=article.effective,
        reviewed=article.reviewed,
        review=review,
        review_level=""
        if not current
        else "bad"
        if article.review_due(today)
        else "warn"
        if review - today <= SOON
        else "",
        cited=cited.get(article.id, 0),
    )


def owner_of(owner: str, names: Mapping[str, str]) -> str:
    """Return who keeps a page or a template up to date, in words: a role, a person, or what the pack calls them."""
    return words.ROLES.get(owner) or words.humane(words.who(owner, names).replace("-", " "))


def title(article: Article) -> str:
    """Return what a page is called, in the console's language where it has that."""
    return article.title.get(words.LANGUAGE) or next(iter(article.title.values()), article.id)


def drafts(person: Person) -> list[Draft]:
    """Return what a person is writing and has not proposed; needs an open transaction."""
    found = []
    for edit in edits.of(person.id):
        place = next(each for each, (kind, *_) in editing.KINDS.items() if kind == edit.kind)
        new = edit.subject.startswith("new")
        candidate = edit.subject.removeprefix("new").removeprefix(":")
        href = f"{HERE}/new/{place}" + (f"?candidate={candidate}" if candidate else "")
        name = _first(edit.fields, ("title", "id")) or (f"New {edit.kind}" if new else edit.subject)
        found.append(Draft(title=name, href=href if new else f"{HERE}/edit/{place}/{edit.subject}", edit=edit))
    return found


def _first(fields: Mapping[str, str], names: Iterable[str]) -> str:
    return next((value for name in names for field, value in fields.items() if value and field.startswith(name)), "")


def _fits(article: Article, wanted: str, language: str) -> bool:
    """Return whether a page says all the words that are looked for, in the language where one is given."""
    if language and not article.answer.get(language, "").strip():
        return False
    if not wanted.strip():
        return True
    texts = [article.id, article.applies_to, *article.topics]
    for said in (article.title, article.answer):
        texts += [text for each, text in said.items() if language in ("", each)]
    texts += [text for each, many in article.asked_as.items() if language in ("", each) for text in many]
    told = normalise("\n".join(texts))
    return all(word in told for word in normalise(wanted).split())
