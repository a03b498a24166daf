"""How a business uses its channels (channels.yaml) and when it writes first (playbooks.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Words = Mapping[str, tuple[str, ...]]
"""Language → words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A template that a vendor approved beforehand, under a name of its own (channels.yaml, `approved`)."""

    name: str
    """The vendor's name of it."""
    languages: Mapping[str, str]
    """Our language → the vendor's code, such as `en: en_US`; outside the window a language left out is not written."""
    values: tuple[str, ...] = ()
    """Our template's places, in the order in which the vendor numbers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """How one channel is used (channels.yaml, `channels`)."""

    access: Literal["open", "pairing", "allowlist"] = "open"
    """Who is answered: everybody; who gives a code that one of the team made; or who is on the list."""
    allow: tuple[str, ...] = ()
    """Addresses that are answered under `pairing` and `allowlist`, beside those that people admitted."""
    refusal: str = ""
    """Template said once to somebody who is not admitted; nothing is said when empty."""
    proves: Literal["", "phone", "email"] = ""
    """What the vendor vouches for that proves identity, where exactly one record has it."""
    approved: Mapping[str, Wording] = field(default_factory=dict)
    """Template → the wording the vendor approved for it."""
    acknowledge: str = ""
    """Emoji put on a message at once when its answer takes a while, where the channel has reactions."""
    formal: str = ""
    """Channel on which a conversation goes on when it must be formal: there the contact's registered address confirms
    who writes here. Empty where the stated fields alone prove it."""
    formal_hours: int = 24
    """How long that answer is waited for."""
    lost: str = ""
    """Template sent on the `formal` channel, to the address on record, where words wait because this one is lost."""
    instead: bool = False
    """Whether words that can never arrive here are said on the `formal` channel, to the address on record."""
    lease_minutes: int = 240
    """How long a person who answers outside the desk keeps the case after their last word; then it is the desk's
    again. 0 for until they hand it back."""
    files_mb: int = 16
    """The largest attachment that is fetched."""
    files: tuple[str, ...] = ("image", "audio", "voice", "video", "document")
    """Kinds of attachment that are fetched; others are only named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A formal mail that follows what was said elsewhere (channels.yaml, `confirmations`)."""

    template: str
    """The mail's words; it has a `subject`."""
    channel: str = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """How what was said in the web chat is mailed to who asks for it there (channels.yaml, `transcript`)."""

    template: str
    """The words before it; it has a `subject`."""
    code: str
    """The words that bring the `{code}` which proves an address that is not on record; it has a `subject`."""
    you: Mapping[str, str] = field(default_factory=dict)
    """Language → what the contact's own words are headed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outreach:
    """Bounds of every message that a contact did not ask for (channels.yaml, `outreach`)."""

    quiet: str = "20:00-08:00"
    """Local time in which nothing is sent; what is due then waits."""
    most: int = 2
    """Messages to one contact within `days`, of all playbooks together."""
    days: int = 7
    stop: Words = field(default_factory=dict)
    """Whole messages with which a contact forbids them."""
    start: Words = field(default_factory=dict)
    """Whole messages with which a contact allows them again."""
    stopped: str = ""
    """Template that confirms it."""
    started: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """How the team speaks in its lanes (channels.yaml, `team`). Words are matched without case, at the beginning."""

    approve: tuple[str, ...] = ("approve",)
    edit: tuple[str, ...] = ("edit",)
    deny: tuple[str, ...] = ("deny",)
    escalate: tuple[str, ...] = ("escalate",)
    conditions: tuple[str, ...] = ("if", "provided")
    """Words that begin a condition: what follows them in an approval is recorded as one."""
    remind_minutes: int = 30
    """Business minutes after which an open request is pointed at again; 0 for never."""
    checklist: tuple[str, ...] = ()
    """What a quality check looks at, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """channels.yaml."""

    channels: Mapping[str, ChannelPolicy] = field(default_factory=dict)
    outreach: Outreach = field(default_factory=Outreach)
    team: Team = field(default_factory=Team)
    confirmations: Mapping[str, Confirmation] = field(default_factory=dict)
    """Template that was said → the mail that follows it."""
    transcript: Mailed | None = None
    """Left out, nobody is offered what was said in the chat by mail."""
    rate_after_minutes: int = 0
    """Minutes after a matter is settled at which its contact is asked how it was (template `rating-request`, whose
    `choices` are the scores, the worst first); 0 for never."""

    def of(self, name: str) -> ChannelPolicy:
        """Return how a channel is used; as the defaults say for one that the business does not mention."""
        return self.channels.get(name, ChannelPolicy())


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """When the business writes first, and what (playbooks.yaml; SUP-12)."""

    id: str
    title: str
    owner: str
    reads: str
    """Declared reading that lists whom to write to: its rows each have a `contact` and what the template shows."""
    key: str
    """Business key of one message, with `{value}` places: the same key is written once, ever."""
    template: str
    channels: tuple[str, ...]
    """Where to write, the first that reaches the contact."""
    every_minutes: int = 60
    """How often the reading is asked."""
    consent: Literal["unless_stopped", "asked"] = "unless_stopped"
    """Whether a contact must have allowed it, or only not forbidden it."""
    enabled: bool = True
