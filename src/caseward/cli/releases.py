"""What the desk goes by: releases from proposal to roll-back, and how far the desk is trusted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.looking import connected
from caseward.cli.rules import Phase, Topology
from caseward.cli.say import AsJson, PackFolder, complain, document, no, pack_folder
from caseward.core.errors import BadInput, Conflict, NotFound, Refused

if TYPE_CHECKING:
    from caseward.core.release import Changed
    from caseward.store.people import Person
    from caseward.store.phases import PhaseDecision
    from caseward.store.releases import Release, Switch

Id = Annotated[str, typer.Argument(metavar="ID", help="A release, such as 2026-11-21.1.")]
By = Annotated[str, typer.Option("--by", metavar="PERSON", help="Who decides: the id or e-mail address of a person.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks back.")]
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
    phase = typer.Typer(help="How far the desk is trusted.", no_args_is_help=True, rich_markup_mode=None)
    phase.command("show")(show_phase)
    phase.command("set")(set_phase)
    app.add_typer(phase, name="phase")


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

    if release and not load.RELEASE.fullmatch(release):
        raise BadInput(f"--as {release!r} is not YYYY-MM-DD.N; give an id such as 2026-11-21.2")
    files = shelf.snapshot(pack_folder(pack))
    with _deciding():
        by = author if author in (HOUSE, *AGENTS) else _person(author).id
        _tell(library.propose(files, author=by, reason=reason, release=release), as_json)


def approve(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Consent to a proposal; never to one's own."""
    from caseward.desk import library

    with _deciding():
        person = _person(by)
        _tell(library.approve(release, person=person.id, role=person.role, reason=reason), as_json)


def refuse(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Turn a proposal down for good."""
    from caseward.desk import library

    with _deciding():
        person = _person(by)
        _tell(library.refuse(release, person=person.id, role=person.role, reason=reason), as_json)


def withdraw(release: Id, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Take one's own proposal back for good."""
    from caseward.desk import library

    with _deciding():
        _tell(library.withdraw(release, person=_person(by).id, reason=reason), as_json)


def publish(
    release: Id,
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Who asks for it, if anybody does.")] = "",
    reason: Annotated[str, typer.Option(help="Why now; the proposal's own reason when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an approved proposal current; every process of the desk serves it within seconds."""
    from caseward.desk import library

    with _deciding():
        person = _person(by) if by else None
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

    with _deciding():
        person = _person(by)
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
    as_json: AsJson = False,
) -> None:
    """Show what differs between two releases, file by file."""
    from caseward.desk import current
    from caseward.store.db import transaction

    with connected(), transaction():
        one = _known(first)
        if not second and not one.base:
            raise BadInput(f"{first} is the first release; name another one to compare it with")
        before, after = (first, _known(second).id) if second else (one.base, first)
        changed = current.compare(before, after)
    if as_json:
        document({"before": before, "after": after, "files": [_changed(each) for each in changed]})
        return
    print(f"{before} -> {after}: {len(changed)} files differ")
    for each in changed:
        print("\n".join(each.lines()))


# --- the phase --------------------------------------------------------------------------------------------------------


def show_phase(as_json: AsJson = False) -> None:
    """Show how far the desk is trusted, since when and by whom, and what the next phase should rest on."""
    from caseward.desk import trust
    from caseward.store import phases

    with _deciding():
        at, decided = trust.standing(), phases.current()
        following = trust.following(at.phase)
        criteria = trust.criteria(following) if following else ()
    if as_json:
        told = {"phase": at.phase, "topology": at.topology, "decided": _decision(decided)}
        document({**told, "next": following or None, "criteria": list(criteria)})
        return
    since = (
        f"since {decided.at:%Y-%m-%d %H:%M} UTC by {decided.by}: {decided.reason}" if decided else "as the pack says"
    )
    print(f"{at.phase}, {at.topology}; {since}")
    for text, ticked in decided.criteria.items() if decided else ():
        print(f"  [{'x' if ticked else ' '}] {text}")
    if following:
        print(f"next is {following}:" if criteria else f"next is {following}")
    for number, text in enumerate(criteria, 1):
        print(f"  {number}. {text}")


def set_phase(
    phase: Annotated[Phase, typer.Argument(metavar="PHASE", help=", ".join(Phase))],
    by: By,
    reason: Reason,
    topology: Annotated[Topology | None, typer.Option(help="Who asks whom; as it was when left out.")] = None,
    tick: Annotated[
        list[int] | None, typer.Option(min=1, help="Number of a criterion that is met; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide how far the desk is trusted: one phase up at a time, or down."""
    from caseward.desk import trust

    with _deciding():
        person, stated = _person(by), trust.criteria(phase)
        wrong = [number for number in tick or () if number > len(stated)]
        if wrong:
            raise BadInput(f"--tick {wrong[0]}: {phase} has {len(stated)} criteria; see `caseward phase show`")
        ticked = [stated[number - 1] for number in tick or ()]
        decided = trust.decide(
            phase, person=person.id, role=person.role, reason=reason, topology=topology or "", ticked=ticked
        )
    if as_json:
        document(_decision(decided))
        return
    print(f"{decided.phase}, {decided.topology}; it was {decided.was}")
    for text, met in decided.criteria.items():
        if not met:
            print(f"  not ticked: {text}")


# --- what the commands share ------------------------------------------------------------------------------------------


@contextmanager
def _deciding() -> Iterator[None]:
    """Open the library of the desk that the settings mean, for one decision; what it refuses is the answer no."""
    from caseward.adapters import find
    from caseward.desk import current, tools
    from caseward.desk.library import Unsound
    from caseward.store.db import transaction

    with connected() as settings, tempfile.TemporaryDirectory(prefix="caseward-release-") as place:
        pack = current.in_force(Path(place))
        if pack is None:
            raise BadInput("nothing has been published yet; start `caseward serve` once, which publishes its pack")
        built_in = find.skill_names(settings.skills)
        try:
            with tools.office(pack, built_in=built_in, clock=lambda: datetime.now(UTC)), transaction():
                yield
        except (Refused, Conflict, Unsound) as error:
            complain(error)
            raise no() from None


def _person(given: str) -> Person:
    from caseward.store import people

    try:
        found = people.credentials(given)
        person = found[0] if found else people.get(given)
    except NotFound:
        raise BadInput(f"nobody has the id or address {given!r}; see who there is in the console, or add them with "
                       "`caseward person new`") from None  # fmt: skip
    if person.disabled:
        raise BadInput(f"{given} is disabled and decides nothing")
    return person


def _known(release: str) -> Release:
    from caseward.store import releases

    try:
        return releases.get(release)
    except NotFound as error:
        raise BadInput(f"{error}; see `caseward release list`") from None


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


def _decision(decided: PhaseDecision | None) -> Mapping[str, Any] | None:
    return {name: value for name, value in asdict(decided).items() if name != "id"} if decided else None


def _changed(each: Changed) -> Mapping[str, Any]:
    return {"path": each.path, "part": each.part, "diff": each.lines()}
