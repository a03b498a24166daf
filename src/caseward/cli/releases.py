"""What the desk goes by: releases, from proposal to roll-back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.deciding import By, Reason, deciding, person_of
from caseward.cli.looking import connected
from caseward.cli.say import AsJson, PackFolder, document, pack_folder
from caseward.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from caseward.core.pack import Pack
    from caseward.core.release import Changed
    from caseward.packs.whatif import Comparison
    from caseward.store.releases import Release, Switch

Id = Annotated[str, typer.Argument(metavar="ID", help="A release, such as 2026-11-21.1.")]
HOUSE = "house"
AGENTS = ("D", "F")
"""Agents that may draft a change."""


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    release = typer.Typer(help="What the desk goes by.", no_args_is_help=True, rich_markup_mode=None)
    for name, command in (
        ("propose", propose),
        ("list", list_releases),
        ("show", show),
        ("diff", diff),
        ("approve", approve),
        ("refuse", refuse),
        ("withdraw", withdraw),
        ("publish", publish),
        ("rollback", roll_back),
    ):
        release.command(name)(command)
    app.add_typer(release, name="release")


# --- releases ---------------------------------------------------------------------------------------------------------


def propose(
    pack: PackFolder,
    reason: Reason,
    author: Annotated[str, typer.Option(metavar="ID", help="Who drafted it: a person, or the agent D or F.")] = HOUSE,
    release: Annotated[str, typer.Option("--as", metavar="ID", help="Its id, in place of the one in pack.yaml.")] = "",
    as_json: AsJson = False,
) -> None:
    """Propose what a pack's folder holds as the next release; it is checked first, and served once it is published."""
    from caseward.desk import library
    from caseward.packs import load, shelf

    if release and not load.is_release(release):
        raise BadInput(f"--as {release!r} is not YYYY-MM-DD.N; give an id such as 2026-11-21.2")
    files = shelf.snapshot(pack_folder(pack))
    with deciding():
        by = author if author in (HOUSE, *AGENTS) else person_of(author).id
        _tell(library.propose(files, author=by, reason=reason, release=release), as_json)


def approve(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Consent to a proposal; never to one's own."""
    from caseward.desk import library

    with deciding():
        person = person_of(by)
        _tell(library.approve(release, person=person.id, role=person.role, reason=reason), as_json)


def refuse(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Turn a proposal down for good."""
    from caseward.desk import library

    with deciding():
        person = person_of(by)
        _tell(library.refuse(release, person=person.id, role=person.role, reason=reason), as_json)


def withdraw(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Take one's own proposal back for good."""
    from caseward.desk import library

    with deciding():
        _tell(library.withdraw(release, person=person_of(by).id, reason=reason), as_json)


def publish(
    release: Id,
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Who asks for it, if anybody does.")] = "",
    reason: Annotated[str, typer.Option(help="Why now; the proposal's own reason when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an approved proposal current; every process of the desk serves it within seconds."""
    from caseward.desk import library

    with deciding():
        person = person_of(by) if by else None
        asked = {"person": person.id, "role": str(person.role)} if person else {}
        _tell(library.publish(release, reason=reason, **asked), as_json)


def roll_back(
    by: By,
    reason: Reason,
    release: Annotated[str, typer.Argument(metavar="[ID]", help="The one before the current when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an earlier release current again, in one step."""
    from caseward.desk import library

    with deciding():
        person = person_of(by)
        _tell(library.roll_back(release, person=person.id, role=person.role, reason=reason), as_json)


def list_releases(as_json: AsJson = False) -> None:
    """List all releases, the newest first."""
    from caseward.store import releases
    from caseward.store.db import transaction

    with connected(), transaction():
        found, current = releases.every(), releases.current()
    if as_json:
        document({"current": _switch(current), "releases": [_release(each, current) for each in found]})
        return
    for each in found:
        here = "*" if current and each.id == current.release else " "
        print(f"{here} {each.id:<14} {each.state:<10} {each.proposed_at:%Y-%m-%d}  by {each.author}: {each.reason}")


def show(release: Id, as_json: AsJson = False) -> None:
    """Show a release: its parts, where it stands, who stood for it, and what its check said."""
    from caseward.store import releases
    from caseward.store.db import transaction

    with connected(), transaction():
        _tell(_known(release), as_json, history=[each for each in releases.switches() if each.release == release])


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A release.")],
    second: Annotated[str, typer.Argument(metavar="[B]", help="Another; without it, A with what it changed.")] = "",
    effects: Annotated[
        bool, typer.Option("--effects", help="Also what would be decided otherwise, ever and in the cases that were.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two releases: entry by entry in the policy, and file by file."""
    from caseward.cli.comparing import as_told, told_in_words
    from caseward.desk import current
    from caseward.packs import rulediff
    from caseward.store.db import transaction

    with connected(), transaction():
        one = _known(first)
        if not second and not one.base:
            raise BadInput(f"{first} is the first release; name another one to compare it with")
        before, after = (first, _known(second).id) if second else (one.base, first)
        changed = current.compare(before, after)
        was, will_be = _pack_of(before), _pack_of(after)
        rules = list(rulediff.changes(was, will_be))
        found = _effects(was, will_be) if effects else None
    if as_json:
        told = {"before": before, "after": after, "rules": [asdict(each) for each in rules]}
        told |= {"files": [_changed(each) for each in changed]}
        document(told | ({"effects": as_told(found)} if found else {}))
        return
    print(f"{before} -> {after}: {len(changed)} files differ")
    if found:
        print("\n".join(told_in_words(found, {**was.policy.facts, **will_be.policy.facts})))
    else:
        print("\n".join(f"{each.change} {each.kind} {each.id}" for each in rules))
    for each in changed:
        print("\n".join(each.lines()))


# --- how they are told ------------------------------------------------------------------------------------------------


def _known(release: str) -> Release:
    from caseward.store import releases

    try:
        return releases.get(release)
    except NotFound as error:
        raise BadInput(f"{error}; see `caseward release list`") from None


def _effects(before: Pack, after: Pack) -> Comparison:
    from caseward.cli.comparing import recorded_cases
    from caseward.packs import whatif  # the prover takes its time to load

    return whatif.compare(before, after, recorded_cases())


def _pack_of(release: str) -> Pack:
    from caseward.desk import current

    pack = current.of_release(release)
    if pack is None:
        raise BadInput(f"the files of {release} were not kept, so that nothing can be compared with it")
    return pack


def _tell(release: Release, as_json: bool, *, history: list[Switch] | None = None) -> None:
    from caseward.store import releases

    current = releases.current()
    if as_json:
        more = {} if history is None else {"history": [_switch(each) for each in history]}
        document({**_release(release, current), **more})
        return
    print("\n".join(_in_words(release, current)))
    for each in history or ():
        print(f"{each.kind}: {each.at:%Y-%m-%d %H:%M} UTC by {each.by}, after {each.was or 'nothing'}: {each.reason}")


def _in_words(it: Release, current: Switch | None) -> Iterator[str]:
    here = ", current" if current and current.release == it.id else ""
    yield f"{it.id} of {it.pack}: {it.state}{here}"
    yield f"proposed {it.proposed_at:%Y-%m-%d %H:%M} UTC by {it.author}: {it.reason}"
    changed = f"changes {', '.join(it.changed)}" if it.changed else "changes nothing"
    yield (f"{changed} against {it.base}" if it.base else "the first release") + ("; high risk" if it.high_risk else "")
    if it.approver:
        yield f"decided {it.decided_at:%Y-%m-%d %H:%M} UTC by {it.approver}: {it.verdict}"
    elif it.state == "proposed":
        yield f"waits for somebody of the lane {it.lane}"
    yield f"check: {it.checked}"


def _release(it: Release, current: Switch | None) -> Mapping[str, Any]:
    return {**asdict(it), "current": current is not None and current.release == it.id}


def _switch(switch: Switch | None) -> Mapping[str, Any] | None:
    return {name: value for name, value in asdict(switch).items() if name != "id"} if switch else None


def _changed(each: Changed) -> Mapping[str, Any]:
    return {"path": each.path, "part": each.part, "diff": each.lines()}
