"""Writing first: whether a contact wants to be written to, and what may then be said to them unasked."""

from __future__ import annotations

from caseward.core.channels import Words
from caseward.core.events import Preference
from caseward.core.messages import Inbound
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import log, outreach

STOP, START = "stop", "start"
_ENDS = " .!?,;:\"'()"
"""What may stand around a word without changing what it says."""


def prefer(event: Preference, *, source: str = "channel") -> None:
    """Record that a contact allows or forbids what they did not ask for; a word that came late changes nothing.

    `source` says how we know: `channel` where its vendor reports it, or the word that was said.
    """
    if not outreach.prefer(event.channel, event.address, wanted=event.wanted, source=source, at=event.at):
        return
    payload = {"channel": event.channel, "address": event.address, "wanted": event.wanted, "source": source}
    conversation = outreach.conversation(event.channel, event.address)
    log.append("preference", "contact", payload, at=event.at, conversation_id=conversation)


def said(inbound: Inbound) -> str | None:
    """Return `stop` or `start` when a message is nothing but one of the pack's words for it, else None.

    A word that is listed for both stops.
    """
    text = " ".join(clean(inbound.text).split()).casefold().strip(_ENDS)
    own = tools.pack().channels.outreach
    if text and text in _plain(own.stop):
        return STOP
    return START if text and text in _plain(own.start) else None


def wanted(channel: str, address: str) -> bool | None:
    """Return what an address last said of messages it did not ask for, or None when it said nothing."""
    return outreach.preference(channel, address)


def confirmation(word: str) -> str:
    """Return the template that confirms a `stop` or a `start`; empty where the pack confirms nothing."""
    own = tools.pack().channels.outreach
    return {STOP: own.stopped, START: own.started}.get(word, "")


def _plain(words: Words) -> frozenset[str]:
    return frozenset(" ".join(clean(word).split()).casefold() for each in words.values() for word in each)
