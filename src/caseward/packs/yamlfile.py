"""Read one YAML file so that every complaint about it can name a line.

Aliases, repeated keys, other encodings than UTF-8 and files over a megabyte are refused: a pack is plain data, and none
of these is needed to write one.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from caseward.core.errors import PackError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
KEPT = 256
"""Files kept in mind, about two packs of them: most of a pack is as it was when it was read last."""
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """A parsed file and where its parts stand."""

    name: str
    """Path below the pack's folder."""
    data: Any
    """Never changed by whoever reads it: the next reader of the same text is given the same."""
    lines: dict[Place, int] = field(repr=False)

    def line(self, place: Place) -> int:
        """Return the line of `place`, or of the nearest part around it that has one."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return 1

    def error(self, message: str, *, at: Place = (), rule: str = "", fix: str = "") -> PackError:
        """Return a complaint about `at`, ready to be raised."""
        return PackError(message, file=self.name, line=self.line(at), rule=rule, fix=fix)


def read(path: Path, name: str) -> YamlFile:
    """Return the file's data with the line of every part; raise PackError for anything that is not plain YAML."""
    return _parsed(_text(path, name), name)


@lru_cache(maxsize=KEPT)
def _parsed(text: str, name: str) -> YamlFile:
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        _require_plain(text, loader, name)
        parser = loader(text)
        try:
            node = parser.get_single_node()
            lines: dict[Place, int] = {(): 1}
            data = _build(parser, node, (), lines, name) if node is not None else None
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PackError(
            f"not YAML: {error.problem or error.context}", file=name, line=line, fix="mend the syntax at this line"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise PackError(f"not YAML: {reason}", file=name, line=1, fix="write plain, flat YAML") from None
    return YamlFile(name=name, data=data, lines=lines)


def _require_plain(text: str, loader: Any, name: str) -> None:
    """Raise PackError at the first alias, or where values are nested deeper than anybody means, before any is built."""
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise PackError("aliases (*name) are not read", file=name, line=line, fix="write the value out")
        if depth > MAX_DEPTH:
            raise PackError("not YAML: nested too deep", file=name, line=line, fix="write plain, flat YAML")


def content(path: Path, name: str) -> bytes:
    """Return what a file holds; raise PackError for one that cannot be read, is too large, or is no file at all."""
    try:
        size = path.stat()
        if not (stat.S_ISREG(size.st_mode) or stat.S_ISDIR(size.st_mode)):  # a pipe or a device might never end
            raise PackError("not a file", file=name, fix="put a plain file in its place, or remove it")
        if size.st_size <= MAX_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise PackError(
            f"cannot be read: {error.strerror}", file=name, fix="create the file or mend its rights"
        ) from None
    raise PackError(f"{size.st_size} bytes are too many", file=name, fix=f"split it into files under {MAX_BYTES} bytes")


def _text(path: Path, name: str) -> str:
    raw = content(path, name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PackError("not UTF-8", file=name, line=line, fix="save the file as UTF-8") from None


def _build(loader: Any, node: yaml.Node, place: Place, lines: dict[Place, int], name: str) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                line = key_node.start_mark.line + 1
                raise PackError("a key is a word", file=name, line=line, fix="write `key: value`")
            key = _scalar(loader, key_node, name)
            key = {True: "on", False: "off"}.get(key, key) if isinstance(key, bool) else str(key)
            if key in mapping:
                line = key_node.start_mark.line + 1
                raise PackError(f"key {key!r} stands twice", file=name, line=line, fix="keep one of them")
            mapping[key] = _build(loader, value_node, (*place, key), lines, name)
            lines[(*place, key)] = key_node.start_mark.line + 1
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*place, i), lines, name) for i, item in enumerate(node.value)]
    return _scalar(loader, node, name)


def _scalar(loader: Any, node: yaml.Node, name: str) -> Any:
    """Return a plain value; PyYAML stumbles over some that its own patterns let through, such as a 99th of May."""
    try:
        return loader.construct_object(node)
    except (ValueError, AttributeError, OverflowError, KeyError) as error:
        line = node.start_mark.line + 1
        raise PackError(f"not a value: {error}", file=name, line=line, fix="put it in quotes, or mend it") from None
