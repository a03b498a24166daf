"""What Meta's error codes mean for a message that was to be sent; docs/channels/whatsapp.md has the table in words.

An error that Meta answers itself, with a code, says that the message was refused: it did not go out. What is left is
unknown: an answer that never came, or a failure inside Meta that names no reason.
Source: Meta's "WhatsApp Business Platform, Error codes".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from caseward.core.errors import SystemDown, Undeliverable

NAME = "whatsapp"
CLOSED = 131047
"""More than 24 hours since the contact last wrote: only approved wording is taken."""
PASSING = frozenset({2, 4, 80007, 130429, 131016, 131048, 131056, 131057, 133004})
"""Outages and rates: the same message is taken later."""
VAGUE = frozenset({1, 131000})
"""Something went wrong at Meta: refused for now when answered as a refusal (4xx), else nobody knows."""
OURS = frozenset(
    {0, 3, 10, 33, 190, *range(200, 300), 368, 131005, 131031, 131037, 131042, 131045, 133005, 133006, 133010, 133015}
)
"""The account, its number or its token is at fault, not the message: nothing goes out until a person has mended it."""
TOKEN = frozenset({0, 190})
MISSING_OBJECT = 33
"""Subcode of 100: our number's id does not exist, or the token has no right to it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an answer of the Graph API says went wrong."""

    status: int
    """HTTP."""
    code: int | None = None
    """Meta's; None when the answer is not Meta's."""
    subcode: int | None = None
    said: str = ""

    @property
    def why(self) -> str:
        """Return code and words, for a person."""
        return f"{self.status if self.code is None else self.code}: {self.said or 'no reason given'}"

    @classmethod
    def of(cls, status: int, answer: Any) -> Fault:
        """Return what an answer says; whatever is not of Meta's form has no code."""
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or not isinstance(error.get("code"), int):
            return cls(status=status)
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else None
        subcode = error.get("error_subcode")
        return cls(
            status=status,
            code=error["code"],
            subcode=subcode if isinstance(subcode, int) else None,
            said=str(details or error.get("message") or "")[:500],
        )


def refusal(fault: Fault) -> Exception:
    """Return what is to be raised for a message that was not taken.

    SystemDown for what surely did not go out and goes later, Undeliverable for what never will, RuntimeError for what
    may have gone out all the same.
    """
    code = fault.code
    if code in OURS or (code == 100 and fault.subcode == MISSING_OBJECT):
        mend = (
            "the access token is refused: give a new one in CASEWARD_WHATSAPP_TOKEN"
            if code in TOKEN
            else "the account or its number is refused: see WhatsApp Manager"
        )
        _log.error("whatsapp takes no message at all: %s (%s)", mend, fault.why)
        return SystemDown(NAME, f"{mend} ({fault.why})")
    if code in PASSING or (code in VAGUE and fault.status < 500):
        return SystemDown(NAME, fault.why)
    if code is None and fault.status in (429, 503):
        return SystemDown(NAME, fault.why)
    if fault.status >= 500 and (code is None or code in VAGUE):
        return RuntimeError(f"whatsapp answered {fault.why}; it may have been sent all the same")
    return Undeliverable(NAME, str(fault.status if code is None else code), fault.said, closed=code == CLOSED)
