"""One's own account: name, password, second factor, sessions. Each for oneself only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput
from caseward.core.roles import WORK_ON_CASES
from caseward.desk import staff, tools
from caseward.store import factors, guesses, log, passwords, people, proofs, sessions, standings, steps
from caseward.store.db import transaction
from caseward.web import devices, entering, failures, render
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import EVERYONE, Visitor, address_of, cookie_name, form_visitor, only, set_strict_cookie

HERE = "/account"
SETTINGS = SettingsItem(href=HERE, label="Account", order=10, roles=EVERYONE)
DONE = {
    "name": "Your name was changed.",
    "password": "Your password was changed. Your other sessions ended.",
    "factor-off": "The second factor is off.",
    "session": "That session ended.",
    "sessions": "All other sessions ended.",
}
NOT_YOU = "That is neither your password nor a fresh code of your app."

router = APIRouter()
Reader = Annotated[Visitor, Depends(only(EVERYONE))]
Poster = Annotated[Visitor, Depends(form_visitor)]
Proof = Annotated[str, Form(max_length=1000)]


@router.get(HERE)
def show(request: Request, visitor: Reader, done: str = "") -> Response:
    """Show one's own account."""
    notice = Notice(level="ok", title="Done", text=DONE[done], icon="circle-check") if done in DONE else None
    return _page(request, visitor, notice=notice)


@router.post(HERE + "/name")
def name(request: Request, visitor: Poster, name: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """Take another name."""
    try:
        chosen = staff.name_of(name)
    except BadInput as error:
        return _page(request, visitor, notice=_bad("Your name was not changed", str(error)), status=400)
    with transaction():
        people.rename(visitor.person.id, chosen)
        _record(visitor, "name changed")
    return _back("name")


@router.post(HERE + "/password")
def password(
    request: Request,
    visitor: Poster,
    password: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
    proof: Proof = "",
) -> Response:
    """Set or change the password; every other session ends."""
    title = "Your password was not changed"
    refused = _unproved(request, visitor, proof, title)
    if refused is not None:
        return refused
    try:
        if password != again:
            raise BadInput("the two passwords differ; type the same twice")
        hashed = passwords.make(password, person=visitor.person)
    except BadInput as error:
        return _page(request, visitor, notice=_bad(title, str(error)), status=400)
    with transaction():
        passwords.set_for(visitor.person.id, hashed, now=tools.now(), keep=visitor.session)
        _record(visitor, "password set")
    return _back("password")


@router.post(HERE + "/factor/begin")
def begin_factor(request: Request, visitor: Poster, proof: Proof = "") -> Response:
    """Begin to set up a second factor: what the app counts with is made, and kept until the first code."""
    refused = _unproved(request, visitor, proof, "Nothing was set up")
    if refused is not None:
        return refused
    with transaction():
        if factors.of(visitor.person.id).on:
            return _back("")
        token = steps.begin(
            visitor.person.id, method=steps.SET_UP, next=HERE, secret=factors.new_secret(), now=tools.now()
        )
    response = RedirectResponse(f"{HERE}/factor", status_code=303)
    set_strict_cookie(request, response, "set-up", token, max_age=int(steps.LASTS.total_seconds()))
    return response


@router.get(HERE + "/factor")
def set_up(request: Request, visitor: Reader) -> Response:
    """Show what the app reads, and ask for its first code."""
    return _set_up(request, visitor)


@router.post(HERE + "/factor")
def finish_factor(request: Request, visitor: Poster, code: Annotated[str, Form(max_length=100)] = "") -> Response:
    """Take the app's first code: from now on one is asked for at each sign-in."""
    token, step = _waiting(request, visitor)
    if step is None:
        return _back("")
    counted = factors.step_of(step.secret, code, now=tools.now())
    if counted is None:
        with transaction():
            steps.fail(token)
        text = "this code is not right. See that the phone’s clock is, and type the code it shows now"
        return _set_up(request, visitor, notice=_bad("Not set up yet", text), status=400)
    with transaction():
        if not steps.finish(token) or factors.of(visitor.person.id).on:
            return _back("")
        codes = factors.turn_on(visitor.person.id, step.secret, step=counted)
        _record(visitor, "second factor set up")
    return _codes(request, visitor, codes, title="Second factor is on")


@router.post(HERE + "/factor/off")
def drop_factor(request: Request, visitor: Poster, proof: Proof = "") -> Response:
    """Do without a second factor, unless the role needs one."""
    title = "The second factor stays on"
    if visitor.person.role in _required(request):
        return _page(request, visitor, notice=_bad(title, "your role needs one"), status=403)
    refused = _unproved(request, visitor, proof, title)
    if refused is not None:
        return refused
    with transaction():
        if factors.turn_off(visitor.person.id):
            _record(visitor, "second factor removed")
    return _back("factor-off")


@router.post(HERE + "/codes")
def new_codes(request: Request, visitor: Poster, proof: Proof = "") -> Response:
    """Make new recovery codes; the old ones are dead."""
    refused = _unproved(request, visitor, proof, "The old codes hold")
    if refused is not None:
        return refused
    with transaction():
        if not factors.of(visitor.person.id).on:
            return _back("")
        codes = factors.new_codes(visitor.person.id)
        _record(visitor, "recovery codes made")
    return _codes(request, visitor, codes, title="New recovery codes")


@router.post(HERE + "/sessions/end")
def end_session(visitor: Poster, session: Annotated[str, Form(max_length=sessions.ID)] = "") -> Response:
    """End one session of one's own."""
    with transaction():
        sessions.end(visitor.person.id, session, now=tools.now())
        _record(visitor, "session ended")
    return _back("session")


@router.post(HERE + "/sessions/end-others")
def end_others(visitor: Poster) -> Response:
    """End every session but this one."""
    with transaction():
        ended = sessions.end_all(visitor.person.id, now=tools.now(), but=visitor.session)
        _record(visitor, "other sessions ended", sessions=ended)
    return _back("sessions")


def _unproved(request: Request, visitor: Visitor, proof: str, title: str) -> Response | None:
    """Return the page that says why a sensitive change was not made; None where the person showed who they are."""
    try:
        shown = proofs.again(
            visitor.person.id, proof, signed_in_at=visitor.since, address=address_of(request), now=tools.now()
        )
    except guesses.TooMany as error:
        notice = entering.too_many(error, whose=visitor.person.id, title=title)
        return _page(request, visitor, notice=notice, status=429)
    if shown:
        return None
    with transaction():
        has_either = _provable(visitor)
    text = NOT_YOU if has_either else "Sign out, sign in again, and do it within ten minutes."
    return _page(request, visitor, notice=_bad(title, text), status=403)


def _waiting(request: Request, visitor: Visitor) -> tuple[str, steps.Step | None]:
    """Return the set-up that this browser has begun for this person."""
    token = request.cookies.get(cookie_name(request, "set-up"), "")
    with transaction():
        step = steps.find(token, now=tools.now()) if token else None
    own = step is not None and step.method == steps.SET_UP and step.person.id == visitor.person.id
    return token, step if own else None


def _set_up(request: Request, visitor: Visitor, *, notice: Notice | None = None, status: int = 200) -> Response:
    _token, step = _waiting(request, visitor)
    if step is None:
        return RedirectResponse(HERE, status_code=303)
    context = {
        "notice": notice,
        "picture": entering.picture(step.secret, visitor.person),
        "secret": entering.grouped(step.secret),
    }
    return render.setting(request, "account_factor.html", context, visitor=visitor, here=HERE, status=status)


def _codes(request: Request, visitor: Visitor, codes: Sequence[str], *, title: str) -> Response:
    context = {"codes": codes, "title": title}
    return render.setting(request, "account_codes.html", context, visitor=visitor, here=HERE)


def _page(request: Request, visitor: Visitor, *, notice: Notice | None = None, status: int = 200) -> Response:
    now, person = tools.now(), visitor.person
    with transaction():
        open_ = sessions.of(person.id, now=now)
        context = {
            "notice": notice,
            "standing": standings.of(person.id, now=now),
            "factor": factors.of(person.id),
            "available": people.is_available(person.id),
            "gets_cases": person.role in WORK_ON_CASES,
            "devices": [
                (each, devices.device(each.agent), devices.way(each.method), each.id == visitor.session)
                for each in open_
            ],
            "provable": _provable(visitor),
            "needed": person.role in _required(request),
            "minimum": passwords.MINIMUM,
        }
    return render.setting(request, "account.html", context, visitor=visitor, here=HERE, status=status)


def _provable(visitor: Visitor) -> bool:
    return bool(passwords.stored(visitor.person.id)) or factors.of(visitor.person.id).on


def _required(request: Request) -> Sequence[str]:
    required: Sequence[str] = request.app.state.settings.require_second_factor
    return required


def _record(visitor: Visitor, what: str, **more: int) -> None:
    log.append("sign_in", visitor.person.id, {"what": what, **more}, at=tools.now())


def _bad(title: str, text: str) -> Notice:
    return Notice(level="bad", title=title, text=failures.sentence(text))


def _back(done: str) -> Response:
    return RedirectResponse(f"{HERE}?done={done}" if done else HERE, status_code=303)
