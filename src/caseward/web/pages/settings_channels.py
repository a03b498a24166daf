"""The channels: on or why not, their lines, who is let in, and where the team reads its lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused, SystemDown, Undeliverable
from caseward.core.roles import Role
from caseward.desk import lanes as lane_room
from caseward.desk import reception, tools
from caseward.flows import testing_lines
from caseward.store import admissions, people
from caseward.store import lanes as lane_store
from caseward.store.admissions import Admission
from caseward.store.db import transaction
from caseward.web import amending, failures, judged, render, wired, words
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import NotForRole, Visitor, form_visitor, only

HERE = "/settings/channels"
ROLES = frozenset({Role.OPS_LEAD, Role.ADMIN})
SETTINGS = SettingsItem(href=HERE, label="Channels", order=50, roles=ROLES)
LISTED = 50
STATES = {"asked": ("Asks to be let in", "warn"), "admitted": ("Let in", "ok"), "refused": ("Refused", "bad")}

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An address, and how it stands."""

    address: str
    state: str
    level: str
    by: str
    at: Any
    verbs: Sequence[tuple[str, str]]
    """What can be done: the word that is posted, and what the button says."""


def doorkeeper(visitor: Annotated[Visitor, Depends(form_visitor)]) -> Visitor:
    """Return who posted, if channels are theirs to look after; raise NotForRole if not."""
    if visitor.person.role not in ROLES:
        raise NotForRole("this role does not look after channels")
    return visitor


@router.get(HERE)
def every(request: Request, visitor: Annotated[Visitor, Depends(only(ROLES))]) -> Response:
    """Show every channel, and where the lanes are read."""
    with transaction():
        names = people.names()
        bound = [(words.humane(each.lane), words.channel(each.channel), each.chat, words.who(each.by, names))
                 for each in lane_store.bound()]  # fmt: skip
        linked = [(names.get(each.person_id, each.person_id), words.channel(each.channel))
                  for each in lane_store.handles_of()]  # fmt: skip
        lines = wired.lines(request.app.state.settings)
    context = {"lines": lines, "bound": bound, "linked": linked}
    return render.setting(request, "settings_channels.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/{{channel}}")
def one(request: Request, channel: str, visitor: Annotated[Visitor, Depends(only(ROLES))]) -> Response:
    """Show one channel: its line, who is let in, the wording its vendor approved."""
    return _one(request, visitor, channel)


@router.post(f"{HERE}/{{channel}}/admission")
def admission(
    request: Request,
    channel: str,
    visitor: Annotated[Visitor, Depends(doorkeeper)],
    word: Annotated[str, Form(max_length=20)] = "",
    address: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Let an address in, or not."""
    _require(channel)
    person = visitor.person
    verbs = {"admit": reception.admit, "refuse": reception.refuse}
    try:
        if word not in verbs:
            raise BadInput(f"there is no word {word!r}; an address is admitted or refused")
        with transaction():
            verbs[word](channel, address, by=person.id, role=person.role)
    except (BadInput, Refused) as error:
        return _one(request, visitor, channel, wrong=error)
    return RedirectResponse(f"{HERE}/{channel}", status_code=303)


@router.post(f"{HERE}/{{channel}}/code")
def code(request: Request, channel: str, visitor: Annotated[Visitor, Depends(doorkeeper)]) -> Response:
    """Make a code that lets one contact in; it is shown in this answer and never again."""
    _require(channel)
    person = visitor.person
    try:
        with transaction():
            made = reception.invite(channel, by=person.id, role=person.role)
    except (BadInput, Refused) as error:
        return _one(request, visitor, channel, wrong=error)
    text = f"{made} lets one contact in, once, within {reception.CODE_LASTS.days} days. It is shown this once."
    return _one(request, visitor, channel, notice=Notice(level="ok", title="A code", text=text, icon="check"))


@router.post(f"{HERE}/{{channel}}/link")
def link(request: Request, channel: str, visitor: Annotated[Visitor, Depends(doorkeeper)]) -> Response:
    """Make a code that links the visitor's own chat; it is shown in this answer and never again."""
    line = _find(request, channel)
    if not line.reaches_team:
        return _one(
            request, visitor, channel, wrong=BadInput(f"{line.name} reaches no team, so no chat is linked there")
        )
    with transaction():
        made = lane_room.invite(visitor.person.id, channel, by=visitor.person.id)
    text = f"Write /link {made} to the bot, in a direct message, within a day. It is shown this once."
    return _one(request, visitor, channel, notice=Notice(level="ok", title="Link your chat", text=text, icon="check"))


@router.post(f"{HERE}/{{channel}}/test")
def send_test(
    request: Request,
    channel: str,
    visitor: Annotated[Visitor, Depends(doorkeeper)],
    address: Annotated[str, Form(max_length=testing_lines.ADDRESS_CHARS)] = "",
) -> Response:
    """Send a test message, once, to the visitor's own address or another one; the answer says what became of it."""
    _require(channel)
    try:
        testing_lines.send_test(channel, address, person=visitor.person.id, role=visitor.person.role)
    except (BadInput, Conflict, Refused, SystemDown, Undeliverable) as error:
        return _one(request, visitor, channel, wrong=error, typed=address)
    notice = Notice(level="ok", title="The vendor took it", text="Look whether it arrived.", icon="check")
    return _one(request, visitor, channel, notice=notice, typed=address)


@router.post(f"{HERE}/{{channel}}/wording")
def wording(request: Request, channel: str, visitor: Annotated[Visitor, Depends(doorkeeper)]) -> Response:
    """Ask the vendor how it judges our wording."""
    _require(channel)
    try:
        testing_lines.look_at_wording(channel, person=visitor.person.id, role=visitor.person.role)
    except (BadInput, Refused, SystemDown) as error:
        return _one(request, visitor, channel, wrong=error)
    return RedirectResponse(f"{HERE}/{channel}#approved", status_code=303)


def _one(
    request: Request,
    visitor: Visitor,
    channel: str,
    *,
    notice: Notice | None = None,
    wrong: CasewardError | None = None,
    typed: str = "",
) -> Response:
    line = _find(request, channel)
    with transaction():
        names = people.names()
        listed = [_asked(each, names) for each in admissions.listed(channel, limit=LISTED)]
        look = judged.look(channel, tools.pack())
        address = typed or judged.own_address(channel, visitor.person)
    if wrong is not None:
        notice = replace(amending.complaint(wrong), title="This was not done")
    context = {"line": line, "listed": listed, "notice": notice, "most": LISTED, "look": look, "address": address}
    status = failures.status_of(wrong) if wrong else 200
    return render.setting(request, "settings_channel.html", context, visitor=visitor, here=HERE, status=status)


def _require(channel: str) -> None:
    if channel not in tools.given().along:
        raise NotFound(f"there is no channel {channel!r}")


def _find(request: Request, channel: str) -> wired.Line:
    _require(channel)
    with transaction():
        return next(each for each in wired.lines(request.app.state.settings) if each.id == channel)


def _asked(each: Admission, names: Mapping[str, str]) -> Asked:
    state, level = STATES.get(each.state, (words.humane(each.state), ""))
    verbs = [("admit", "Let in")] if each.state != admissions.ADMITTED else []
    verbs += [("refuse", "Refuse")] if each.state != admissions.REFUSED else []
    by = words.who(each.by, names) if each.by else ""
    return Asked(address=each.address, state=state, level=level, by=by, at=each.at, verbs=verbs)
