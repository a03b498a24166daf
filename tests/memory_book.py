"""A record book in memory: the port's promises without a database, for tests that try thousands of orders of events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caseward.core.errors import Conflict
from caseward.core.ports import Change, Record


@dataclass
class MemoryBook:
    """Documents by kind and id. `before_apply` is called at the start of every write: what others do meanwhile."""

    documents: dict[tuple[str, str], Record] = field(default_factory=dict)
    claims: dict[tuple[str, str], str] = field(default_factory=dict)
    effects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    before_apply: Callable[[], None] = lambda: None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, kind: str, *rows: Mapping[str, Any], claims: Mapping[str, str] | None = None) -> None:
        """Put documents in, as a seed does."""
        for row in rows:
            self._store(kind, row["id"], row, 1, (claims or {}).get(row["id"]))

    def get(self, kind: str, id: str) -> Record | None:
        return self.documents.get((kind, id))

    def find(self, kind: str, /, **equals: str) -> Sequence[Record]:
        rows = [each for (its_kind, _id), each in sorted(self.documents.items()) if its_kind == kind]
        return [each for each in rows if all(each.data.get(name) == value for name, value in equals.items())]

    def effect(self, key: str) -> Mapping[str, Any] | None:
        return self.effects.get(key)

    def apply(self, key: str, *, changes: Sequence[Change], remember: Mapping[str, Any]) -> Mapping[str, Any]:
        self.before_apply()
        with self.lock:
            if key in self.effects:
                return self.effects[key]
            before = (dict(self.documents), dict(self.claims))
            try:
                for change in changes:
                    self._write(change)
            except Conflict:
                self.documents, self.claims = before
                raise
            self.effects[key] = remember
            return remember

    def _write(self, change: Change) -> None:
        known = self.documents.get((change.kind, change.id))
        if (known.revision if known else None) != change.revision:
            raise Conflict(f"{change.kind} {change.id} moved since it was read")
        holder = next((where for where, claim in self.claims.items() if claim == change.claim), None)
        if change.claim is not None and holder not in (None, (change.kind, change.id)):
            raise Conflict(f"{change.claim} is held by {holder}")
        self._store(change.kind, change.id, change.data, (change.revision or 0) + 1, change.claim)

    def _store(self, kind: str, id: str, data: Mapping[str, Any], revision: int, claim: str | None) -> None:
        self.documents[kind, id] = Record(kind=kind, id=id, data=dict(data), revision=revision)
        self.claims.pop((kind, id), None)
        if claim is not None:
            self.claims[kind, id] = claim
