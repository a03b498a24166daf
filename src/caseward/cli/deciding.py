"""For commands that decide about a desk: who decides, and the office in which it is done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caseward.cli.looking import connected
from caseward.cli.say import complain, no
from caseward.core.errors import BadInput, Conflict, NotFound, Refused

if TYPE_CHECKING:
    from caseward.store.people import Person

By = Annotated[str, typer.Option("--by", metavar="PERSON", help="Who decides: the id or e-mail address of a person.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks back.")]


@contextmanager
def deciding() -> Iterator[None]:
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


def person_of(given: str) -> Person:
    """Return whom an id or an e-mail address means; raise BadInput for nobody, or somebody disabled."""
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
