"""When the business writes first: which playbooks there are, whom they would write to now, and why not to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.deciding import deciding
from caseward.cli.looking import connected
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from caseward.core.channels import Playbook
    from caseward.desk.outreach import Call

WEEK = timedelta(days=7)
Which = Annotated[str, typer.Argument(metavar="PLAYBOOK", help="Its id in playbooks.yaml.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    own = typer.Typer(help="Writing first, by playbook.", no_args_is_help=True, rich_markup_mode=None)
    own.command("list")(listed)
    own.command("preview")(preview)
    own.command("run")(run)
    app.add_typer(own, name="playbook")


def listed(as_json: AsJson = False) -> None:
    """List the playbooks: when each was asked last and will be next, and what became of its messages in a week."""
    from caseward.desk import tools
    from caseward.store import outreach

    with deciding():
        playbooks, turns = tools.pack().playbooks, outreach.turns()
        tally = outreach.tally(tools.now() - WEEK)
    told: list[dict[str, Any]] = []
    for each in playbooks:
        turn = turns.get(each.id)
        counts = [{"state": state, "why": why, "messages": n} for id, state, why, n in tally if id == each.id]
        told.append(
            {
                "id": each.id,
                "title": each.title,
                "owner": each.owner,
                "enabled": each.enabled,
                "asked_at": turn.ran_at if turn else None,
                "next_at": turn.next_at if turn and each.enabled else None,
                "error": turn.error if turn else "",
                "last_week": counts,
            }
        )
    if as_json:
        document(told)
        return
    if not told:
        print("The pack has no playbooks.")
    for row in told:
        state = f"next {_when(row['next_at'])}" if row["enabled"] else "switched off"
        print(f"{row['id']}: {row['title']}; asked {_when(row['asked_at'])}, {state}")
        if row["error"]:
            print(f"  could not be asked: {row['error']}")
        for count in row["last_week"]:
            print(f"  {count['messages']} {count['state']}{': ' + count['why'] if count['why'] else ''}")


def preview(playbook: Which, as_json: AsJson = False) -> None:
    """Show whom a playbook would write to now, and why not to others; nothing is sent, nothing recorded."""
    from caseward.desk import outreach
    from caseward.store.db import transaction

    with _at_hand(), transaction():
        calls = outreach.look(_named(playbook))
    told = [
        {
            "key": each.key,
            "contact": each.contact,
            "step": each.verdict.step.value,
            "why": each.verdict.why,
            "channel": each.verdict.to.channel if each.verdict.to else None,
            "until": each.verdict.until,
        }
        for each in calls
    ]
    if as_json:
        document(told)
        return
    for each in calls:
        print(f"{each.contact}  {_said(each)}  ({each.key})")
    sent = sum(row["step"] == "send" for row in told)
    print(f"{sent} of {len(told)} would be written to now.")


def run(playbook: Which) -> None:
    """Have the desk at work ask a playbook now instead of at its next time; all its bounds hold."""
    from caseward.desk import tools
    from caseward.store import outreach

    with deciding():
        found = _named(playbook)
        if not found.enabled:
            raise BadInput(f"{playbook} is switched off; set `enabled: true` in playbooks.yaml and publish it")
        outreach.plan(found.id, tools.now())
    print(f"{playbook} is due; a desk at work asks it within seconds.")


@contextmanager
def _at_hand() -> Iterator[None]:
    """Open the desk that the settings mean with its plugs, to look and not to act."""
    import tempfile
    from datetime import UTC
    from pathlib import Path

    from caseward.adapters import find
    from caseward.desk import current, tools
    from caseward.store.records import StoredRecords

    with connected() as settings, tempfile.TemporaryDirectory(prefix="caseward-release-") as place:
        pack = current.in_force(Path(place))
        if pack is None:
            raise BadInput("nothing has been published yet; start `caseward serve` once, which publishes its pack")
        skills = find.skills(settings.skills, StoredRecords(), pack)
        with tools.office(pack, built_in=skills, clock=lambda: datetime.now(UTC)):
            tools.use(replace(tools.given(), skills=skills, channels=find.channels(settings)))
            yield


def _named(id: str) -> Playbook:
    from caseward.desk import outreach, tools

    try:
        return outreach.playbook(id)
    except NotFound as error:
        known = ", ".join(each.id for each in tools.pack().playbooks) or "none"
        raise BadInput(f"{error}; there is {known}") from None


def _said(call: Call) -> str:
    verdict = call.verdict
    if verdict.to is not None:
        return f"by {verdict.to.channel}"
    if verdict.until is not None:
        return f"waits until {_when(verdict.until)}: {verdict.why}"
    return f"not: {verdict.why}"


def _when(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if isinstance(at, datetime) else "never"
