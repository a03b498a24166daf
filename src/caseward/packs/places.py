"""Where the entries of a pack stand, for complaints about a pack that was read without a fault."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from caseward.core.errors import PackError
from caseward.packs.yamlfile import Place, YamlFile, read

RULES = "rules"
"""The folder, or whichever file of it a rule stands in."""


class Places:
    """Finds file and line of an entry; files are read again, and only when something is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, YamlFile] = {}

    def error(self, file: str, message: str, *, at: Place = (), rule: str = "", fix: str = "") -> PackError:
        """Return a complaint about the part of `file` at `at`."""
        return self.file(file).error(message, at=at, rule=rule, fix=fix)

    def entry(self, file: str, id: str, message: str, *, at: Place = (), fix: str = "") -> PackError:
        """Return a complaint about the entry with that id in a file that is a list, or about its part at `at`."""
        where = next((i for i, each in enumerate(self._rows(file)) if each.get("id") == id), 0)
        return self.error(file, message, at=(where, *at), rule=id, fix=fix)

    def rule_file(self, id: str) -> str:
        """Return the file that a rule stands in."""
        return self._rules.get(id, RULES)

    def file(self, name: str) -> YamlFile:
        """Return a file of the pack."""
        if name not in self._files:
            self._files[name] = read(self._folder / name, name)
        return self._files[name]

    @cached_property
    def _rules(self) -> dict[str, str]:
        names = [f"rules/{path.name}" for path in sorted((self._folder / "rules").glob("*.yaml"))]
        return {str(each.get("id")): name for name in names for each in self._rows(name)}

    def _rows(self, name: str) -> list[dict[str, Any]]:
        data = self.file(name).data
        return data if isinstance(data, list) else []
