"""The reference of the command line, from the program's own parameters."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from caseward import cli
from tools.source import NOTE, cell

INTRO = """\
In a checkout the program is `.venv/bin/caseward`, which `make setup` installs. Every command has `--help`. It exits
with 0 when it is done, with 1 when the answer is no (a check failed, something is refused), and with 2 for wrong usage
or input, which one clear message on standard error names. With `--json` a command prints one JSON document.

What the commands look at (which database, which pack) is said by the [settings](../settings.md).
"""
KINDS = {"FILE": "a file", "DIR": "a folder", "PACK": "a folder or a name", "CASE": "a number or an id"}
"""What stands for a value in the usage → what it takes, in words."""


def page() -> str:
    """Return all commands with what they take."""
    found = list(_commands(typer.main.get_command(cli.app), ""))
    lines = ["# Commands", NOTE, INTRO, "| command | does |", "| --- | --- |"]
    lines += [f"| [`{name}`](#{name.replace(' ', '-')}) | {cell(command.help or '')} |" for name, command in found]
    for name, command in found:
        lines += ["", f"## {name}", "", cell(command.help or ""), "", f"    caseward {_usage(name, command)}", ""]
        rows = list(_rows(command))
        if rows:
            lines += ["| argument or option | takes | when left out | meaning |", "| --- | --- | --- | --- |", *rows]
        else:
            lines.pop()
    return "\n".join(lines) + "\n"


def _commands(command: object, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command under its whole name, in the order of the program's own help."""
    if isinstance(command, TyperGroup):
        for word, each in command.commands.items():
            yield from _commands(each, f"{name} {word}".strip())
    elif isinstance(command, TyperCommand):
        yield name, command


def _usage(name: str, command: TyperCommand) -> str:
    words = [name]
    for each in command.params:
        if isinstance(each, TyperArgument):
            words.append(_name(each))
        elif isinstance(each, TyperOption) and each.required:
            words.append(f"{each.opts[0]} {_stands_for(each)}")
    return " ".join([*words, "[OPTIONS]"] if len(command.params) > len(words) - 1 else words)


def _rows(command: TyperCommand) -> Iterator[str]:
    for each in command.params:
        if isinstance(each, TyperArgument | TyperOption):
            meaning, _, default = (each.help or "").partition("  [default: ")
            given = default.rstrip("]") or ("" if each.default in (None, False, "") else str(each.default))
            left_out = "required" if each.required else f"`{given}`" if given else ""
            yield f"| `{_name(each)}` | {_takes(each)} | {left_out} | {cell(meaning)} |"


def _name(each: TyperArgument | TyperOption) -> str:
    return each.opts[0] if isinstance(each, TyperOption) else _stands_for(each)


def _stands_for(each: TyperArgument | TyperOption) -> str:
    return each.metavar or (each.name or "").upper()


def _takes(each: TyperArgument | TyperOption) -> str:
    kind = each.type_descriptor
    if isinstance(each, TyperOption) and each.is_flag:
        return ""
    if kind.choices:
        return ", ".join(f"`{choice}`" for choice in kind.choices)
    if kind.annotation is int:
        return f"a whole number from {each.min} to {each.max}"
    return KINDS.get(_stands_for(each), "text")
