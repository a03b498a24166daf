"""The server that takes mail by SMTP: who may send as whom, what it writes on top, what goes wrong when told to."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import format_datetime, parseaddr
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one mail."""

    answer: str = ""
    """Said in place of taking it, such as `451 4.3.0 try again`; empty for a connection that breaks."""
    late: bool = False
    """Whether it goes wrong only after the whole mail has been handed over."""
    kept: bool = False
    """Whether the mail is delivered all the same, and only the answer is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A mail as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    login: str
    """The account that signed in; empty for a mail from elsewhere."""


class Post:
    """The handler that aiosmtpd calls."""

    def __init__(self, password: str, take: Callable[[Handed], Awaitable[None]], told: Callable[..., None]) -> None:
        self._password, self._take, self._told = password, take, told
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own old ways at each sign-in
        self.faults: deque[Fault] = deque()

    def protocol(self, host: str, tls: Any = None) -> SMTP:
        """Return what talks on one connection."""
        return SMTP(
            self, hostname=host, ident="Simulated mail", authenticator=self._sign_in, auth_require_tls=False,
            enable_SMTPUTF8=True, tls_context=tls,
        )  # fmt: skip

    def _sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password.decode() == self._password
        return AuthResult(success=right, handled=False, auth_data=data.login.decode().lower() if right else None)

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, unless something goes wrong."""
        if self.faults and not self.faults[0].late:
            return self._fail(server, envelope, address)
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address):
            return "501 5.1.3 Bad recipient address syntax"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the whole mail, unless something goes wrong."""
        content = envelope.content
        handed = Handed(
            sender=(envelope.mail_from or "").lower(),
            recipients=tuple(each.lower() for each in envelope.rcpt_tos),
            content=content.encode() if isinstance(content, str) else content or b"",
            login=str(session.auth_data or ""),  # type: ignore[redundant-expr]  # None before somebody signs in
        )
        if self.faults and self.faults[0].late:
            if self.faults[0].kept:
                await self._take(handed)
            return self._fail(server, envelope, ", ".join(handed.recipients))
        await self._take(handed)
        return "250 2.0.0 OK, taken"

    def _fail(self, server: SMTP, envelope: Envelope, recipient: str) -> str:
        fault = self.faults.popleft()
        self._told("desk → server", f"mail to {recipient}", fault.answer[:3] or "cut", sent=str(envelope.mail_from))
        if not fault.answer and server.transport is not None:
            server.transport.close()
        return fault.answer or "421 4.3.0 going away"


def sealed(handed: Handed, recipient: str, *, server: str, honest: bool, at: Any) -> bytes:
    """Return a mail as it lies in a mailbox: with what the server that took it writes on top.

    The server strips what others wrote under its own name (RFC 8601, section 5), and says what it found.
    """
    mail = message_from_bytes(handed.content, policy=policy.compat32)
    domain = parseaddr(str(mail.get("From", "")))[1].rpartition("@")[2].lower()
    said = "pass" if honest else "fail"
    top = [
        f"Return-Path: <{handed.sender}>",
        f"Received: from {domain or 'unknown'} by {server} with ESMTP for <{recipient}>;\r\n {format_datetime(at)}",
        f"Authentication-Results: {server};\r\n dmarc={said} (p=quarantine) header.from={domain};\r\n"
        f" spf={said} smtp.mailfrom={handed.sender}",
    ]
    head, gap, body = handed.content.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head)
    theirs = re.compile(rb"(?is)authentication-results\s*:\s*" + re.escape(server.encode()) + rb"\b")
    kept = b"\r\n".join(field for field in fields if not theirs.match(field))
    return "\r\n".join(top).encode() + b"\r\n" + kept + gap + body
