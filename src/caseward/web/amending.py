"""A setting that the pack holds is changed as everything else in it: as a proposal with its diff, its effects and the
consent it needs. Here the files are edited, tried and proposed; nothing changes before the release is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request

from caseward.core.errors import BadInput, Conflict, NotFound, PackError
from caseward.core.pack import Profile
from caseward.core.release import Files, changes
from caseward.core.roles import Role
from caseward.core.sla import BusinessHours
from caseward.desk import library, tools
from caseward.packs import shelf
from caseward.packs.editing import Value, edited
from caseward.packs.load import load_profile
from caseward.packs.yamlfile import Place
from caseward.store import releases
from caseward.store.db import transaction
from caseward.store.releases import Release
from caseward.web import failures, shelves
from caseward.web.card import Notice
from caseward.web.session import NotForRole, Visitor

PROPOSERS = frozenset({Role.COACH, Role.OPS_LEAD, Role.ADMIN})
"""Who may propose other hours, targets and periods; who consents is the pack's to say."""
PACK = "pack.yaml"
Edits = Mapping[str, Mapping[Place, Value]]
"""File → place → what is to stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The pack's files as they would be."""

    base: str
    """The release they were drafted from."""
    files: Files
    changed: Sequence[shelves.FileShown]
    profile: Profile
    hours: BusinessHours


async def posted(request: Request) -> Mapping[str, str]:
    """Return the fields of a posted form that are text, the last of each name."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def require_proposer(visitor: Visitor) -> None:
    """Raise NotForRole for somebody who only reads settings."""
    if visitor.person.role not in PROPOSERS:
        raise NotForRole("this role proposes no change of the settings")


def draft(edits: Edits) -> Draft:
    """Return the current release's files with these edits.

    Raises:
        BadInput: nothing would change, or what pack.yaml would say cannot be read.
        NotFound: the current release's files were not kept.
    """
    with transaction():
        base = releases.current()
        if base is None:
            raise NotFound("nothing has been published yet, so there is nothing to change")
        before = releases.files(base.release)
    after = {**before, **{name: edited(before[name], places) for name, places in edits.items()}}
    changed = changes(before, after)
    if not changed:
        raise BadInput("nothing would change: all of it is as it is served now")
    try:
        with shelf.laid_out({PACK: after[PACK]}) as folder:
            profile, hours = load_profile(folder)
    except PackError as error:
        raise BadInput(f"{error.message}; {error.fix}" if error.fix else error.message) from None
    return Draft(base=base.release, files=after, changed=shelves.files(changed), profile=profile, hours=hours)


def propose(made: Draft, visitor: Visitor, *, base: str, reason: str) -> Release:
    """Propose a draft in the visitor's name.

    Raises:
        Conflict: another release became current since the visitor saw what it would do.
        BadInput: no reason, or the pack fails its check.
    """
    if base != made.base:
        raise Conflict(f"release {made.base} became current meanwhile; look at what it would change now")
    with transaction():
        day = tools.now().date()
        return library.propose(made.files, author=visitor.person.id, reason=reason, release=library.free_id(f"{day}.1"))


def complaint(error: Exception) -> Notice:
    """Return what was wrong with a form, for the page that it comes back on."""
    text = failures.sentence(str(error).removeprefix("reason: "))
    return Notice(level="bad", title="This was not proposed", text=text)
