"""Read a starter flow: what of it runs with a pack, and what does not yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caseward.cli.say import SCHOOL, AsJson, PackOption, document, pack_folder
from caseward.core.errors import BadInput


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("flow")(read_flow)


def read_flow(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A support_flow, community_flow or incident_flow.")],
    pack: PackOption = SCHOOL,
    as_json: AsJson = False,
) -> None:
    """Read a starter flow and say, statement by statement, what runs with a pack and what does not yet."""
    from caseward.adapters import find
    from caseward.packs import starter
    from caseward.packs.load import load

    path = Path(file).expanduser()
    if not path.is_file():
        raise BadInput(f"{file} is no file; name a flow's YAML file")
    parts = starter.check(path, path.name, load(pack_folder(pack)), channels=find.names("channels"))
    if as_json:
        document(
            {
                "file": str(path),
                "parts": [{"name": p.name, "says": p.says, "state": p.state, "how": p.how} for p in parts],
            }
        )
        return
    width = max(len(part.name) for part in parts)
    for part in parts:
        print(f"{part.state:<8} {part.name:<{width}}  {part.says}: {part.how}")
    waiting = sum(part.state is starter.State.NOT_YET for part in parts)
    print(f"{len(parts) - waiting} of {len(parts)} statements run" + (f"; {waiting} do not yet." if waiting else "."))
