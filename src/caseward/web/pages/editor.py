"""Where pages and templates are written: a form, what it changes, what the check says of it, and the proposal.

Whatever is typed is kept for its author at every look, so that no edit is lost. What was begun on a release that is not
current any more is taken over onto the current one, field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.core.pack import Pack
from caseward.core.release import Files
from caseward.core.text import clean
from caseward.desk import candidates, current, library, tools
from caseward.store import candidates as asked
from caseward.store import edits, people, releases
from caseward.store.db import transaction
from caseward.store.edits import Edit
from caseward.web import editing, failures, render, spoken, words
from caseward.web.card import Notice
from caseward.web.editing import KINDS, Look, Subject
from caseward.web.pages.knowledge import HERE, owner_of, today_there
from caseward.web.pages.knowledge import title as title_of
from caseward.web.session import NotForRole, Visitor, form_visitor, only
from caseward.web.shelves import PROPOSERS

Place = Literal["articles", "templates"]
Do = Literal["look", "keep", "propose", "discard", "rebase"]
NEW = "new"

router = APIRouter()


async def fields(request: Request) -> Mapping[str, str]:
    """Return the words that were posted, by the name of their field."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def author(visitor: Annotated[Visitor, Depends(form_visitor)]) -> Visitor:
    """Return who posted, if they propose changes at all; raise NotForRole if not."""
    if visitor.person.role not in PROPOSERS:
        raise NotForRole("changes are proposed by other roles")
    return visitor


Posted = Annotated[Mapping[str, str], Depends(fields)]
Author = Annotated[Visitor, Depends(author)]
Reader = Annotated[Visitor, Depends(only(PROPOSERS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An edit as a page shows it."""

    place: Place
    subject: Subject
    edit: Edit
    candidate: int = 0
    reason: str = ""
    kept: bool = False
    """It was typed before this request, or in it."""
    theirs: Mapping[str, str] = field(default_factory=dict)
    """Of the fields that others changed too, what they wrote."""
    notice: Notice | None = None


@router.get(f"{HERE}/edit/{{place}}/{{id}}")
def edit(request: Request, place: Place, id: str, visitor: Reader) -> Response:
    """Show the form of a page or a template, with what its visitor typed into it before."""
    return _page(request, visitor, _begun(place, id, visitor))


@router.get(f"{HERE}/new/{{place}}")
def new(
    request: Request, place: Place, visitor: Reader, candidate: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Response:
    """Show the form of a page or a template that is not there yet; for a question people asked, with that in it."""
    return _page(request, visitor, _begun(place, "", visitor, candidate=candidate))


@router.post(f"{HERE}/edit/{{place}}/{{id}}")
def save(
    request: Request,
    place: Place,
    id: str,
    visitor: Author,
    posted: Posted,
    do: Annotated[Do, Form()] = "look",
    part: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Look at an edit, keep it, take it over onto the current release, propose it or throw it away."""
    return _done(request, visitor, _begun(place, id, visitor), posted, do, part)


@router.post(f"{HERE}/new/{{place}}")
def save_new(
    request: Request,
    place: Place,
    visitor: Author,
    posted: Posted,
    candidate: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    do: Annotated[Do, Form()] = "look",
    part: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """As `save`, for one that is not there yet."""
    return _done(request, visitor, _begun(place, "", visitor, candidate=candidate), posted, do, part)


@router.post(f"{HERE}/{{place}}/{{id}}/reviewed")
def reviewed(
    request: Request, place: Place, id: str, visitor: Author, reason: Annotated[str, Form(max_length=10_000)] = ""
) -> Response:
    """Propose that a page or a template was read again today, and is right as it stands."""
    return _small(request, visitor, place, id, {"reviewed": str(today_there())}, reason or "Read again, right as it is")


@router.post(f"{HERE}/{{place}}/{{id}}/retire")
def retire(
    request: Request, place: Place, id: str, visitor: Author, reason: Annotated[str, Form(max_length=10_000)] = ""
) -> Response:
    """Propose that a page or a template is used no more."""
    return _small(request, visitor, place, id, {"status": "retired"}, reason)


# --- what the doors do ------------------------------------------------------------------------------------------------


def _begun(place: Place, id: str, visitor: Visitor, *, candidate: int = 0) -> Bench:
    """Return what the visitor has under way, or the form as the current release has it; raise NotFound."""
    pack = tools.pack()
    subject = Subject(kind=KINDS[place][0], id=id, languages=pack.profile.languages)
    with transaction():
        kept = edits.find(visitor.person.id, subject.kind, _key(subject, candidate))
        fresh = _fields(pack, subject)
        if candidate:
            fresh = _for_candidate(fresh, candidate, pack)
    edit = kept or Edit(
        person_id=visitor.person.id,
        kind=subject.kind,
        subject=_key(subject, candidate),
        base=pack.profile.release,
        before={} if not id else fresh,
        fields=fresh,
        at=tools.now(),
    )
    return Bench(place=place, subject=subject, edit=edit, candidate=candidate, kept=kept is not None)


def _key(subject: Subject, candidate: int) -> str:
    return subject.id or (f"{NEW}:{candidate}" if candidate else NEW)


def _fields(pack: Pack, subject: Subject) -> dict[str, str]:
    found = editing.thing(pack, subject.kind, subject.id) if subject.id else None
    return editing.fields_of(subject, found, today=today_there())


def _for_candidate(fresh: dict[str, str], candidate: int, pack: Pack) -> dict[str, str]:
    """Return a new page's fields with what people asked as its phrasings."""
    found = asked.get(candidate)
    seen = asked.sightings_of([candidate], each=20).get(candidate, ())
    said = dict.fromkeys(" ".join(each.text.split())[:200] for each in seen if each.text)
    language = pack.language(found.language)
    return fresh | {f"asked_as.{language}": "\n".join(said), "status": "draft"}


def _done(request: Request, visitor: Visitor, bench: Bench, posted: Mapping[str, str], do: Do, part: str) -> Response:
    person, subject = visitor.person, bench.subject
    if do == "discard":
        with transaction():
            edits.drop(person.id, subject.kind, bench.edit.subject)
        return RedirectResponse(f"{HERE}/{bench.place}/{subject.id}" if subject.id else _list(bench.place), 303)
    base = posted.get("base", "") or bench.edit.base
    bench = replace(bench, reason=clean(posted.get("reason", "")), kept=True)
    try:
        if base != bench.edit.base:  # another tab took it over, or it was proposed and begun anew
            bench = replace(bench, edit=replace(bench.edit, base=base, before=_before(base, subject)))
        typed = editing.typed(subject, posted)
    except (BadInput, NotFound) as error:
        return _page(request, visitor, _refused(bench, error), status=400)
    bench = replace(bench, edit=replace(bench.edit, fields=typed, at=tools.now()))
    if do == "rebase":
        bench = _taken_over(bench)
    with transaction():
        edits.keep(bench.edit)
    if part == "look":
        return render.part("_look.html", _looked(bench))
    if do == "propose":
        try:
            return _propose(visitor, bench)
        except (BadInput, Refused, Conflict) as error:
            return _page(request, visitor, _refused(bench, error), status=failures.status_of(error))
    return _page(request, visitor, bench)


def _propose(visitor: Visitor, bench: Bench) -> Response:
    person = visitor.person.id
    with transaction():
        files = releases.files(bench.edit.base)
        _require_current(bench)
        _path, after = editing.proposal(bench.subject, files, bench.edit.before, bench.edit.fields)
        release = propose(after, author=person, reason=bench.reason)
        edits.drop(person, bench.subject.kind, bench.edit.subject)
        if bench.candidate:
            candidates.drafted(bench.candidate, person=person, release=release)
    return RedirectResponse(f"{HERE}/changes/{release}", status_code=303)


def propose(files: Files, *, author: str, reason: str) -> str:
    """Propose files under the next id of today that is free; return it. Needs an open transaction."""
    return library.propose(files, author=author, reason=reason, release=library.free_id(f"{today_there()}.1")).id


def _require_current(bench: Bench) -> None:
    now = releases.current()
    if now is not None and now.release != bench.edit.base:
        raise Conflict(f"release {now.release} became current since you began; take your edit over onto it first")


def _small(
    request: Request, visitor: Visitor, place: Place, id: str, changed: Mapping[str, str], reason: str
) -> Response:
    """Propose a change of one field; what cannot be proposed is shown in the form, with the reason."""
    pack = tools.pack()
    subject = Subject(kind=KINDS[place][0], id=id, languages=pack.profile.languages)
    before = _fields(pack, subject)
    edit = Edit(person_id=visitor.person.id, kind=subject.kind, subject=id, base=pack.profile.release, before=before,
                fields={**before, **changed}, at=tools.now())  # fmt: skip
    bench = Bench(place=place, subject=subject, edit=edit, reason=clean(reason))
    try:
        with transaction():
            kept = edits.find(visitor.person.id, subject.kind, id)
        if kept is not None:
            raise Conflict("you have an edit of it under way; propose it or throw it away first")
        return _propose(visitor, bench)
    except (BadInput, Refused, Conflict) as error:
        with transaction():
            own = edits.find(visitor.person.id, subject.kind, id)
        bench = replace(bench, edit=own) if own is not None else bench
        return _page(request, visitor, _refused(bench, error), status=failures.status_of(error))


def _before(base: str, subject: Subject) -> dict[str, str]:
    """Return the fields as a release has them; raise NotFound for one that is not there."""
    if not subject.id:
        return {}
    with transaction():
        pack = tools.pack() if base == tools.pack().profile.release else current.of_release(base)
    if pack is None:
        raise NotFound(f"there is no release {base}")
    return _fields(pack, subject)


def _taken_over(bench: Bench) -> Bench:
    """Return an edit on the current release: what its author changed stays, and what others did is there too."""
    pack = tools.pack()
    theirs = _fields(pack, bench.subject) if bench.subject.id else {}
    mine, both = editing.merge(bench.edit.fields, bench.edit.before, theirs) if theirs else (bench.edit.fields, {})
    edit = replace(bench.edit, base=pack.profile.release, before=theirs, fields=mine)
    text = "Nobody else had changed it." if not both else "Others changed some of the same fields; see below each."
    return replace(
        bench, edit=edit, theirs=both, notice=Notice(level="info", title=f"Taken over onto {edit.base}", text=text)
    )


def _refused(bench: Bench, error: CasewardError) -> Bench:
    text = f"{failures.sentence(str(error).removeprefix('reason: '))} Your edit is kept."
    return replace(bench, notice=Notice(level="bad", title="This was not proposed", text=text))


def _list(place: Place) -> str:
    return HERE if place == "articles" else f"{HERE}/{place}"


# --- the page ---------------------------------------------------------------------------------------------------------


def _looked(bench: Bench, *, checked: bool = True) -> dict[str, Any]:
    """Return what an edit comes to: how it differs, what the check says where it is asked, and how it will be said."""
    wrong, seen = "", Look()
    try:
        with transaction():
            before = releases.files(bench.edit.base)
        path, after = editing.proposal(bench.subject, before, bench.edit.before, bench.edit.fields)
        seen = editing.look(before, after, path, checked=checked)
    except (BadInput, NotFound) as error:
        wrong = failures.sentence(str(error))
    said = spoken.said(tools.pack(), bench.subject, bench.edit.fields, now=tools.now())
    return {"look": seen, "wrong": wrong, "said": said, "kept_at": bench.edit.at if bench.kept else None}


def _page(request: Request, visitor: Visitor, bench: Bench, *, status: int = 200) -> Response:
    subject, edit, pack = bench.subject, bench.edit, tools.pack()
    with transaction():
        now = releases.current()
        names = people.names()
        found = asked.get(bench.candidate) if bench.candidate else None
    changed = edit.fields != edit.before if subject.id else bench.kept
    if changed:
        look = _looked(bench, checked=request.method == "POST")
    else:
        told = spoken.said(pack, subject, edit.fields, now=tools.now())
        look = {"look": Look(), "wrong": "", "said": told, "kept_at": None}
    page = pack.articles.get(subject.id) if subject.kind == "article" else None
    title = title_of(page) if page is not None else subject.id or f"New {subject.kind}"
    owners = sorted({each.owner for each in pack.articles.values()} | {each.owner for each in pack.templates.values()})
    context = {
        **look,
        "place": bench.place,
        "subject": subject,
        "title": title,
        "action": f"{HERE}/edit/{bench.place}/{subject.id}" if subject.id else _new_action(bench),
        "back": f"{HERE}/{bench.place}/{subject.id}" if subject.id else _list(bench.place),
        "edit": edit,
        "languages": {each: words.language(each) for each in subject.languages},
        "texts": editing.TEXTS[subject.kind],
        "lists": editing.LISTS,
        "plain": [name for name in editing.PLAIN[subject.kind] if name != "status"],
        "statuses": editing.STATUSES[subject.kind],
        "label": editing.label,
        "dates": editing.DATES,
        "owners": {each: owner_of(each, names) for each in owners},
        "bench": bench,
        "candidate": found,
        "stale": now.release if now is not None and now.release != edit.base else "",
    }
    return render.page(request, "article_edit.html", context, visitor=visitor, here=HERE, status=status)


def _new_action(bench: Bench) -> str:
    return f"{HERE}/new/{bench.place}" + (f"?candidate={bench.candidate}" if bench.candidate else "")
