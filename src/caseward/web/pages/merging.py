"""Cases are put together and taken apart here, each after a look at what that would do, and undone again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.desk import tools
from caseward.flows import joining
from caseward.store import casefile, conversation, people
from caseward.store.db import transaction
from caseward.web import failures, joined, render, thread
from caseward.web.acting import Named, Next, Worker, back_to
from caseward.web.card import Notice
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.session import Visitor, only

router = APIRouter()

Keep = Literal["this", "other"]
Reader = Annotated[Visitor, Depends(only(WORK_ON_CASES))]
MOST = 200
"""Messages that are split off at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants put together with what stands in the address."""

    q: str = ""
    """Words by which the other one is sought."""
    other: str = ""
    keep: Keep = "this"
    reason: str = ""
    error: CasewardError | None = None
    """Why it was not done."""


def sought(
    q: Annotated[str, Query(max_length=100)] = "",
    other: Annotated[str, Query(max_length=100)] = "",
    keep: Keep = "this",
) -> Wish:
    """Return what is looked for, and what was chosen."""
    return Wish(q=q.strip(), other=other, keep=keep)


def decided(
    other: Annotated[str, Form(max_length=100)],
    keep: Annotated[Keep, Form()] = "this",
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Wish:
    """Return what was decided."""
    return Wish(other=other, keep=keep, reason=reason)


Sought = Annotated[Wish, Depends(sought)]
Decided = Annotated[Wish, Depends(decided)]


@router.get("/cases/{case_id}/merge")
def choose(request: Request, case_id: str, visitor: Reader, wish: Sought) -> Response:
    """Find the other case, and see what putting the two together would do."""
    return _merge(request, visitor, case_id, wish)


@router.post("/cases/{case_id}/merge")
def merge(request: Request, case_id: Named, visitor: Worker, wish: Decided) -> Response:
    """Put the two together, and go to the one that is kept."""
    with transaction():
        ids = [case_id, casefile.find(wish.other).id]
    kept, gone = ids if wish.keep == "this" else ids[::-1]
    try:
        made = joining.merge(kept, gone, person=visitor.person.id, role=visitor.person.role, reason=wish.reason)
    except (BadInput, Conflict, Refused) as error:
        return _merge(request, visitor, case_id, replace(wish, error=error))
    return RedirectResponse(f"/cases/{kept}?done={made.id}", status_code=303)


@router.get("/cases/{case_id}/split")
def pick(
    request: Request,
    case_id: str,
    visitor: Reader,
    message: Annotated[list[str] | None, Query(max_length=MOST)] = None,
    before: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> Response:
    """Pick the messages that become a case of their own, and see what that would do."""
    return _split(request, visitor, case_id, message or (), before=before)


@router.post("/cases/{case_id}/split")
def split(
    request: Request,
    case_id: Named,
    visitor: Worker,
    message: Annotated[list[str] | None, Form(max_length=MOST)] = None,
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Make a case of the messages, and go to it."""
    try:
        made, opened = joining.split(
            case_id, message or (), person=visitor.person.id, role=visitor.person.role, reason=reason
        )
    except (BadInput, Conflict, Refused) as error:
        return _split(request, visitor, case_id, message or (), reason=reason, error=error)
    return RedirectResponse(f"/cases/{opened.id}?done={made.id}", status_code=303)


@router.post("/merges/{merge_id}/undo")
def undo(
    merge_id: str,
    visitor: Worker,
    next: Next = "/",
) -> Response:
    """Undo what put cases or contacts together, or took a case apart."""
    joining.undo(merge_id, person=visitor.person.id, role=visitor.person.role)
    return back_to(next)


def refused(error: CasewardError | None) -> Notice | None:
    """Return why something was not done, for a page; the word for a command's option is left out."""
    if error is None:
        return None
    text = failures.sentence(str(error).removeprefix("--reason: "))
    return Notice(level="bad", title="This was not done", text=text)


def page(request: Request, visitor: Visitor, wish: Wish, *, what: str, id: str, context: Mapping[str, Any]) -> Response:
    """Return the page on which `what`, a case or a contact, is put together with another one."""
    href, error = f"/{what}s/{id}", wish.error
    told = {"what": what, "back": href, "action": f"{href}/merge", "query": wish.q, "keep": wish.keep,
            "reason": wish.reason, "notice": refused(error), **context}  # fmt: skip
    status = failures.status_of(error) if error else 200
    return render.page(request, "merge.html", told, visitor=visitor, here="/inbox", status=status)


def _merge(request: Request, visitor: Visitor, case_id: str, wish: Wish) -> Response:
    pack = tools.pack()
    with transaction():
        case = casefile.find(case_id)
        other = casefile.find(wish.other) if wish.other else None
        if other is not None and other.id == case.id:
            raise NotFound(f"case #{case.number} cannot be merged into itself")
        context = {
            "of": joined.candidate(case, pack),
            "found": joined.cases(case, wish.q, pack) if other is None else (),
            "preview": joined.of_cases(case, other, keep=wish.keep, person=visitor.person, pack=pack)
            if other
            else None,
            "other": other.id if other else "",
        }
    return page(request, visitor, wish, what="case", id=case.id, context=context)


def _split(
    request: Request, visitor: Visitor, case_id: str, picked: list[str] | tuple[str, ...], *, before: int = 0,
    reason: str = "", error: CasewardError | None = None,
) -> Response:  # fmt: skip
    pack = tools.pack()
    with transaction():
        case = casefile.find(case_id)
        said = conversation.stretch(case.id, before=before)
        names = people.names()
        candidate = joined.candidate(case, pack)
    reader = thread.Reader(name=candidate.name, names=names, calls=None, language=case.language, zone=pack.hours.zone,
                           now=tools.now(), may_open=False)  # fmt: skip
    items = [each for each in thread.thread(said.said, (), reader) if each.kind in ("message", "note")]
    context = {
        "of": candidate,
        "items": items,
        "picked": frozenset(picked),
        "chosen": [each for each in items if each.id in picked],
        "before": before,
        "earlier": f"/cases/{case.id}/split?before={said.earlier}" if said.earlier else "",
        "notice": refused(error),
        "reason": reason,
        "back": f"/cases/{case.id}",
    }
    status = failures.status_of(error) if error else 200
    return render.page(request, "split.html", context, visitor=visitor, here="/inbox", status=status)
