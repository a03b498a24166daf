"""How long what is known of people is kept, and deleting what is older."""

from __future__ import annotations

from typing import Annotated

import typer

from caseward.cli.say import AsJson, document


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("retention")(retention)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is older than the pack keeps it, and say how much that was. A desk at work does so once a day.

    Nothing of an open case is touched, and the action log can still be verified afterwards.
    """
    from caseward.cli.deciding import deciding
    from caseward.desk import retention as room

    gone = dict.fromkeys(room.KINDS, 0)
    with deciding():
        kept = room.keeping()
        for kind in room.KINDS if not dry_run else ():
            while count := _delete(kind):
                gone[kind] += count
    if as_json:
        names = ("kind", "days", "oldest", "due")
        document([{**{name: getattr(each, name) for name in names}, "deleted": gone[each.kind]} for each in kept])
        return
    for each in kept:
        period = f"{each.days} days" if each.days else "for ever"
        due = f"more than {room.COUNTED}" if each.due > room.COUNTED else str(each.due)
        oldest = f"oldest of {each.oldest:%Y-%m-%d}" if each.oldest else "nothing there"
        told = f"{due} would go" if dry_run else f"{gone[each.kind]} deleted"
        print(f"{each.kind}: kept {period}, {oldest}; {told}")


def _delete(kind: str) -> int:
    """Delete a batch, in a transaction of its own."""
    from caseward.desk import retention as room
    from caseward.store import db

    with db.apart():
        return room.delete(kind, by="cli")
