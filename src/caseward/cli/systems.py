"""How the systems outside are, and how a person says so (degraded mode by hand)."""

from __future__ import annotations

from typing import Annotated

import typer

from caseward.cli.deciding import deciding, person_of
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("degraded")(degraded)


def degraded(
    system: Annotated[str, typer.Argument(metavar="[SYSTEM]", help="One system; all are listed without.")] = "",
    on: Annotated[
        bool | None, typer.Option("--on/--off", help="Declare that it cannot be relied on, or can again.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="PERSON", help="Who says so: the id or e-mail address of a person.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, for whoever looks back.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the systems that answers rest on, or declare that one cannot be relied on, or can again.

    While a system is degraded, what rests on it is pending verification and changes wait. What a person declares, only
    a person ends.
    """
    from caseward.desk import health

    if on is not None and not (system and by and reason):
        raise BadInput("--on and --off need a SYSTEM, --by PERSON and --reason TEXT")
    if on is None and (by or reason):
        raise BadInput("--by and --reason go with --on or --off; say which")
    with deciding():
        if on is not None:
            person = person_of(by)
            health.declare(system, degraded=on, why=reason, by=person.id, role=person.role)
        known = health.systems()
    if system and system not in known:
        raise BadInput(f"there is no system {system!r}; there are {', '.join(known)}")
    shown = {name: state for name, state in known.items() if not system or name == system}
    if as_json:
        document(
            [
                {
                    "system": name,
                    "degraded": bool(state and state.degraded),
                    "since": state.since if state else None,
                    "by": state.by if state else None,
                    "why": state.why if state else None,
                }
                for name, state in shown.items()
            ]
        )
        return
    for name, state in shown.items():
        if state is None:
            print(f"{name}: healthy")
            continue
        word = "degraded" if state.degraded else "healthy"
        print(f"{name}: {word} since {state.since:%Y-%m-%d %H:%M} UTC, by {state.by}: {state.why}".rstrip(": "))
