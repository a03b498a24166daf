"""Names of things, so that a case id cannot be passed where a contact id is meant."""

import secrets
from typing import NewType

ContactId = NewType("ContactId", str)
ConversationId = NewType("ConversationId", str)
CaseId = NewType("CaseId", str)
DraftId = NewType("DraftId", str)
ApprovalId = NewType("ApprovalId", str)
TaskId = NewType("TaskId", str)
OutboxId = NewType("OutboxId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new(prefix: str) -> str:
    """Return a fresh id such as `case_7h2k...`: 80 random bits, safe in URLs, without look-alike letters."""
    bits = secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(0, 80, 5))
