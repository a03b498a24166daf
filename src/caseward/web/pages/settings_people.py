"""People of the house: who they are, what they may be, and what to do when somebody comes, goes or is locked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict
from caseward.core.roles import Role
from caseward.core.text import clean
from caseward.desk import letters, staff, tools
from caseward.store import standings
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.store.standings import Standing
from caseward.web import failures, render
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import NotForRole, Visitor, form_visitor, only

HERE = "/settings/people"
READERS = frozenset({Role.ADMIN, Role.OPS_LEAD})
SETTINGS = SettingsItem(href=HERE, label="People", order=50, roles=READERS)
DONE = {
    "role": "The role was changed. It holds at once, everywhere.",
    "shut": "They are signed out everywhere and cannot come in.",
    "open": "They can sign in again.",
    "sessions": "They are signed out everywhere.",
    "factor": "The second factor was removed, and they are signed out everywhere.",
}

router = APIRouter()
Reader = Annotated[Visitor, Depends(only(READERS))]
Poster = Annotated[Visitor, Depends(form_visitor)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A link that was just made, for somebody to be given."""

    person: Person
    link: str
    """Empty where it went by mail."""
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What somebody has typed into the invitation so far."""

    name: str = ""
    email: str = ""
    role: str = Role.AGENT


@router.get(HERE)
def everybody(request: Request, visitor: Reader) -> Response:
    """List the people, with a form to invite another."""
    return _list(request, visitor)


@router.post(HERE)
def invite(
    request: Request,
    visitor: Poster,
    name: Annotated[str, Form(max_length=1000)] = "",
    email: Annotated[str, Form(max_length=254)] = "",
    role: Annotated[Role, Form()] = Role.AGENT,
) -> Response:
    """Invite somebody: a mail with a link, or the link to hand over."""
    _require(visitor)
    try:
        with transaction():
            person, token = staff.invite(name, clean(email), role, by=visitor.person)
    except BadInput as error:
        notice = Notice(level="bad", title="Nobody was invited", text=failures.sentence(str(error)))
        filled = Filled(name=clean(name), email=clean(email), role=role)
        return _list(request, visitor, notice=notice, filled=filled, status=400)
    return _list(request, visitor, handed=_hand(person, token, "invite", by=visitor.person))


@router.get(HERE + "/{person_id}")
def somebody(request: Request, person_id: str, visitor: Reader, done: str = "") -> Response:
    """Show one person and what can be done about them."""
    notice = Notice(level="ok", title="Done", text=DONE[done], icon="circle-check") if done in DONE else None
    return _person(request, visitor, person_id, notice=notice)


@router.post(HERE + "/{person_id}/role")
def role(request: Request, person_id: str, visitor: Poster, role: Annotated[Role, Form()]) -> Response:
    """Give a person another role."""
    return _do(request, visitor, person_id, "role", lambda: staff.change_role(person_id, role, by=visitor.person))


@router.post(HERE + "/{person_id}/disable")
def disable(request: Request, person_id: str, visitor: Poster) -> Response:
    """Shut a person out."""
    return _do(request, visitor, person_id, "shut", lambda: staff.shut_out(person_id, by=visitor.person))


@router.post(HERE + "/{person_id}/enable")
def enable(request: Request, person_id: str, visitor: Poster) -> Response:
    """Let a person in again."""
    return _do(request, visitor, person_id, "open", lambda: staff.let_in_again(person_id, by=visitor.person))


@router.post(HERE + "/{person_id}/sessions")
def end_sessions(request: Request, person_id: str, visitor: Poster) -> Response:
    """End every session of a person."""
    return _do(request, visitor, person_id, "sessions", lambda: staff.end_sessions(person_id, by=visitor.person))


@router.post(HERE + "/{person_id}/factor")
def remove_factor(
    request: Request, person_id: str, visitor: Poster, reason: Annotated[str, Form(max_length=5_000)] = ""
) -> Response:
    """Take a lost second factor off a person."""
    return _do(request, visitor, person_id, "factor", lambda: staff.remove_factor(person_id, reason, by=visitor.person))


@router.post(HERE + "/{person_id}/reset")
def reset(request: Request, person_id: str, visitor: Poster) -> Response:
    """Make a link by which a person chooses another password."""
    return _hand_out(request, visitor, person_id, "reset", staff.reset)


@router.post(HERE + "/{person_id}/invite")
def invite_again(request: Request, person_id: str, visitor: Poster) -> Response:
    """Make another invitation for a person who never came in."""
    return _hand_out(request, visitor, person_id, "invite", staff.invite_again)


def _do(request: Request, visitor: Visitor, person_id: str, done: str, act: Callable[[], object]) -> Response:
    _require(visitor)
    try:
        with transaction():
            act()
    except (BadInput, Conflict) as error:
        notice = Notice(level="bad", title="Nothing was changed", text=failures.sentence(str(error)))
        return _person(request, visitor, person_id, notice=notice, status=failures.status_of(error))
    return RedirectResponse(f"{HERE}/{person_id}?done={done}", status_code=303)


def _hand_out(
    request: Request, visitor: Visitor, person_id: str, kind: str, make: Callable[..., tuple[Person, str]]
) -> Response:
    _require(visitor)
    try:
        with transaction():
            person, token = make(person_id, by=visitor.person)
    except Conflict as error:
        notice = Notice(level="bad", title="No link was made", text=failures.sentence(str(error)))
        return _person(request, visitor, person_id, notice=notice, status=409)
    return _person(request, visitor, person_id, handed=_hand(person, token, kind, by=visitor.person))


def _hand(person: Person, token: str, kind: str, *, by: Person) -> Handed:
    """Send a link by mail, or have it shown."""
    link = f"{tools.given().console}/sign-in/{token}"
    lasts = staff.INVITED_FOR if kind == "invite" else staff.RESET_FOR
    until = render.shown_at(tools.now() + lasts)
    house = tools.pack().profile.title
    words = {"house": house, "person": person, "link": link, "until": until, "zone": tools.pack().profile.timezone}
    text = render.environment().get_template(f"mail_{kind}.txt").render(words)
    subject = f"Your way into {house}" if kind == "invite" else f"A new password for {house}"
    sent = letters.send(
        letters.Kind(kind), token, person.email, subject=subject, text=text, by=by.id, role=by.role,
        about={"person": person.id, "name": person.name},
    )  # fmt: skip
    return Handed(person=person, link="" if sent else link, until=until)


def _require(visitor: Visitor) -> None:
    if visitor.person.role not in staff.LOOKS_AFTER:
        raise NotForRole("this role looks after nobody")


def _list(
    request: Request,
    visitor: Visitor,
    *,
    notice: Notice | None = None,
    handed: Handed | None = None,
    filled: Filled | None = None,
    status: int = 200,
) -> Response:
    with transaction():
        found = standings.every(now=tools.now())
    context = {
        "people": [(standing, state_of(standing)) for standing in found],
        "notice": notice,
        "handed": handed,
        "filled": filled or Filled(),
        **_rights(visitor),
    }
    return render.setting(request, "people.html", context, visitor=visitor, here=HERE, status=status)


def _person(
    request: Request,
    visitor: Visitor,
    person_id: str,
    *,
    notice: Notice | None = None,
    handed: Handed | None = None,
    status: int = 200,
) -> Response:
    with transaction():
        standing = standings.of(person_id, now=tools.now())
    context = {"standing": standing, "state": state_of(standing), "notice": notice, "handed": handed}
    return render.setting(
        request, "person.html", {**context, **_rights(visitor)}, visitor=visitor, here=HERE, status=status
    )


def _rights(visitor: Visitor) -> dict[str, object]:
    return {"may": visitor.person.role in staff.LOOKS_AFTER, "roles": list(Role)}


def state_of(standing: Standing) -> tuple[str, str, str]:
    """Return how somebody stands in words, with a level and an icon."""
    if standing.person.disabled:
        return "Shut out", "bad", "user-x"
    if standing.has_password or standing.provider or standing.seen_at or standing.person.sample:
        return "Active", "ok", "circle-check"
    if standing.invited_until:
        return "Invited", "info", "clock"
    return "Invitation expired", "warn", "triangle-alert"
