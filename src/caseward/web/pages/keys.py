"""How somebody likes to work: keys, the menu, how long their own consent is held. For themselves only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput
from caseward.store import preferences
from caseward.store.db import transaction
from caseward.store.preferences import LONGEST_HOLD, Preferences
from caseward.web import failures, keys, menu, render
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.session import EVERYONE, Visitor, form_visitor, local_path, only

HERE = "/settings/keys"
SETTINGS = SettingsItem(href=HERE, label="Keys", order=15, roles=EVERYONE)
HOLDS = (0, 10, 15, 20, 30)
"""Seconds that can be chosen; none keeps to policy."""

router = APIRouter()


@router.get(HERE)
def show(
    request: Request, visitor: Annotated[Visitor, Depends(only(EVERYONE))], part: Annotated[str, Query()] = ""
) -> Response:
    """Show the keys and what else can be chosen; with `part`, only the list, for the help sheet."""
    return _page(request, visitor, sheet=bool(part))


async def filled(request: Request) -> dict[str, str]:
    """Return what a form was filled in with: a field an action, whichever there are."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


@router.post(HERE)
def choose(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    given: Annotated[dict[str, str], Depends(filled)],
) -> Response:
    """Keep another key for an action; a key that two would have is refused, and both are named."""
    sheet = given.get("part") == "sheet"
    try:
        chosen = {} if given.get("reset") else keys.changed(given)
        single = bool(given.get("single")) or bool(given.get("reset"))
        seconds = int(given["hold"]) if given.get("hold", "").isdecimal() else None
        if seconds is not None and seconds not in HOLDS:
            raise BadInput(f"hold: choose one of {', '.join(map(str, HOLDS))} seconds")
    except BadInput as error:
        notice = Notice(level="bad", title="Nothing was changed", text=failures.sentence(str(error)))
        return _page(request, visitor, sheet=sheet, given=given, notice=notice, status=400)
    held: dict[str, Any] = {} if seconds is None else {"hold_seconds": seconds}
    with transaction():
        preferences.change(visitor.person.id, keys=chosen, single_keys=single, **held)
    if sheet:
        return _page(request, visitor, sheet=True, saved=True)
    return RedirectResponse(f"{HERE}?saved=1", status_code=303)


@router.post("/shell")
def shell(
    visitor: Annotated[Visitor, Depends(form_visitor)],
    menu: Annotated[str, Form()] = "",
    file: Annotated[str, Form()] = "",
    back: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Remember whether the menu is narrow, or the case file put away."""
    chosen: dict[str, Any] = {}
    if menu:
        chosen["narrow_menu"] = menu == "narrow"
    if file:
        chosen["hidden_file"] = file == "hidden"
    with transaction():
        preferences.change(visitor.person.id, **chosen)
    return RedirectResponse(local_path(back), status_code=303)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    sheet: bool = False,
    given: dict[str, str] | None = None,
    notice: Notice | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    with transaction():
        mine: Preferences = preferences.of(visitor.person.id)
    context = {
        "lines": keys.lines(mine.keys),
        "given": given or {},
        "fixed": keys.FIXED,
        "mine": mine,
        "pages": [item for item in menu.items() if item.key and visitor.person.role in item.roles],
        "notice": notice,
        "stored": saved or request.query_params.get("saved") == "1",
        "holds": HOLDS,
        "longest": LONGEST_HOLD,
        "sheet": sheet,
    }
    if sheet:
        return render.part("_keys.html", {**context, "visitor": visitor}, status=status)
    return render.setting(request, "keys.html", context, visitor=visitor, here=HERE, status=status)
