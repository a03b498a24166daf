"""How long what is known of people is kept, what would go next, and a form that proposes other periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.pack import Retention
from caseward.core.roles import Role
from caseward.desk import retention, tools
from caseward.desk.retention import COUNTED, Keeping
from caseward.packs.bounds import DAYS, KEPT_DAYS
from caseward.store import log, people
from caseward.store.db import transaction
from caseward.web import amending, failures, render, words
from caseward.web.amending import PACK
from caseward.web.menu import SettingsItem
from caseward.web.session import NotForRole, Visitor, form_visitor, only

HERE = "/settings/retention"
ROLES = frozenset({Role.ADMIN})
SETTINGS = SettingsItem(href=HERE, label="Retention", order=70, roles=ROLES)
RUNS = 12
KINDS = {
    "messages": ("Conversations", "What was said in a case and what we drafted, from the day it was closed"),
    "attachments": ("Attachments", "Files that came with messages, from the day their case was closed"),
    "contacts": ("Contacts", "Name, addresses and proven identity, from the day their last case was closed"),
    "readings": (
        "Readings",
        "What systems and playbooks said of somebody, from the day it could be relied on no longer",
    ),
    "webhooks": (
        "Raw calls of vendors",
        "What vendors sent and the team typed in its lanes, as it came, once it was read",
    ),
    "sign_ins": ("Sign-ins", "Sessions that ended, tries to sign in or to prove an identity, expired links and codes"),
    "log": ("What the log says", "The words of its entries, except about rules; the entries themselves stay"),
}
"""Kind → its name on screen, and what it is."""

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kind of data."""

    id: str
    name: str
    what: str
    period: str
    oldest: datetime | None
    due: str
    """How many would go at the next run; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A batch that was deleted."""

    at: datetime
    by: str
    text: str


@router.get(HERE)
def shown(request: Request, visitor: Annotated[Visitor, Depends(only(ROLES))]) -> Response:
    """Show what is kept for how long, and what was deleted of late."""
    with transaction():
        lines = [_line(each) for each in retention.keeping()]
        names = people.names()
        runs = [_run(each, names) for each in log.entries(kind="retention", newest_first=True, limit=RUNS)]
    context = {"release": tools.pack().profile.release, "lines": lines, "runs": runs}
    return render.setting(request, "settings_retention.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/edit")
def edit(request: Request, visitor: Annotated[Visitor, Depends(only(ROLES))]) -> Response:
    """Show the form, and what the periods in the address would have deleted at the next run."""
    return _form(request, visitor, request.query_params)


@router.post(f"{HERE}/propose")
def propose(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    given: Annotated[Mapping[str, str], Depends(amending.posted)],
) -> Response:
    """Propose other periods."""
    if visitor.person.role not in ROLES:
        raise NotForRole("this role proposes no other periods")
    try:
        made = amending.draft({PACK: _edits(given)})
        release = amending.propose(made, visitor, base=given.get("base", ""), reason=given.get("reason", ""))
    except (BadInput, Refused, Conflict, NotFound) as error:
        return _form(request, visitor, given, wrong=error)
    return RedirectResponse(f"/knowledge/changes/{release.id}", status_code=303)


def _form(request: Request, visitor: Visitor, given: Mapping[str, str], *, wrong: Exception | None = None) -> Response:
    fields = _fields(given)
    draft, lines, error = None, None, wrong
    if any(kind in given for kind in KINDS):
        try:
            draft = amending.draft({PACK: _edits(given)})
            with transaction():
                lines = [_line(each) for each in retention.keeping(draft.profile.retention)]
        except (BadInput, NotFound) as complaint:
            error = error or complaint
    context: dict[str, Any] = {
        "kinds": KINDS,
        "fields": dict(fields),
        "least": KEPT_DAYS,
        "posted": fields,
        "draft": draft,
        "lines": lines,
        "reason": given.get("reason", ""),
        "notice": amending.complaint(error) if error else None,
    }
    status = failures.status_of(error) if isinstance(error, BadInput | Refused | Conflict | NotFound) else 200
    return render.setting(request, "settings_retention_edit.html", context, visitor=visitor, here=HERE, status=status)


def _fields(given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    periods: Retention = tools.pack().profile.retention
    return [(kind, given.get(kind, str(getattr(periods, kind)))[:8]) for kind in KINDS]


def _edits(given: Mapping[str, str]) -> dict[tuple[str | int, ...], Any]:
    periods = tools.pack().profile.retention
    edits: dict[tuple[str | int, ...], Any] = {}
    for kind, text in _fields(given):
        number, least = text.strip(), KEPT_DAYS[kind]
        good = number.isascii() and number.isdigit() and (int(number) == 0 or least <= int(number) <= DAYS)
        if not good:
            name = KINDS[kind][0]
            raise BadInput(f"{name}: {text!r} is not a number of days from {least} to {DAYS}, or 0 to keep it for ever")
        if int(number) != getattr(periods, kind):
            edits["retention", kind] = int(number)
    return edits


def _line(each: Keeping) -> Line:
    name, what = KINDS[each.kind]
    due = f"more than {COUNTED:,}" if each.due > COUNTED else f"{each.due:,}" if each.due else ""
    return Line(
        id=each.kind,
        name=name,
        what=what,
        period=f"{each.days:,} days" if each.days else "For ever",
        oldest=each.oldest,
        due=due,
    )


def _run(entry: log.Entry, names: Mapping[str, str]) -> Run:
    kind, count = str(entry.payload.get("kind", "")), entry.payload.get("count", 0)
    name = KINDS.get(kind, (words.humane(kind), ""))[0]
    return Run(at=entry.at, by=words.who(entry.actor, names), text=f"{name}: {count:,} deleted")
