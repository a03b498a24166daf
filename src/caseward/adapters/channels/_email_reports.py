"""Reports of mail servers and programs about what we sent: bounces, deliveries, receipts (RFC 3464, RFC 8098).

A report counts only when it names the Message-ID of a mail of ours, which nobody knows but who got that mail: so
nobody can have another's address struck off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import Message

from caseward.adapters.channels import _email_headers as headers
from caseward.adapters.channels import _email_ids as mail_ids
from caseward.adapters.channels import _email_parts as mail_parts
from caseward.core.events import Bounced, Delivery, Event, Status

LONGEST = 500
_ARRIVED = frozenset({"delivered", "relayed", "expanded"})


def read(mail: Message, domain: str, at: datetime) -> Sequence[Event] | None:
    """Return what a report says of a mail of ours, None when the mail is no such report."""
    kind = mail.get_content_type()
    if kind == "multipart/report":
        message_id = _original(mail, domain)
        form = str(mail.get_param("report-type") or "").lower()
        if message_id and form == "delivery-status":
            return list(_deliveries(mail, message_id, at))
        if message_id and form == "disposition-notification":
            return list(_receipts(mail, message_id, at))
    failed = [plain for each in headers.raw(mail, "x-failed-recipients") if (plain := mail_ids.address(each))]
    message_id = _original(mail, domain) if failed else ""
    if message_id:
        why = headers.text(mail, "subject")[:LONGEST]
        return [
            Bounced(channel=mail_ids.NAME, address=each, provider_id=message_id, text=why, at=at) for each in failed
        ]
    return None


def _deliveries(mail: Message, message_id: str, at: datetime) -> Iterator[Event]:
    """Yield what became of the mail for each recipient; that it is late is no news yet."""
    for fields in _fields(mail, "message/delivery-status"):
        action = headers.first(fields, "action").lower()
        status = headers.first(fields, "status")
        why = (headers.text(fields, "diagnostic-code") or status)[:LONGEST]
        recipient = headers.first(fields, "original-recipient") or headers.first(fields, "final-recipient")
        address = mail_ids.address(recipient.rpartition(";")[2])
        if action == "failed" and address and status.startswith("5"):
            yield Bounced(channel=mail_ids.NAME, address=address, provider_id=message_id, text=why, at=at)
        elif action == "failed":
            yield _status(message_id, Delivery.FAILED, at, f"{status} {why}".strip())
        elif action in _ARRIVED:
            yield _status(message_id, Delivery.DELIVERED, at)


def _receipts(mail: Message, message_id: str, at: datetime) -> Iterator[Event]:
    for fields in _fields(mail, "message/disposition-notification"):
        if headers.first(fields, "disposition").lower().rpartition(";")[2].strip().startswith("displayed"):
            yield _status(message_id, Delivery.READ, at)


def _status(message_id: str, state: Delivery, at: datetime, error: str = "") -> Status:
    return Status(channel=mail_ids.NAME, provider_id=message_id, state=state, at=at, error=error)


def _original(mail: Message, domain: str) -> str:
    """Return the Message-ID of the mail of ours that a report is about, empty when it names none."""
    named: list[str] = []
    for part in _walk(mail):
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/rfc822-headers"):
            named += mail_ids.ids(_line(mail_parts.content_of(part), b"message-id"))
        elif kind == "message/disposition-notification":
            for fields in _fields(mail, kind):
                named += mail_ids.ids(headers.first(fields, "original-message-id"))
        elif part is not mail:
            named += mail_ids.ids(headers.first(part, "message-id"))
    named += mail_ids.ids(headers.first(mail, "in-reply-to")) + mail_ids.ids(headers.first(mail, "references"))
    return next((each for each in named if mail_ids.is_ours(each, domain)), "")


def _line(block: bytes, name: bytes) -> str:
    for line in block.splitlines():
        field, _, value = line.partition(b":")
        if field.strip().lower() == name:
            return value.decode("ascii", "replace")
    return ""


def _fields(mail: Message, kind: str) -> Iterator[Message]:
    """Yield the groups of fields of a report: those about each recipient stand apart."""
    for part in _walk(mail):
        if part.get_content_type() == kind:
            payload = part.get_payload()
            yield from (each for each in payload if isinstance(each, Message)) if isinstance(payload, list) else ()


def _walk(mail: Message) -> list[Message]:
    """Return the parts of a report, and of what stands in it, three levels deep: reports are flat."""
    found, level = [mail], [mail]
    for _ in range(3):
        level = [
            child
            for part in level
            if isinstance(part.get_payload(), list)
            for child in part.get_payload()
            if isinstance(child, Message)
        ][: mail_parts.MOST_PARTS]
        found += level
    return found
