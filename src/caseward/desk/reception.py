"""Who is let in: everybody, whom one of the team admitted, or who brings a code that one of them made."""

from __future__ import annotations

from caseward.core.messages import Inbound
from caseward.desk import tools


def admitted(channel: str, inbound: Inbound) -> bool:
    """Return whether a message is answered; of any other only the address and the time are noted."""
    policy = tools.pack().channels.of(channel)
    return policy.access == "open" or inbound.address in policy.allow
