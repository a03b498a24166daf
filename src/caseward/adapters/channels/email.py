"""E-mail: a mailbox read by IMAP, a server that sends by SMTP.

A mail has no limit worth the name; a letter of more than 20,000 characters is none (`longest`). Nothing forbids
writing at any time (`window`); servers count on people's pace (`pace`). Identity is what our own server found of a
mail (DMARC, DKIM, SPF), never its From line; `Reply-To` is not believed at all: an answer goes to who wrote.
The Message-ID follows from the outbox key, so a repeat is recognised by whoever gets it, and an unknown sending is
settled by the copy in the folder of sent mail, where the server keeps one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event as Signal

from caseward.adapters.channels import _email_ids as mail_ids
from caseward.adapters.channels import _email_imap, _email_parts, _email_read, _email_smtp, _email_write
from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Event
from caseward.core.messages import Reply
from caseward.core.ports import Fetched, Pace, Payload
from caseward.settings import Settings

SMTP_PORTS = {"smtp": 587, "smtps": 465}
IMAP_PORTS = {"imap": 143, "imaps": 993}


class Email:
    """One mailbox with one address."""

    name = mail_ids.NAME
    pull = False
    longest = 20_000
    window: timedelta | None = None
    pace = Pace(a_second=2, seconds_between=10)

    def __init__(self, address: str, *, smtp_url: str, imap_url: str = "", trusted_server: str = "") -> None:
        self._address, self._trusted = mail_ids.address(address) or address.lower(), trusted_server
        self._domain = mail_ids.domain_of(self._address)
        self._smtp = _email_smtp.Server.of(smtp_url, SMTP_PORTS)
        self._imap = _email_smtp.Server.of(imap_url, IMAP_PORTS) if imap_url else None
        self.listens = self._imap is not None

    # --- what goes out ---

    def render(self, reply: Reply) -> Payload:
        """Return a mail of plain words: `subject` (naming the case), `text`, and the ids that it answers."""
        return _email_write.payload(reply)

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Send a mail and return its Message-ID, which is the same for the same payload and key."""
        message_id = mail_ids.own_id(key, str(payload.get("case", "")), self._domain)
        mail = _email_write.mail(address, payload, sender=self._address, message_id=message_id)
        _email_smtp.send(self._smtp, self._address, mail_ids.address(address), mail)
        return message_id

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the Message-ID of the copy among the sent mails. Raise SystemDown where there is none: not every
        server keeps copies, so a missing one proves nothing, and a person looks."""
        if self._imap and (found := _email_imap.sent(self._imap, key)):
            return found
        raise SystemDown(self.name, "no copy is among the sent mails; ask the mail server's log and settle it by hand")

    # --- what comes in ---

    def listen(self, hear: Callable[[bytes], None], over: Signal) -> None:
        """Hear each new mail of the mailbox until it is over."""
        if self._imap is None:
            raise SystemDown(self.name, "no mailbox is set; give CASEWARD_EMAIL_IMAP_URL")
        _email_imap.listen(self._imap, hear, over)

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what one mail says."""
        return _email_read.parse(body, own=self._address, trusted=self._trusted)

    def fetch(self, ref: str, *, most: int) -> Fetched:
        """Return a file of a mail that is still in the mailbox, exactly as it was when the mail was read."""
        mail_id, place, digest = _ref(ref)
        if self._imap is None:
            raise Undeliverable(self.name, "gone", "no mailbox is set to fetch a file from")
        for body in _email_imap.find(self._imap, mail_id):
            files = _email_parts.take_apart(_email_read.read(body)).files
            if place < len(files) and files[place].digest == digest:
                content = files[place].content
                if len(content) > most:
                    raise Undeliverable(self.name, "too_large", f"{len(content)} bytes; {most} are taken")
                return Fetched(content=content, mime=files[place].mime)
        raise Undeliverable(self.name, "gone", "the mailbox has no such mail any more, or not with this file")


def channel(settings: Settings) -> Email | None:
    """Return the channel, None where the address or the server that sends is not given."""
    if not settings.email_address or settings.email_smtp_url is None:
        return None
    return Email(
        settings.email_address,
        smtp_url=settings.email_smtp_url.get_secret_value(),
        imap_url=settings.email_imap_url.get_secret_value() if settings.email_imap_url else "",
        trusted_server=settings.email_trusted_server,
    )


def _ref(ref: str) -> tuple[str, int, str]:
    mail_id, _, rest = ref.rpartition("#")[0].rpartition("#")
    if not mail_id or not rest.isdecimal():
        raise Undeliverable(mail_ids.NAME, "reference", f"{ref!r} names no file of a mail")
    return mail_id, int(rest), ref.rpartition("#")[2]
