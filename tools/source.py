"""Read what the source says of its classes, and say it in the words of someone who writes a pack."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/caseward"
NOTE = "<!-- written by make docs; edit the code's docstrings instead -->\n"


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One field of a class, as its source states it."""

    type: ast.expr | None
    default: ast.expr | None
    words: str


@dataclass(frozen=True, slots=True)
class ClassDoc:
    """A class, as its source states it."""

    words: str
    fields: dict[str, FieldDoc]


def classes(file: str) -> dict[str, ClassDoc]:
    """Return the classes of a source file with their fields and the docstrings under them."""
    found = {}
    for node in ast.parse((SOURCE / file).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            fields = {}
            for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
                match statement:
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=type_, value=default):
                        fields[name] = FieldDoc(type_, default, _words(following))
                    case ast.Assign(targets=[ast.Name(id=name)], value=default):
                        fields[name] = FieldDoc(None, default, _words(following))
                    case _:
                        pass
            found[node.name] = ClassDoc(" ".join((ast.get_docstring(node) or "").split()), fields)
    return found


def _words(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return cell(text)
        case _:
            return ""


PLAIN = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true` or `false`",
    "date": "date",
    "Any": "anything",
    "Tier": "`R0`, `R1`, `R2` or `R3`",
    "TierName": "`R0`, `R1`, `R2` or `R3`",
    "FactKind": "`bool`, `enum`, `rank`, `integer`, `money`, `duration` or `set`",
    "Hold": "`verification`, `missing` or `degraded`",
    "Texts": "language → text",
    "Words": "language → list of text",
    "Facts": "fact → value",
    "Effect": "`route`, `approve`, `send`, `execute`, `advise`, `publish_policy`, `publish_knowledge` or "
    "`publish_template`",
    "Agent": "the keys of an agent below",
    "Activity": "the keys of an activity below",
    "ChannelPolicy": "the keys of a channel below",
    "Wording": "the keys of a wording below",
    "Outreach": "the keys of outreach below",
    "Confirmation": "the keys of a confirmation below",
    "Mailed": "the keys of a mailed chat below",
    "Team": "the keys of team below",
    "Holidays": "the keys of holidays below",
    "Counting": "the keys of counting below",
    "Sla": "the keys of promises below",
    "Lane": "the keys of a lane below",
    "IdentityPolicy": "the keys of identity below",
    "Match": "the keys of a proof below",
    "Limits": "the keys of limits below",
    "Publishing": "the keys of publishing below",
    "Promotion": "the keys of promotion below",
    "Retention": "the keys of retention below",
    "ChatLook": "the keys of chat below",
    "Watch": "the keys of a figure below",
    "Plain": "text, a number, `true` or `false`",
    "Look": "the keys of a reading below",
    "Listing": "the keys of a listing below",
    "Entry": "the keys of a write below",
    "Requirement": "the keys of a requirement below",
    "Addition": "the keys of an addition below",
    "Plan": "the keys of a plan below",
    "GoldenEntry": "the keys of a case below",
    "ExpectEntry": "the keys of an expectation below",
}


def takes(node: ast.expr | None) -> str:
    """Say in a pack author's words what a field takes."""
    match node:
        case ast.Name(id=name) if name in PLAIN:
            return PLAIN[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return takes(left)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{takes(left)}, or {takes(right)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            options = choices.elts if isinstance(choices, ast.Tuple) else [choices]
            return codes([str(ast.literal_eval(option)) for option in options if ast.literal_eval(option)])
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=last)])) if (
            last is ...
        ):
            return f"list of {takes(item)}"
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            return "[" + ", ".join(takes(item) for item in items) + "]"
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[item, *_])):
            return takes(item)
        case ast.Subscript(value=ast.Name(id="frozenset"), slice=item):
            return f"list of {takes(item)}"
        case ast.Subscript(value=ast.Name(id="Mapping" | "dict"), slice=ast.Tuple(elts=[_, value])):
            return f"name → {takes(value)}"
        case _:
            raise SystemExit(f"no words for the type {ast.unparse(node) if node else '?'}; teach tools/source.py")


def left_out(node: ast.expr | None) -> str:
    """Say what holds when a field is not given."""
    match node:
        case None:
            return "required"
        case ast.Call(keywords=[ast.keyword(arg="default_factory", value=ast.Name(id="dict" | "tuple" | "frozenset"))]):
            return "none"
        case ast.Call(func=ast.Name(id="frozenset"), args=[]):
            return "none"
        case ast.Call():
            return "the defaults below"
        case _:
            value = ast.literal_eval(node)
            return f"`{plain(value)}`" if value not in ("", None, (), {}) else "none"


def plain(value: object) -> str:
    """Return a value as a pack file or a variable would state it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def codes(names: Iterable[str]) -> str:
    """Return names as code, in a row."""
    return ", ".join(f"`{name}`" for name in names)


def cell(text: str) -> str:
    """Return text as one cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")
