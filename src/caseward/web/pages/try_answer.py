"""What would a customer hear? The answer that would go out by itself, with its page, or why none would."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core.errors import NotFound
from caseward.core.foretold import Foretold, foretell
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.core.text import clean
from caseward.desk import current, tools
from caseward.store import releases
from caseward.store.db import transaction
from caseward.web import render, words
from caseward.web.pages.knowledge import HERE, title
from caseward.web.session import Visitor, only
from caseward.web.shelves import READERS

KEPT = 2
"""Brains of other releases that are kept."""
LEARNS_SECONDS = 2

router = APIRouter()


@router.get(f"{HERE}/try")
def look_ahead(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    q: Annotated[str, Query(max_length=2000)] = "",
    release: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show the answer in each language, by the current release or by another, such as a proposal."""
    asked, at_work = clean(q).strip(), tools.pack().profile.release
    with transaction():
        choices = [each.id for each in releases.undecided() if each.kept]
        choices += [
            each.id for each in releases.published(limit=10) if each.kept and each.id not in (at_work, *choices)
        ]
    other = release if release != at_work else ""
    ready = _brains.of(other) if other and asked else None
    told = []
    if asked and not other:
        told = _told(tools.pack(), tools.brain(), asked)
    elif ready is not None:
        told = _told(*ready, asked)
    learning = bool(asked and other and ready is None)
    context = {
        "q": asked,
        "release": other,
        "at_work": at_work,
        "choices": choices,
        "told": told,
        "learning": learning,
    }
    answer = render.page(request, "knowledge_try.html", context, visitor=visitor, here=HERE)
    if learning:
        answer.headers["Refresh"] = str(LEARNS_SECONDS)
    return answer


def _told(pack: Pack, brain: Brain, asked: str) -> list[dict[str, object]]:
    """Return what would be answered in each language that the business speaks."""
    found = foretell(pack, brain, asked)
    return [
        {
            "language": words.language(language),
            "heard": found.language == language,
            "found": found,
            "answer": pack.articles[found.article].answer.get(language, "") if found.article else "",
            "title": pack.articles[found.article].title.get(language, "") if found.article else "",
            "near": _near(pack, found),
            "matter": words.matter(pack, found.intent),
        }
        for language in pack.profile.languages
    ]


def _near(pack: Pack, found: Foretold) -> list[tuple[str, str]]:
    return [(id, title(pack.articles[id])) for id in found.near[:3] if id != found.article]


class _Brains:
    """Learns other releases beside the desk's work, one at a time, and keeps the last few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="look-ahead")
        self._known: OrderedDict[tuple[str, str], Future[tuple[Pack, Brain]]] = OrderedDict()

    def of(self, release: str) -> tuple[Pack, Brain] | None:
        """Return the pack of a release and a brain that learned it; None while it learns. Raise NotFound."""
        learn = tools.given().learn
        with transaction():
            found = releases.get(release)
        if not found.kept or learn is None:
            raise NotFound(f"release {release} cannot be tried here")
        key = (found.id, found.digest)
        with self._lock:
            if key not in self._known:
                while len(self._known) >= KEPT:
                    self._known.popitem(last=False)
                self._known[key] = self._pool.submit(_learned, release, learn)
            made = self._known[key]
        return made.result() if made.done() else None


def _learned(release: str, learn: Callable[[Pack], Brain]) -> tuple[Pack, Brain]:
    with transaction():
        pack = current.of_release(release)
        if pack is None:
            raise NotFound(f"the files of {release} were not kept")
        pack = current.in_phase(pack)
    return pack, learn(pack)


_brains = _Brains()
