"""The weekly report as text, for a terminal, a mail or another program."""

from __future__ import annotations

from typing import Annotated

import typer

from caseward.cli.deciding import deciding
from caseward.cli.say import AsJson, document


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("report")(report)


def report(
    week: Annotated[str, typer.Option(metavar="WEEK", help="Such as 2026-W47; this one when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the figures of a week: value, target, what each rests on, and why it may still change."""
    from caseward.desk import tools
    from caseward.web import exported, figure_words, measured, ranges

    with deciding():
        now, pack = tools.now(), tools.pack()
        wanted = ranges.week(week or ranges.this_week(now, pack.hours.zone), now=now, zone=pack.hours.zone)
        if as_json:
            document(exported.document(wanted))
            return
        found = measured.overview(wanted)
        shown = [figure_words.shown(tile, pack.profile.currency) for tile in found.tiles.values()]
    samples = f", {found.samples} of them of sample contacts" if found.samples else ""
    print(f"{pack.profile.title}, {wanted.words}: {found.cases} cases opened{samples}; {found.open} open now.")
    for it in shown:
        value = figure_words.joined(it.value, it.unit)
        marks = f"  provisional: {it.provisional}" if it.provisional else ""
        print(f"  {it.name:<32} {value:>14}  target {it.target or 'none':<10} {it.n:<8} before {it.before}{marks}")
