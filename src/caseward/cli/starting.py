"""Begin a pack of one's own, and write it with an editor that knows its shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caseward.cli.say import AsJson, document, pack_folder
from caseward.core.errors import BadInput


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("init")(init)
    app.command("schema")(print_schemas)


def init(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The new pack's folder; its name is the pack's.")],
    title: Annotated[str, typer.Option(help="What the customer sees; the folder's name when left out.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA name of the zone in which the business works.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the business's money.")] = "EUR",
    as_json: AsJson = False,
) -> None:
    """Write a new pack: small, whole and sound, to be made one's own file by file."""
    from caseward.packs import scaffold

    path = Path(folder).expanduser()
    today = datetime.now(UTC).date()
    names = scaffold.write(path, title=title, timezone=timezone, currency=currency, today=today)
    if as_json:
        document({"folder": folder, "files": names})
        return
    print(f"{len(names)} files in {folder}. Next:")
    print(f"  caseward check {folder}             proves it, and again after every change")
    print(f"  caseward demo --pack {folder}       tries it by hand")


def print_schemas(
    pack: Annotated[
        str, typer.Option("--pack", metavar="PACK", help="Let conditions know the facts and values of this pack.")
    ] = "",
    into: Annotated[str, typer.Option(metavar="FOLDER", help="Write a file each into this folder.")] = "",
) -> None:
    """Print the JSON Schemas of the files of a pack, for editors that complete and check while one writes."""
    from caseward.packs import json_schema
    from caseward.packs.load import load_policy

    found = json_schema.schemas(load_policy(pack_folder(pack)) if pack else None)
    if not into:
        document(found)
        return
    folder = Path(into).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in found.items():
            text = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
            (folder / f"{name.removesuffix('.yaml')}.json").write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"{into} cannot be written to ({error.strerror}); name another folder") from None
    print(f"{len(found)} schemas in {into}. In an editor with the YAML language server:")
    for name in found:
        where = name if name.endswith(".yaml") else f"{name}/*.yaml"
        print(f"  {where:<18} {name.removesuffix('.yaml')}.json")
