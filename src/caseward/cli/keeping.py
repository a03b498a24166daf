"""Keep a copy of a desk, and bring it back."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caseward.core.errors import BadInput

File = Annotated[Path, typer.Argument(metavar="FILE", help="The copy.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: File) -> None:
    """Write a consistent copy of the database into a file, while the desk works."""
    from caseward.settings import Settings
    from caseward.store import embedded, place

    if file.exists():
        raise BadInput(f"{file} exists; name a new file, so that no copy is lost")
    with ExitStack() as stack:
        url = place.look_in(Settings.load(), stack)
        embedded.dump(url, file)
    print(f"{file}: {file.stat().st_size} bytes")


def restore(file: File) -> None:
    """Put a copy in place of the database. The desk must be stopped; either all of it is restored or nothing."""
    from caseward.flows import clockwork
    from caseward.settings import Settings
    from caseward.store import embedded, place
    from caseward.store.db import transaction

    if not file.is_file():
        raise BadInput(f"{file} does not exist; name a file that `caseward backup` wrote")
    with ExitStack() as stack:
        url = place.look_in(Settings.load(), stack, new=True)
        with transaction():
            busy = clockwork.at_work(datetime.now(UTC))
        if busy:
            raise BadInput(f"the desk is at work ({len(busy)} processes); stop it first")
        embedded.load(url, file)
    print(f"restored from {file}")
