"""What is promised by when, who decides what, and a form that proposes other targets with how they would have gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.pack import Pack
from caseward.desk import tools
from caseward.store.db import transaction
from caseward.web import amending, failures, render, targets, words
from caseward.web.amending import PROPOSERS
from caseward.web.menu import SettingsItem
from caseward.web.session import Visitor, form_visitor, only
from caseward.web.trying import READERS

HERE = "/settings/targets"
SETTINGS = SettingsItem(href=HERE, label="Targets", order=22, roles=READERS)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneShown:
    """A lane of consent."""

    title: str
    who: str
    minutes: int
    to: str
    """Lane that an escalated request goes to; empty for the same."""


@router.get(HERE)
def shown(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show the targets, how they were kept of late, and the lanes."""
    pack = tools.pack()
    with transaction():
        kept = targets.outcomes(pack, pack.profile.sla)
    context = {
        "release": pack.profile.release,
        "groups": targets.groups(pack, {}),
        "kept": kept,
        "lanes": _lanes(pack),
        "may": visitor.person.role in PROPOSERS,
    }
    return render.setting(request, "settings_targets.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/edit")
def edit(request: Request, visitor: Annotated[Visitor, Depends(only(PROPOSERS))]) -> Response:
    """Show the form, and what the targets in the address would have changed."""
    return _form(request, visitor, request.query_params)


@router.post(f"{HERE}/propose")
def propose(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    given: Annotated[Mapping[str, str], Depends(amending.posted)],
) -> Response:
    """Propose other targets."""
    amending.require_proposer(visitor)
    pack = tools.pack()
    try:
        made = amending.draft(targets.edits(targets.groups(pack, given), pack))
        release = amending.propose(made, visitor, base=given.get("base", ""), reason=given.get("reason", ""))
    except (BadInput, Refused, Conflict, NotFound) as error:
        return _form(request, visitor, given, wrong=error)
    return RedirectResponse(f"/knowledge/changes/{release.id}", status_code=303)


def _form(request: Request, visitor: Visitor, given: Mapping[str, str], *, wrong: Exception | None = None) -> Response:
    pack = tools.pack()
    groups = targets.groups(pack, given)
    fields = [field for group in groups for field in group.fields]
    draft, outcomes, error = None, None, wrong
    if any(field.name in given for field in fields):
        try:
            draft = amending.draft(targets.edits(groups, pack))
            with transaction():
                outcomes = targets.outcomes(pack, draft.profile.sla)
        except (BadInput, NotFound) as complaint:
            error = error or complaint
    context: dict[str, Any] = {
        "groups": groups,
        "posted": [(field.name, field.value) for field in fields],
        "draft": draft,
        "outcomes": outcomes,
        "reason": given.get("reason", ""),
        "notice": amending.complaint(error) if error else None,
    }
    status = failures.status_of(error) if isinstance(error, BadInput | Refused | Conflict | NotFound) else 200
    return render.setting(request, "settings_targets_edit.html", context, visitor=visitor, here=HERE, status=status)


def _lanes(pack: Pack) -> Sequence[LaneShown]:
    return [
        LaneShown(
            title=words.lane(pack, name),
            who=words.deciders(pack, name) if lane.roles else "Nobody need be asked",
            minutes=lane.expires_minutes if lane.roles else 0,
            to=words.lane(pack, lane.escalates_to) if lane.escalates_to not in ("", name) else "",
        )
        for name, lane in pack.profile.lanes.items()
    ]
