"""The catalogue of what may be wrong with a pack, read off the code that says it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.source import NOTE, SOURCE, cell

FILES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Files", "The folder, its files and their YAML.", ("yamlfile.py", "load.py", "house.py")),
    ("Shapes", "Keys and values of an entry.", ("schema.py", "conditions.py", "entities.py", "skills.py")),
    (
        "References",
        "What the files say of each other.",
        ("references.py", "channels.py", "bounds.py", "spoken.py", "separation.py", "samples.py", "kpis.py"),
    ),
    (
        "Proofs",
        "What does not hold for all inputs; each comes with a case that shows it.",
        ("table.py", "matrix.py", "prove.py"),
    ),
    ("Cases and advice", "Golden cases, and what is worth a second look.", ("check.py", "subject.py")),
    ("Starter flows", "Statements of a `support_flow`, `community_flow` or `incident_flow`.", ("starter.py",)),
)
"""Heading, what it is about, and the modules of packs/ whose complaints stand under it."""
CALLS = ("error", "entry", "PackError", "Fault", "_in_matrix")


def page() -> str:
    """Return the page: one row for each complaint, with what mends it."""
    lines = [
        "# What may be wrong with a pack",
        NOTE,
        "`caseward check PACK` names each with its file, line and entry. Words in braces stand for what was found.",
        "",
    ]
    for heading, about, names in FILES:
        rows = dict.fromkeys(row for name in names for row in _complaints(name))
        if rows:
            lines += [f"## {heading}", "", about, "", "| it says | what mends it |", "| --- | --- |"]
            lines += [f"| {cell(message)} | {cell(fix) or 'as it says'} |" for message, fix in rows]
            lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _complaints(name: str) -> Iterator[tuple[str, str]]:
    """Yield message and fix of every complaint that a module makes, in the order of the code."""
    path = SOURCE / "packs" / name
    if not path.exists():
        return
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef):
            yield from _of_function(function)


def _of_function(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    said: dict[str, str] = {}
    for node in sorted(_own(function), key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0))):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                said[target] = _text(value, said)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = zip(names, values, strict=True) if len(names) == len(values) else ()
                said |= {each.id: _text(value, said) for each, value in pairs if isinstance(each, ast.Name)}
            case ast.Call(func=ast.Name(id=call) | ast.Attribute(attr=call)) if call in CALLS:
                given = {word.arg: _text(word.value, said) for word in node.keywords if word.arg}
                texts = [_text(each, said) for each in node.args]
                message = given.get("message") or next((text for text in reversed(texts) if " " in text), "")
                if message:
                    yield message, given.get("fix", "")
            case _:
                pass


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions inside it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            stack.extend(ast.iter_child_nodes(node))


def _text(node: ast.expr, said: dict[str, str]) -> str:
    """Return a text as it stands in the code, with `{name}` for what is filled in; nothing for what is no text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, said) for part in parts)
        case ast.FormattedValue(value=value):
            known = said.get(value.id) if isinstance(value, ast.Name) else None
            return known or f"{{{_name(value)}}}"
        case ast.Name(id=name):
            return said.get(name, "")
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, said) + (_text(right, said) or "{...}")
        case ast.Call(func=ast.Name(id="did_you_mean")):
            return "use the nearest name that exists, which it tells"
        case ast.IfExp(body=body, orelse=orelse):
            return " / ".join(filter(None, (_text(body, said), _text(orelse, said))))
        case _:
            return ""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name.strip("_")
        case ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case _:
            return "..."
