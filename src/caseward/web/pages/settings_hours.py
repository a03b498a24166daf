"""When the house is open: the week, the closed days, and a form that proposes others with what they would change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.pack import Profile
from caseward.desk import tools
from caseward.packs.closures import closures
from caseward.store import promised
from caseward.store.db import transaction
from caseward.web import amending, failures, render, week
from caseward.web.amending import PACK, PROPOSERS
from caseward.web.menu import SettingsItem
from caseward.web.session import Visitor, form_visitor, only
from caseward.web.trying import READERS

HERE = "/settings/hours"
SETTINGS = SettingsItem(href=HERE, label="Hours", order=21, roles=READERS)
CLOSED_AHEAD = 365
LONGEST = 4000
"""Characters of a field."""
_SPAN = re.compile(r"\d{1,2}:\d{2}\s*(?:-|–|to)\s*\d{1,2}:\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

router = APIRouter()


@router.get(HERE)
def hours(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show the week, and the next days on which the house is closed."""
    pack, now = tools.pack(), tools.now()
    today = now.astimezone(pack.hours.zone).date()
    context = {
        "release": pack.profile.release,
        "profile": pack.profile,
        "week": week.days(pack.hours),
        "total": week.total(pack.hours),
        "open": pack.hours.is_open(now),
        "closed": closures(pack.profile, pack.hours, today, CLOSED_AHEAD),
        "may": visitor.person.role in PROPOSERS,
    }
    return render.setting(request, "settings_hours.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/edit")
def edit(request: Request, visitor: Annotated[Visitor, Depends(only(PROPOSERS))]) -> Response:
    """Show the form, and what the hours in the address would change."""
    return _form(request, visitor, request.query_params)


@router.post(f"{HERE}/propose")
def propose(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    given: Annotated[Mapping[str, str], Depends(amending.posted)],
) -> Response:
    """Propose other hours."""
    amending.require_proposer(visitor)
    try:
        made = amending.draft({PACK: _edits(tools.pack().profile, given)})
        release = amending.propose(made, visitor, base=given.get("base", ""), reason=given.get("reason", ""))
    except (BadInput, Refused, Conflict, NotFound) as error:
        return _form(request, visitor, given, wrong=error)
    return RedirectResponse(f"/knowledge/changes/{release.id}", status_code=303)


def _form(request: Request, visitor: Visitor, given: Mapping[str, str], *, wrong: Exception | None = None) -> Response:
    pack, now = tools.pack(), tools.now()
    fields = _fields(pack.profile, given)
    draft, effect = None, None
    error = wrong
    if any(name in given for name, _ in fields):
        try:
            draft = amending.draft({PACK: _edits(pack.profile, given)})
            with transaction():
                running = promised.running(now)
            effect = week.effect(pack.hours, draft.hours, draft.profile, running, now)
        except (BadInput, NotFound) as complaint:
            error = error or complaint
    context: dict[str, Any] = {
        "fields": dict(fields),
        "posted": fields,
        "days": week.DAYS,
        "draft": draft,
        "effect": effect,
        "reason": given.get("reason", ""),
        "ahead": week.AHEAD,
        "notice": amending.complaint(error) if error else None,
    }
    status = failures.status_of(error) if isinstance(error, BadInput | Refused | Conflict | NotFound) else 200
    return render.setting(request, "settings_hours_edit.html", context, visitor=visitor, here=HERE, status=status)


def _fields(profile: Profile, given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return the form's fields as they were filled in, or as the pack says."""
    own = {
        "zone": profile.timezone,
        **{day: ", ".join(profile.hours.get(day, ())) for day in week.DAYS},
        "country": profile.holidays.country,
        "closed": "\n".join(map(str, sorted(profile.holidays.closed))),
        "opened": "\n".join(map(str, sorted(profile.holidays.open))),
    }
    return [(name, given.get(name, value)[:LONGEST]) for name, value in own.items()]


def _edits(profile: Profile, given: Mapping[str, str]) -> dict[tuple[str | int, ...], Any]:
    """Return what the form says that the pack does not; raise BadInput for what cannot be read."""
    fields = dict(_fields(profile, given))
    edits: dict[tuple[str | int, ...], Any] = {}
    if (zone := fields["zone"].strip()) != profile.timezone:
        edits["timezone",] = zone
    for day, name in week.DAYS.items():
        spans = _spans(name, fields[day])
        if spans != list(profile.hours.get(day, ())):
            edits["hours", day] = spans or None
    if not any(fields[day].strip() for day in week.DAYS):
        raise BadInput("the house would never be open; open it on one day at least")
    if (country := fields["country"].strip().upper()) != profile.holidays.country:
        edits["holidays", "country"] = country or None
    for name, key, own in (("closed", "closed", profile.holidays.closed), ("opened", "open", profile.holidays.open)):
        days = _days(fields[name])
        if days != sorted(own):
            edits["holidays", key] = days or None
    return edits


def _spans(day: str, text: str) -> list[str]:
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        if not _SPAN.fullmatch(part):
            raise BadInput(f"{day}: {part!r} is no span; write 09:00-18:00, several with commas, nothing for closed")
        found.append("-".join(each.strip().zfill(5) for each in re.split(r"-|–|to", part)))
    return found


def _days(text: str) -> list[date]:
    found = set()
    for part in filter(None, re.split(r"[\s,]+", text)):
        try:
            if not _DAY.fullmatch(part):
                raise ValueError
            found.add(date.fromisoformat(part))
        except ValueError:
            raise BadInput(f"{part!r} is no day; write days as {_example()}, one a line") from None
    return sorted(found)


def _example() -> str:
    return (tools.now().date() + timedelta(days=30)).isoformat()
