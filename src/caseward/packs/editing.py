"""Change single values in a YAML file and leave every other character of it as it stands: comments, order, quotes.

What is written is read back before it is returned, so that a file is never handed on that says something else.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from typing import Any, TypeAlias

import yaml

from caseward.core.errors import BadInput
from caseward.packs.yamlfile import Place

Value: TypeAlias = "str | int | date | Sequence[str | date] | Mapping[str, Value] | None"
"""What may be put in a place; None takes it out."""
WIDTH = 116
"""Characters of a folded line."""
LONG = 72
"""A text longer than this is folded onto lines of its own."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*")


def edited(text: str, wanted: Mapping[Place, Value]) -> str:
    """Return a file's text with these values in their places; raise BadInput where it cannot hold them."""
    expected = _read(text)
    after = text
    for place, value in wanted.items():
        _put(expected, place, value)
        after = _set(after, place, value)
    if _plain_data(_read(after)) != _plain_data(expected):
        raise BadInput("this change cannot be written into the file; make it in the pack's folder")
    return after


def written(data: Mapping[str, Value]) -> str:
    """Return a new file that says `data`, in its order."""
    text = "".join(f"{name}:{_value(value, 0)}\n" for name, value in data.items() if value is not None)
    if _plain_data(_read(text)) != _plain_data(data):
        raise BadInput("these values cannot be written into a file; leave out unusual characters")
    return text


# --- one place --------------------------------------------------------------------------------------------------------


def _set(text: str, place: Place, value: Value) -> str:
    parent = _node(text, place[:-1])
    if parent is None:
        return text if value is None else _set(text, place[:-1], {str(place[-1]): value})
    if not isinstance(parent, yaml.MappingNode):
        raise BadInput(f"{'.'.join(map(str, place[:-1]))}: there is no room for {place[-1]} here")
    if parent.flow_style:
        return _set_between_braces(text, parent, place, value)
    found = next(((key, node) for key, node in parent.value if key.value == place[-1]), None)
    if found is None:
        return text if value is None else _insert(text, parent, str(place[-1]), value)
    key, node = found
    if value is None:
        if len(parent.value) == 1 and len(place) > 1:
            return _set(text, place[:-1], None)
        return _without_lines(text, key.start_mark.index, _end(text, node))
    if _plain_data(_construct(node)) == _plain_data(value):
        return text
    if _is_list(node) and isinstance(value, Sequence) and not isinstance(value, str) and value:
        return _items(text, node, list(value))
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    flow = isinstance(node, yaml.CollectionNode) and bool(node.flow_style)
    said = _value(value, key.start_mark.column, quoted=quoted, flow=flow)
    return f"{text[: key.end_mark.index]}:{said}{text[_end(text, node) :]}"


def _set_between_braces(text: str, parent: yaml.MappingNode, place: Place, value: Value) -> str:
    """Return the text with one entry of a mapping on one line changed, added or taken out."""
    at = next((i for i, (key, _) in enumerate(parent.value) if key.value == place[-1]), None)
    if at is None:
        if value is None:
            return text
        entry = f"{', ' if parent.value else ''}{place[-1]}:{_value(value, 0, flow=True)}"
        end = _end(text, parent.value[-1][1]) if parent.value else parent.end_mark.index - 1
        return text[:end] + entry + text[end:]
    key, node = parent.value[at]
    if value is not None:
        quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
        said = _value(value, 0, quoted=quoted, flow=True)
        return f"{text[: key.end_mark.index]}:{said}{text[_end(text, node) :]}"
    if len(parent.value) == 1:
        return _set(text, place[:-1], None)
    if at:
        return text[: _end(text, parent.value[at - 1][1])] + text[_end(text, node) :]
    return text[: key.start_mark.index] + text[parent.value[1][0].start_mark.index :]


def _insert(text: str, parent: yaml.MappingNode, name: str, value: Value) -> str:
    """Return the text with one entry more at the end of a mapping."""
    indent = parent.start_mark.column
    end = _end(text, parent)
    at = end + len(text[end:].partition("\n")[0])  # a comment stays with its line
    beside = any(isinstance(node, yaml.SequenceNode) and node.flow_style for _, node in parent.value)
    flow = beside and isinstance(value, Sequence)
    return f"{text[:at]}\n{' ' * indent}{name}:{_value(value, indent, flow=flow)}{text[at:]}"


def _items(text: str, node: yaml.SequenceNode, wanted: list[str | date]) -> str:
    """Return the text with a list's items changed line by line, so that what stays keeps its comments."""
    before = [str(item.value) for item in node.value]
    starts = [text.rfind("\n", 0, item.start_mark.index) + 1 for item in node.value]
    ends = [_end(text, item) for item in node.value]
    dash = text[starts[0] : node.value[0].start_mark.index]
    matcher = SequenceMatcher(None, before, [str(each) for each in wanted], autojunk=False)
    for _, i, j, k, m in reversed([each for each in matcher.get_opcodes() if each[0] != "equal"]):
        new = "".join(f"{dash}{_item(each)}\n" for each in wanted[k:m])
        start = starts[i] if i < len(starts) else _next_line(text, ends[-1])
        stop = _next_line(text, ends[j - 1]) if j > i else start
        if start and text[start - 1] != "\n":
            new = "\n" + new.removesuffix("\n")
        text = text[:start] + new + text[stop:]
    return text


def _is_list(node: yaml.Node) -> bool:
    """Return whether a node is a list with each item on a line of its own."""
    return (
        isinstance(node, yaml.SequenceNode)
        and not node.flow_style
        and bool(node.value)
        and all(isinstance(item, yaml.ScalarNode) for item in node.value)
    )


def _without_lines(text: str, start: int, end: int) -> str:
    return text[: text.rfind("\n", 0, start) + 1] + text[_next_line(text, end) :]


def _next_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _end(text: str, node: yaml.Node) -> int:
    """Return where a node's own characters end: a block's mark stands only where the next thing begins."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return int(start + len(text[start:end].rstrip()))


# --- writing ----------------------------------------------------------------------------------------------------------


def _value(value: Value, indent: int, *, quoted: bool = False, flow: bool = False) -> str:
    """Return what stands behind a key's colon."""
    inner = " " * (indent + 2)
    if isinstance(value, Mapping):
        held = {name: each for name, each in value.items() if each is not None}
        if flow and held:
            return f" {{{', '.join(f'{name}:{_value(each, indent, flow=True)}' for name, each in held.items())}}}"
        return "".join(f"\n{inner}{name}:{_value(each, indent + 2, quoted=True)}" for name, each in held.items())
    if isinstance(value, str):
        return _text(value, inner, quoted=quoted)
    if isinstance(value, Sequence):
        if flow or not value or all(isinstance(each, str) and _is_word(each) for each in value):
            return f" [{', '.join(_item(each, quoted=False) for each in value)}]"
        return "".join(f"\n{inner}- {_item(each)}" for each in value)
    return f" {value.isoformat() if isinstance(value, date) else value}"


def _text(value: str, inner: str, *, quoted: bool) -> str:
    lines = value.split("\n")
    tidy = value == value.strip() and all(line == line.strip() for line in lines) and value.isprintable()
    if tidy and len(value) > LONG and "  " not in value and not value.startswith("#"):
        return " >-" + "".join(f"\n{inner}{line}" for line in _folded(value, WIDTH - len(inner)))
    shown = all(line.isprintable() for line in lines) and value == value.strip()
    if len(lines) > 1 and shown:
        return " |-" + "".join(f"\n{inner}{line}" if line else "\n" for line in lines)
    return f" {_scalar(value, quoted=quoted)}"


def _folded(value: str, width: int) -> list[str]:
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def _item(value: str | date, *, quoted: bool = True) -> str:
    return value.isoformat() if isinstance(value, date) else _scalar(value, quoted=quoted)


def _scalar(value: str, *, quoted: bool = False) -> str:
    return value if not quoted and _is_word(value) else json.dumps(value, ensure_ascii=False)


def _is_word(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and yaml.safe_load(value) == value


# --- reading ----------------------------------------------------------------------------------------------------------


def _node(text: str, place: Place) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise BadInput(f"the file is not YAML: {error}; mend it in the pack's folder") from None
    for name in place:
        if isinstance(name, int):
            node = node.value[name] if isinstance(node, yaml.SequenceNode) and name < len(node.value) else None
            continue
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in pairs if key.value == name), None)
    return node


def _construct(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    return loader.construct_object(node, deep=True)


def _read(text: str) -> Any:
    try:
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe one, written in C
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"the file is not YAML: {error}; mend it in the pack's folder") from None
    if not isinstance(data, dict | list):
        raise BadInput("the file holds no entries; mend it in the pack's folder")
    return data


def _put(data: Any, place: Place, value: Value) -> None:
    """Set what a place is to hold; a mapping left empty goes with its last entry."""
    inside = data
    for name in place[:-1]:
        if isinstance(name, int):
            if not isinstance(inside, list) or name >= len(inside):
                raise BadInput(f"{name}: there is no such entry")
            inside = inside[name]
        else:
            inside = inside.setdefault(name, {})
    if value is None:
        inside.pop(str(place[-1]), None)
        if not inside and len(place) > 1:
            _put(data, place[:-1], None)
    else:
        inside[str(place[-1])] = copy.deepcopy(value)


def _plain_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain_data(each) for name, each in value.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain_data(each) for each in value]
    return value
