"""What the house asks of a plug. Plugs live in adapters/; nobody below app.py names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event as Signal
from typing import Any, Protocol, TypeAlias, runtime_checkable

from caseward.core.events import Event
from caseward.core.knowledge import Finding
from caseward.core.messages import Registered, Reply, Understanding
from caseward.core.task import Result

Payload: TypeAlias = Mapping[str, Any]
"""A message in a vendor's own shape; JSON."""


class Channel(Protocol):
    """A way to reach a contact: formatting and delivery only. It knows no case, no rule, no approval."""

    name: str
    pull: bool
    """True where the contact's page fetches stored messages, so a committed reply is a delivered one."""
    longest: int
    """Characters of one reply."""
    window: timedelta | None
    """How long after the contact last wrote free words are taken; None for always."""
    pace: Pace

    def render(self, reply: Reply) -> Payload:
        """Return the one message that says it, in the vendor's shape."""
        ...

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Hand a message over and return the provider's id. Raise SystemDown when it surely did not go out and may be
        tried again, Undeliverable when it surely did not and never will; any other error leaves it unknown. `key` is
        passed on where the provider honours one or gives it back."""
        ...

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the provider's id of what was sent under `key`, or None when it surely was not. Raise SystemDown when
        the provider cannot tell."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a vendor takes messages; 0 for no limit."""

    a_second: float = 0
    """Of all contacts together."""
    seconds_between: float = 0
    """Two messages to one contact."""
    burst: int = 1
    """Messages to one contact that may go out at once, where none did for a while; what they save in time is waited for
    afterwards."""


@runtime_checkable
class Hook(Protocol):
    """The side of a channel that its vendor calls. Nothing is believed before `verify` has returned."""

    name: str

    def greet(self, query: Mapping[str, str]) -> str:
        """Return what the vendor expects when the address is registered; raise Refused for anybody else."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if the vendor sent exactly these bytes, lately where it says when; raise Refused if not. Header names
        are in lower case."""
        ...

    def answer(self, body: bytes) -> Payload | None:
        """Return what the vendor wants to read in the response, or None for an empty one."""
        ...

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what happened, in the vendor's order. A kind it does not know is an `unsupported` message, never an
        error; raise BadInput only for what is not the vendor's format at all."""
        ...


@runtime_checkable
class Listening(Protocol):
    """The side of a channel that goes and fetches: long polling, IDLE, a gateway's socket. One process does it."""

    name: str
    listens: bool
    """Whether it is set to; a channel may be called by its vendor instead."""

    def listen(self, hear: Callable[[bytes], None], over: Signal) -> None:
        """Call `hear` with each body, as `Hook.parse` takes it, until `over` is set. A body is acknowledged to the
        vendor only after `hear` has returned: it stores it. Raise SystemDown when the connection is lost."""
        ...

    def parse(self, body: bytes) -> Sequence[Event]:
        """As Hook.parse."""
        ...


@runtime_checkable
class Fetching(Protocol):
    """A channel whose attachments are fetched apart."""

    def fetch(self, ref: str, *, most: int) -> Fetched:
        """Return a file of at most `most` bytes. Raise Undeliverable for one that is gone, too large or of another
        kind than the vendor said, SystemDown for a while."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file as it came."""

    content: bytes
    mime: str


@runtime_checkable
class Approving(Protocol):
    """A channel whose vendor approves wording beforehand."""

    def wordings(self) -> Sequence[Registered]:
        """Return the wording that the vendor keeps for us. Raise BadInput where a setting is missing for it, SystemDown
        when the vendor does not tell."""
        ...


@runtime_checkable
class Courteous(Protocol):
    """A channel that shows the contact that somebody is there. Best effort: nothing is retried."""

    def seen(self, address: str, provider_id: str, *, typing: bool) -> None:
        """Show that a message was read, and that an answer is being written; no error of it matters."""
        ...

    def react(self, address: str, provider_id: str, emoji: str) -> None:
        """Put a reaction on a message, an acknowledgement before any words; raise where it cannot be shown, for then
        words take its place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press in an ops lane."""

    label: str
    token: str = ""
    """An opaque id of at most 40 characters; what comes back. Never content."""
    url: str = ""
    """Opened instead, for what is done in the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message for the team: a case packet, a request for consent, a task, a checklist, an alarm."""

    title: str
    lines: Sequence[str] = ()
    """Plain text, one statement each, personal data masked."""
    quote: str = ""
    """Words that are to be judged, shown apart."""
    buttons: Sequence[Sequence[Button]] = ()
    """Rows of them."""


@runtime_checkable
class Lane(Protocol):
    """A way to reach the team: groups and direct messages of a vendor. It knows no case and no right."""

    name: str

    def post(self, chat: str, card: Card, *, key: str) -> str:
        """Show a card and return the vendor's id of it; errors as Channel.deliver."""
        ...

    def amend(self, chat: str, message: str, card: Card) -> None:
        """Show another card in its place. The same card again is no error."""
        ...

    def say(self, chat: str, text: str, *, reply_to: str = "") -> str:
        """Say a line, as an answer to a message where one is named, and return its id."""
        ...

    def acknowledge(self, callback: str, text: str) -> None:
        """Answer a pressed button, with a line that only who pressed it reads."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whom an identity provider knows somebody as."""

    subject: str
    """By which it knows them, for good."""
    email: str
    """Empty unless the provider says that it is verified."""
    name: str
    groups: Sequence[str]
    """What the claim holds that roles are read by."""


class SignOn(Protocol):
    """An identity provider by which people of the house sign in."""

    name: str
    """As its button calls it."""

    def way_in(self, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """Return the address to send a browser to, which comes back to `back`. Raise SystemDown."""
        ...

    def known(self, code: str, *, back: str, nonce: str, verifier: str, now: datetime) -> Known:
        """Return who came back with `code`. Raise Refused for what cannot be believed, SystemDown for no answer."""
        ...

    def way_out(self, back: str) -> str:
        """Return the address at which somebody signs out of the provider too, nothing where it has none."""
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
