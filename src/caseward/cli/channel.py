"""Channels: who is let in where not everybody is, and what vendors sent that could not be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from caseward.cli.deciding import By, deciding, person_of
from caseward.cli.looking import connected
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput

ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as whatsapp.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the contact is reached, as `list` shows it.")]
STATES = ("asked", "admitted", "refused")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    channel = typer.Typer(
        help="Who is let in on a channel, and what its vendor sent that could not be read.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    channel.command("code")(code)
    channel.command("admit")(admit)
    channel.command("refuse")(refuse)
    channel.command("list")(list_people)
    channel.command("reread")(reread)
    app.add_typer(channel, name="channel")


def code(channel: ChannelName, by: By, as_json: AsJson = False) -> None:
    """Make a code that lets one contact in, once, within a week, and print it. It is shown this once.

    The contact sends it as a message. The channel's access must be `pairing`.
    """
    from caseward.desk import reception

    with deciding():
        _known(channel)
        person = person_of(by)
        made = reception.invite(channel, by=person.id, role=person.role)
    if as_json:
        document({"channel": channel, "code": made, "days": reception.CODE_LASTS.days})
    else:
        print(made)


def admit(channel: ChannelName, address: Address, by: By, as_json: AsJson = False) -> None:
    """Let an address in from now on."""
    from caseward.desk import reception

    with deciding():
        _known(channel)
        person = person_of(by)
        reception.admit(channel, address, by=person.id, role=person.role)
    _told(channel, address, "admitted", as_json=as_json)


def refuse(channel: ChannelName, address: Address, by: By, as_json: AsJson = False) -> None:
    """Let an address in no longer, or not at all; it hears nothing."""
    from caseward.desk import reception

    with deciding():
        _known(channel)
        person = person_of(by)
        reception.refuse(channel, address, by=person.id, role=person.role)
    _told(channel, address, "refused", as_json=as_json)


def list_people(
    channel: Annotated[str, typer.Argument(metavar="[CHANNEL]", help="One channel; all without.")] = "",
    state: Annotated[str, typer.Option(help="Only asked, admitted or refused.")] = "",
    as_json: AsJson = False,
) -> None:
    """List who was admitted, who was refused, and who wrote without being let in."""
    from caseward.store import admissions
    from caseward.store.db import transaction

    if state and state not in STATES:
        raise BadInput(f"--state {state!r} does not exist; use {', '.join(STATES)}")
    with connected(), transaction():
        found = admissions.listed(channel, state)
    if as_json:
        names = ("channel", "address", "state", "by", "at")
        document([{name: getattr(each, name) for name in names} for each in found])
        return
    for each in found:
        by = f" by {each.by}" if each.by else ""
        print(f"{each.channel}  {each.address}  {each.state}{by}  {each.at:%Y-%m-%d %H:%M} UTC")
    if not found:
        print("nobody")


def reread(
    channel: Annotated[str, typer.Argument(metavar="[CHANNEL]", help="One channel; all without.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have what a vendor sent and could not be read be read again, after an upgrade; nothing is done twice."""
    from caseward.store import hooks
    from caseward.store.db import transaction

    with connected(), transaction():
        count = hooks.retry(channel, datetime.now(UTC))
    if as_json:
        document({"again": count})
    else:
        print(f"{count} are read again")


def _known(channel: str) -> None:
    """Raise BadInput for a channel that did not come along."""
    from caseward.adapters import find

    find.require(channels=(channel,))


def _told(channel: str, address: str, state: str, *, as_json: bool) -> None:
    if as_json:
        document({"channel": channel, "address": address, "state": state})
    else:
        print(f"{address} is {state} on {channel}")
