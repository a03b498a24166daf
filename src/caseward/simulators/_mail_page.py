"""What the page of the simulated mail shows and does, and the reports that its server sends."""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import format_datetime, formataddr, getaddresses
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from caseward.simulators import showing
from caseward.simulators._mail_post import Handed

if TYPE_CHECKING:
    from caseward.simulators.mail import Mail

SHOWN = 200
"""Mails that the page shows, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A mail that was sent to somebody."""

    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    honest: bool
    at: datetime


def routes(mail: Mail) -> list[Route]:
    """Return the routes of the page."""

    def send(given: Mapping[str, Any]) -> dict[str, str]:
        who, text = str(given["who"]).strip(), str(given["text"]).strip()
        if not text:
            raise ValueError("write something first")
        if "@" not in who.strip("@"):
            raise ValueError("an address such as ana@example.com is needed")
        try:
            files = [_file(each) for each in given.get("files", ())]
        except binascii.Error as error:
            raise ValueError("a file did not arrive whole") from error
        who = formataddr((mail.people.get(who.lower(), ""), who))
        subject = " ".join(str(given.get("subject", "")).split())
        sent = mail.send(who, subject, text, authentic=not given.get("forged"), attachments=files,
                         reply_to=str(given.get("reply_to", "")))  # fmt: skip
        return {"id": sent}

    def fail(given: Mapping[str, Any]) -> None:
        {"defer": mail.defer, "reject": mail.reject, "cut": mail.cut}[str(given["how"])]()

    def vanish(given: Mapping[str, Any]) -> None:
        mail.vanish(address_of(str(given["who"])))

    return showing.routes("mail", "Mail", state=mail.state, acts={"send": send, "fail": fail, "vanish": vanish})


def _file(given: Mapping[str, Any]) -> tuple[str, str, bytes]:
    content = binascii.a2b_base64(str(given["data"]), strict_mode=True)
    return str(given["name"]), str(given["mime"]) or "application/octet-stream", content


def shown(kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """Return mails as the page shows them."""
    return [_mail(each) for each in kept[-SHOWN:]]


def _mail(kept: Kept) -> dict[str, Any]:
    mail = message_from_bytes(kept.raw, policy=policy.default)
    body = mail.get_body(("plain", "html"))
    return {
        "id": str(mail.get("Message-ID", "")),
        "from": kept.sender,
        "to": list(kept.recipients),
        "subject": str(mail.get("Subject", "")),
        "text": body.get_content() if body else "",
        "files": [each.get_filename() or "file" for each in mail.iter_attachments()],
        "honest": kept.honest,
        "at": kept.at.isoformat(),
    }


def address_of(header: str) -> str:
    """Return the first address of a header, in lower case."""
    return next((address.lower() for _, address in getaddresses([header]) if "@" in address), "")


def report(handed: Handed, recipient: str, *, server: str, at: datetime) -> bytes:
    """Return the report that a mail could not be delivered (RFC 3464)."""
    head = handed.content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    lines = [
        "Return-Path: <>", f"From: Mail Delivery System <MAILER-DAEMON@{server}>", f"To: {handed.sender}",
        "Subject: Undelivered Mail Returned to Sender", f"Date: {format_datetime(at)}",
        f"Message-ID: <bounce.{abs(hash(handed.content)):x}@{server}>", "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=delivery-status; boundary="=report"', "",
        "--=report", "Content-Type: text/plain", "", f"The mail to {recipient} could not be delivered.", "",
        "--=report", "Content-Type: message/delivery-status", "", f"Reporting-MTA: dns; {server}", "",
        f"Final-Recipient: rfc822; {recipient}", "Action: failed", "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 No such mailbox", "",
        "--=report", "Content-Type: text/rfc822-headers", "", head, "", "--=report--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()
