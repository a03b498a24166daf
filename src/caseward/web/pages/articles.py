"""One page of knowledge: what it says, since when, what it said before, where it was cited."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.desk import current, tools
from caseward.store import citations, people
from caseward.store.db import transaction
from caseward.web import editing, history, render, words
from caseward.web.pages.knowledge import CITED, HERE, row, title, today_there
from caseward.web.session import Visitor, only
from caseward.web.shelves import PROPOSERS, READERS

SHOWN = 10
"""Cases that cited a page, on its page."""

router = APIRouter()


@router.get(f"{HERE}/articles/{{article_id}}")
def article(
    request: Request,
    article_id: str,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    release: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str, Query(max_length=40)] = "",
    look: Annotated[int, Query(ge=0, le=history.MOST)] = 0,
) -> Response:
    """Show a page as it is, or as a release had it."""
    path = editing.path_of("article", article_id)
    with transaction():
        pack = _pack(release)
        versions = history.versions(path, look)
        compared = history.compared(path, before, after) if before and after else None
        names, today = people.names(), today_there()
        now, found = tools.now(), pack.articles.get(article_id)
        if found is None and not versions.found:
            raise NotFound(f"there is no article {article_id}")
        context: dict[str, Any] = {
            "id": article_id,
            "title": title(found) if found else article_id,
            "row": row(pack, found, today, names, {}) if found else None,
            "texts": [_said(found, language) for language in found.answer] if found else [],
            "release": pack.profile.release,
            "older": pack.profile.release != tools.pack().profile.release,
            "versions": versions,
            "compared": compared,
            "pair": (before, after),
            "cited": citations.count(article_id, since=now - CITED),
            "cases": citations.latest(article_id, limit=SHOWN),
            "rules": sorted(rule.id for rule in pack.policy.rules if rule.source == article_id),
            "may_propose": visitor.person.role in PROPOSERS and article_id in tools.pack().articles,
            "kind": "articles",
            "past": found is not None and _is_past(found.reviewed, found.review_days, today),
        }
    return render.page(request, "article.html", context, visitor=visitor, here=HERE)


def _pack(release: str) -> Pack:
    """Return the pack of a release, the one at work where none is named; raise NotFound."""
    if not release or release == tools.pack().profile.release:
        return tools.pack()
    found = current.of_release(release)
    if found is None:
        raise NotFound(f"there is no release {release}, or its files were not kept")
    return found


def _said(found: Any, language: str) -> dict[str, Any]:
    return {
        "code": language,
        "language": words.language(language),
        "title": found.title.get(language, ""),
        "answer": found.answer[language],
        "asked_as": found.asked_as.get(language, ()),
    }


def _is_past(reviewed: date, days: int, today: date) -> bool:
    return (today - reviewed).days > days
