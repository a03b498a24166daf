"""Look at a desk: whether its log is whole, whether it is fit to serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

from caseward.cli.say import AsJson, document, no, why_away
from caseward.core.errors import CasewardError

if TYPE_CHECKING:
    from caseward.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    log = typer.Typer(help="The action log.", no_args_is_help=True, rich_markup_mode=None)
    log.command("verify")(verify_log)
    app.add_typer(log, name="log")
    app.command("doctor")(doctor)


@contextmanager
def connected() -> Iterator[Settings]:
    """Connect the store to the database that the settings mean, for one command."""
    from caseward.settings import Settings
    from caseward.store import place

    settings = Settings.load()
    with ExitStack() as stack:
        place.look_in(settings, stack)
        yield settings


def verify_log(as_json: AsJson = False) -> None:
    """Check the action log's chain and its signed heads, and name the first entry that does not fit."""
    from caseward.store import log, place, seals
    from caseward.store.db import transaction

    with connected() as settings, transaction():
        broken = log.verify() or seals.verify(place.trusted(settings))
        entries, sealed = log.length(), seals.count()
    if as_json:
        told = {"seq": broken.seq, "why": broken.why} if broken else None
        document({"ok": broken is None, "entries": entries, "signed_heads": sealed, "broken": told})
    elif broken is None:
        print(
            f"The action log is whole: {entries} entries, each linked to the one before it; {sealed} signed heads hold."
        )
    else:
        print(f"The action log is BROKEN at entry {broken.seq}: {broken.why}.")
    if broken is not None:
        raise no()


def doctor(as_json: AsJson = False) -> None:
    """Say whether the desk is ready for the shift: database, workers, channels, systems, release, backlog."""
    from caseward.adapters import find
    from caseward.web.readiness import Check, Plugs, checks

    found: list[Check] = []
    try:
        with connected() as settings:
            plugs = Plugs(
                channels=find.names("channels"),
                set_up=find.channels(settings).keys(),
                skills=find.skill_names(settings.skills),
            )
            found = checks(settings, plugs)
    except Exception as error:
        away = str(error) if isinstance(error, CasewardError) else why_away(error)
        if not away:
            raise
        found = [Check(name="database", ok=False, detail=away)]
    ready = all(each.ok for each in found)
    if as_json:
        told = [{"name": each.name, "ok": each.ok, "detail": each.detail} for each in found]
        document({"ready": ready, "checks": told})
    else:
        for each in found:
            print(f"{'ok  ' if each.ok else 'FAIL'}  {each.name}: {each.detail}")
        print("Ready." if ready else "Not ready.")
    if not ready:
        raise no()
