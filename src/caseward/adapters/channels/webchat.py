"""The public web chat. The contact's page fetches what is stored, so a committed reply is a delivered one."""

from __future__ import annotations


class WebChat:
    """A channel without anything to call."""

    name = "webchat"
    pull = True

    def deliver(self, address: str, text: str, *, key: str) -> str:
        """Return the key: what is stored under it is what the page shows."""
        return key

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the key: it is asked for only once the words are stored."""
        return key


def channel() -> WebChat:
    """Return the channel."""
    return WebChat()
