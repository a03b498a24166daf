"""What people ask and no page says, the most asked first; and the pages that are past their review (KB-4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict
from caseward.core.roles import Role
from caseward.desk import candidates, tools
from caseward.store import candidates as store
from caseward.store import people
from caseward.store.candidates import Candidate, Sighting
from caseward.store.db import transaction
from caseward.web import failures, render, words
from caseward.web.card import Notice
from caseward.web.pages.editor import Author
from caseward.web.pages.knowledge import HERE, row, today_there
from caseward.web.session import Visitor, only
from caseward.web.shelves import PROPOSERS, READERS

PAGE = 25
EACH = 5
"""Sightings of one candidate that are shown."""
WEEK = timedelta(days=7)
WHY = {
    "unanswered": "No page answers it",
    "unsure": "The answer was a guess",
    "edited": "A person rewrote the reply",
    "exception": "An exception was granted",
}
State = Literal["open", "drafted", "dismissed"]

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A candidate on the page."""

    candidate: Candidate
    title: str
    whys: list[str]
    sightings: list[Sighting]
    by: str


@router.get(f"{HERE}/candidates")
def every(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    state: Annotated[State, Query()] = "open",
    week: Annotated[bool, Query()] = False,
    after: Annotated[str, Query(max_length=40, pattern=r"^(\d{1,9}-\d{1,18})?$")] = "",
) -> Response:
    """List what may want a page, all of it or what was asked within a week."""
    return _page(request, visitor, state=state, week=week, after=after)


@router.post(f"{HERE}/candidates/{{candidate_id}}/dismiss")
def dismiss(
    request: Request, candidate_id: int, visitor: Author, reason: Annotated[str, Form(max_length=10_000)] = ""
) -> Response:
    """Say that no page is wanted, and why."""
    try:
        with transaction():
            candidates.dismiss(candidate_id, person=visitor.person.id, reason=reason)
    except (BadInput, Conflict) as error:
        text = failures.sentence(str(error).removeprefix("reason: "))
        notice = Notice(level="bad", title="This was not done", text=text)
        return _page(request, visitor, notice=notice, status=failures.status_of(error))
    return RedirectResponse(f"{HERE}/candidates", status_code=303)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    state: State = "open",
    week: bool = False,
    after: str = "",
    notice: Notice | None = None,
    status: int = 200,
) -> Response:
    now, masked = tools.now(), visitor.person.role is Role.ADMIN
    count, _, id = after.partition("-")
    with transaction():
        found = store.listed(
            state, since=now - WEEK if week else None, after=(int(count), int(id)) if after else None, limit=PAGE + 1
        )
        seen = store.sightings_of([each.id for each in found[:PAGE]], each=EACH)
        names = people.names()
    pack, today = tools.pack(), today_there()
    late = [each for each in pack.articles.values() if each.status == "published" and each.review_due(today)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    more = {"state": state, **({"week": "true"} if week else {}), "after": f"{last.count}-{last.id}"} if last else {}
    context = {
        "shown": [_shown(each, list(seen.get(each.id, ())), names, masked=masked) for each in found[:PAGE]],
        "state": state,
        "week": week,
        "states": {"open": "Open", "drafted": "Page proposed", "dismissed": "Dismissed"},
        "why": WHY,
        "masked": masked,
        "late": [row(pack, each, today, names, {}) for each in late] if state == "open" and not after else [],
        "may_propose": visitor.person.role in PROPOSERS,
        "more": f"{HERE}/candidates?{urlencode(more)}" if more else "",
        "notice": notice,
    }
    return render.page(request, "candidates.html", context, visitor=visitor, here=HERE, status=status)


def _shown(found: Candidate, sightings: list[Sighting], names: dict[str, str], *, masked: bool) -> Shown:
    first = next((each.text for each in reversed(sightings) if each.text), "")
    title = "Words hidden from your role" if masked else " ".join(first.split()) or "The words were erased"
    return Shown(
        candidate=found,
        title=title if len(title) <= 160 else f"{title[:159]}…",
        whys=list(dict.fromkeys(WHY[each.why] for each in sightings)),
        sightings=sightings,
        by=words.who(found.by, names) if found.by else "",
    )
