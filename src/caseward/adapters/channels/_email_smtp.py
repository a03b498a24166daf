"""Handing a mail over by SMTP (RFC 5321), so that it is known afterwards whether it went out.

Until the final dot has been sent the server has taken nothing. From then on only its answer says whether it has: no
answer means that nobody knows.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from caseward.adapters.channels._email_ids import NAME
from caseward.core.errors import SystemDown, Undeliverable

SECONDS = 30
"""How long one answer is waited for; the one to the final dot twice as long, for some look the mail through first."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_OURS_TO_MEND = frozenset({530, 534, 535, 538})
"""Refusals of who asks, not of what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server, with how to sign in to it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str = ""

    @classmethod
    def of(cls, url: str, ports: dict[str, int]) -> Server:
        """Return the server that an address names; its scheme says which port is usual."""
        parts = urlsplit(url)
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or ports[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            folder=unquote(parts.path.strip("/")),
        )

    def __repr__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def near(self) -> bool:
        """Whether it is on this machine, so that nobody listens on the way."""
        return self.host in LOOPBACK


def send(server: Server, sender: str, recipient: str, mail: bytes, *, seconds: float = SECONDS) -> None:
    """Hand one mail over.

    Raises:
        SystemDown: it surely did not go out; later it may.
        Undeliverable: it surely did not and never will.
        ConnectionError: the server fell silent after the final dot: it may have gone out.
    """
    with _surely_not():
        smtp = _connected(server, seconds)
    try:
        with _surely_not():
            _require(smtp.mail(sender, ["BODY=8BITMIME"] if not mail.isascii() else []))
            _require(smtp.rcpt(recipient))
            _require(smtp.docmd("DATA"), wanted=354)
            smtp.send(_stuffed(mail))
        _finish(smtp, seconds)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.quit()
    finally:
        smtp.close()


def _connected(server: Server, seconds: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if server.scheme == "smtps":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=seconds)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif server.scheme == "smtp" and server.user and not server.near:
            raise SystemDown(NAME, f"{server} offers no TLS, and a password is not sent without; use smtps://")
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


@contextlib.contextmanager
def _surely_not() -> Iterator[None]:
    """Turn whatever goes wrong before the final dot into what it means: the mail did not go out."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        raise SystemDown(NAME, _why(error)) from error


def _finish(smtp: smtplib.SMTP, seconds: float) -> None:
    """End the mail and take the server's word on it."""
    try:
        if smtp.sock is not None:
            smtp.sock.settimeout(seconds * 2)
        smtp.send(b".\r\n")
        answer = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise ConnectionError(f"email: no answer after the mail was handed over ({_why(error)})") from error
    _require(answer)


def _require(answer: tuple[int, bytes], *, wanted: int = 250) -> None:
    code, words = answer
    if code == wanted or (wanted == 250 and 200 <= code < 300):
        return
    why = f"{code} {words.decode('utf-8', 'replace')}"[:500]
    if 500 <= code < 600 and code not in _OURS_TO_MEND:
        raise Undeliverable(NAME, str(code), why)
    raise SystemDown(NAME, why)


def _stuffed(mail: bytes) -> bytes:
    """Return a mail with CRLF at each line's end and a dot doubled where a line begins with one."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", mail)
    dotted = re.sub(rb"(?m)^\.", b"..", lines)
    return dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n"


def _why(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]
