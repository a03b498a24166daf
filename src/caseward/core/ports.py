"""What the house asks of a plug. Plugs live in adapters/; nobody below app.py names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from caseward.core.knowledge import Finding
from caseward.core.messages import Understanding
from caseward.core.task import Result


class Channel(Protocol):
    """A way to reach a contact: formatting and delivery only."""

    name: str
    pull: bool
    """True where the contact's page fetches stored messages, so a committed reply is a delivered one."""

    def deliver(self, address: str, text: str, *, key: str) -> str:
        """Hand `text` over and return the provider's id. Raise SystemDown when it surely did not go out; any other
        error leaves it unknown. `key` is passed on where the provider honours one."""
        ...

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the provider's id of what was sent under `key`, or None when it surely was not. Raise SystemDown when
        the provider cannot tell."""
        ...


class Skill(Protocol):
    """One named action or reading of one system."""

    name: str
    system: str
    """Whose health it depends on: calendar, payments, records, ..."""
    writes: bool

    def run(self, args: Mapping[str, Any], *, key: str, now: datetime) -> Result:
        """Do it once for `key` (a repeat returns the first result), or read. Raise SystemDown when it surely was not
        done; any other error leaves a write unknown."""
        ...

    def lookup(self, *, key: str) -> Result | None:
        """Return what was done under `key`, or None when it surely was not. Raise SystemDown when it cannot tell."""
        ...


class Brain(Protocol):
    """Understands and finds; decides nothing. It is made in one process and pickled to those that serve."""

    def understand(self, text: str, *, language: str | None = None) -> Understanding:
        """Return what `text` means. `language` is the conversation's, used when the text is too short to tell."""
        ...

    def find(self, text: str, *, language: str) -> Finding:
        """Return the published pages that may answer `text`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One document of the built-in records."""

    kind: str
    id: str
    data: Mapping[str, Any]
    revision: int


class RecordBook(Protocol):
    """The built-in system of records: documents by kind, with revisions, unique claims and remembered effects.

    Each call is its own short transaction, as a call to an outside system would be.
    """

    def get(self, kind: str, id: str) -> Record | None:
        """Return one document, or None."""
        ...

    def find(self, kind: str, /, **equals: str) -> Sequence[Record]:
        """Return the documents whose fields equal the values given, by id."""
        ...

    def effect(self, key: str) -> Mapping[str, Any] | None:
        """Return what was remembered under an effect's key, or None."""
        ...

    def apply(
        self,
        key: str,
        *,
        changes: Sequence[Change],
        remember: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Make all `changes` and remember the outcome under `key`, in one transaction, once: a repeated key changes
        nothing and returns what was remembered. Raise Conflict when a revision moved or a claim is taken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One document to be written."""

    kind: str
    id: str
    data: Mapping[str, Any]
    revision: int | None
    """The revision it was read at; None for a new document."""
    claim: str | None = None
    """A name only one document may hold, such as a coach's hour; replaces the document's earlier claim."""
