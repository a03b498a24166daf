"""Play the other side: a customer's phone, the team's group, a mailbox, on pages of this machine."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.core.errors import BadInput

if TYPE_CHECKING:
    from caseward.core.pack import Pack


class Vendor(StrEnum):
    """Whose part is played."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    EMAIL = "email"
    SLACK = "slack"
    DISCORD = "discord"
    ALL = "all"


OF_THE_DEMO = (Vendor.WHATSAPP, Vendor.TELEGRAM, Vendor.EMAIL)
"""Those that `caseward demo --simulated` has by itself, and `all` means; the others are named, there and here."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("simulate")(simulate)


def simulate(
    vendor: Annotated[Vendor, typer.Argument(help="Whose part to play.")] = Vendor.ALL,
    desk: Annotated[
        str, typer.Option(metavar="URL", help="Where the desk is that is called.")
    ] = "http://127.0.0.1:8400",
    pack: Annotated[
        str | None, typer.Option(metavar="DIR", help="The business whose sample contacts there are.")
    ] = None,
) -> None:
    """Serve pages on which you play a vendor's other side: the customer's phone, the team's groups, a mailbox.

    The desk on the other end is `caseward demo --simulated`; either may be started first. For slack and discord add
    `--beside slack` or `--beside discord` to it, or start a desk with the settings that are printed. Ctrl-C ends it.
    """
    from caseward.packs.load import load
    from caseward.settings import Settings

    business = load(Settings.load(pack=pack).pack)
    names = OF_THE_DEMO if vendor is Vendor.ALL else (vendor,)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_caught: over.set())
    with ExitStack() as stack:
        for name in names:
            try:
                url = stack.enter_context(_PLAYED[name](desk.rstrip("/"), business))
            except OSError as error:
                raise BadInput(f"{name} cannot be simulated ({error.strerror}); is it running already?") from None
            print(f"{name:<9} {url}", flush=True)
        print("Ctrl-C ends this.", file=sys.stderr, flush=True)
        over.wait()


def _contacts(pack: Pack) -> list[Mapping[str, Any]]:
    return [each for each in pack.records.get("person", ()) if each.get("phone") or each.get("email")]


def _approved(pack: Pack) -> dict[tuple[str, str], str]:
    """Return the wordings that WhatsApp has approved of for a business: name and language → text."""
    from caseward.packs import wording

    found = {}
    for id, approved in pack.channels.of("whatsapp").approved.items():
        for language, code in approved.languages.items():
            found[approved.name, code] = wording.numbered(pack.template(id), language, approved.values)
    return found


@contextmanager
def _whatsapp(desk: str, pack: Pack) -> Iterator[str]:
    from caseward.cli import practice
    from caseward.simulators import serving
    from caseward.simulators.whatsapp import WhatsApp

    meta = WhatsApp(hook=f"{desk}/webhooks/whatsapp", templates=_approved(pack))
    meta.reads = False  # the page marks what is looked at as read
    for contact in reversed(_contacts(pack)):  # the page shows the newest first
        if contact.get("phone"):
            meta.phone(str(contact["phone"]), name=str(contact.get("name", "")))
    with serving.running(meta.app, port=practice.PORTS["whatsapp"]) as url:
        try:
            yield url
        finally:
            meta.courier.close()


@contextmanager
def _telegram(_desk: str, _pack: Pack) -> Iterator[str]:
    from caseward.cli import practice
    from caseward.simulators.telegram import Telegram

    people = {number: role.replace("_", " ").capitalize() for number, role in practice.TEAM.items()}
    bot = Telegram(people={**people, 2001: "A customer"}, team=tuple(people))
    for number in people:
        bot.write(number, None, "/start")  # so that the bot may write to them
    with bot.running(port=practice.PORTS["telegram"]) as url:
        yield url


@contextmanager
def _email(_desk: str, pack: Pack) -> Iterator[str]:
    from caseward.cli import practice
    from caseward.simulators import serving
    from caseward.simulators.mail import Mail

    people = {str(each["email"]): str(each.get("name", "")) for each in _contacts(pack) if each.get("email")}
    mail = Mail(smtp_port=practice.SMTP_PORT, imap_port=practice.IMAP_PORT, people=people)
    with mail, serving.running(mail.app, port=practice.PORTS["email"]) as url:
        yield url


@contextmanager
def _slack(desk: str, _pack: Pack) -> Iterator[str]:
    from caseward.cli import practice
    from caseward.simulators import serving, slack

    workspace = slack.Slack(hook=f"{desk}/webhooks/slack")
    with serving.running(workspace.app, port=practice.PORTS["slack"]) as workspace.base:
        _tell(SLACK_TOKEN=slack.TOKEN, SLACK_SIGNING_SECRET=slack.SIGNING_SECRET, SLACK_API_URL=f"{workspace.base}/api")
        yield workspace.base


@contextmanager
def _discord(desk: str, _pack: Pack) -> Iterator[str]:
    from caseward.cli import practice
    from caseward.simulators import discord, serving

    played = discord.Discord(hook=f"{desk}/webhooks/discord")
    with serving.running(played.app, port=practice.PORTS["discord"]) as played.base:
        _tell(DISCORD_TOKEN=discord.TOKEN, DISCORD_PUBLIC_KEY=discord.PUBLIC_KEY,
              DISCORD_API_URL=f"{played.base}/api/v10")  # fmt: skip
        yield played.base


def _tell(**settings: str) -> None:
    """Print what a desk must be told, as a shell takes it."""
    for name, value in settings.items():
        print(f"export CASEWARD_{name}={value}", flush=True)


_PLAYED: Mapping[Vendor, Callable[[str, Pack], Any]] = {
    Vendor.WHATSAPP: _whatsapp,
    Vendor.TELEGRAM: _telegram,
    Vendor.EMAIL: _email,
    Vendor.SLACK: _slack,
    Vendor.DISCORD: _discord,
}
