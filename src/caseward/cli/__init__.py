"""The command line. Every command exits 0 when done, 1 when the answer is no, 2 for wrong usage or input.

What a command needs is imported when it runs, so that asking the gate does not wait for a web server to load.
"""

from __future__ import annotations

import os
import sys

import typer

from caseward.cli import (
    channel,
    comparing,
    contacts,
    explaining,
    flow,
    keeping,
    lanes,
    looking,
    people,
    phases,
    playbooks,
    releases,
    reporting,
    retention,
    rules,
    serving,
    simulating,
    starting,
    systems,
    words,
)
from caseward.cli.say import complain, why_away
from caseward.core.errors import CasewardError

app = typer.Typer(
    name="caseward",
    help="A support desk where agents and people answer together, with the rules enforced in code.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    serving,
    simulating,
    rules,
    flow,
    starting,
    words,
    comparing,
    contacts,
    explaining,
    releases,
    phases,
    reporting,
    looking,
    systems,
    channel,
    playbooks,
    people,
    lanes,
    keeping,
    retention,
):
    module.add_to(app)


@app.callback(invoke_without_command=True)
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and leave.", is_eager=True),
) -> None:
    if version:
        from caseward import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command that was typed."""
    try:
        app(prog_name="caseward")
    except CasewardError as error:
        complain(error)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing of it may be flushed into the closed pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        away = why_away(error)
        if not away:
            raise
        print(f"caseward: {away}; start it, or mend CASEWARD_DATABASE_URL", file=sys.stderr)
        sys.exit(2)
