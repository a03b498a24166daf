"""The public web chat. The contact's page fetches what is stored, so a committed reply is a delivered one."""

from __future__ import annotations

from datetime import timedelta

from caseward.core.messages import Reply
from caseward.core.ports import Pace, Payload
from caseward.settings import Settings


class WebChat:
    """A channel without anything to call."""

    name = "webchat"
    pull = True
    longest = 4000
    window: timedelta | None = None
    pace = Pace()

    def render(self, reply: Reply) -> Payload:
        """Return the text: the page shows it as it is."""
        return {"text": reply.text}

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Return the key: what is stored under it is what the page shows."""
        return key

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the key: it is asked for only once the words are stored."""
        return key


def channel(settings: Settings) -> WebChat:
    """Return the channel, which needs no setting."""
    return WebChat()
