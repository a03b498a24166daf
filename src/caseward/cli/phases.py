"""How far the desk is trusted, and who decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.deciding import By, Reason, deciding, person_of
from caseward.cli.rules import Phase, Topology
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput

if TYPE_CHECKING:
    from caseward.store.phases import PhaseDecision


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    phase = typer.Typer(help="How far the desk is trusted.", no_args_is_help=True, rich_markup_mode=None)
    phase.command("show")(show_phase)
    phase.command("set")(set_phase)
    app.add_typer(phase, name="phase")


def show_phase(as_json: AsJson = False) -> None:
    """Show how far the desk is trusted, since when and by whom, and what the next phase should rest on."""
    from caseward.desk import trust
    from caseward.store import phases

    with deciding():
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

    with deciding():
        person, stated = person_of(by), trust.criteria(phase)
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


def _decision(decided: PhaseDecision | None) -> Mapping[str, Any] | None:
    return {name: value for name, value in asdict(decided).items() if name != "id"} if decided else None
