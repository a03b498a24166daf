"""Mail on loopback: a server that takes mail by SMTP (aiosmtpd) and one from which it is read by IMAP (pymap), with a
mailbox for the desk and for everybody else who is written to or who writes.

Its page plays the customers. Whoever sends signed in as who they say they are is found authentic; a forged mail gets
`dmarc=fail`, as a large provider's server would have it.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import threading
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Self, TypeVar

from starlette.applications import Starlette

from caseward.simulators import _mail_page as page
from caseward.simulators._mail_boxes import SENT, Boxes
from caseward.simulators._mail_post import Fault, Handed, Post, sealed
from caseward.simulators.serving import HOST

DESK = "desk@studio.example"
SERVER = "mx.studio.example"
"""Under this name the server says what it found of a mail."""
PASSWORD = "mail"  # noqa: S105 a toy's, and everybody's
SECONDS = 10

T = TypeVar("T")


class Mail:
    """One mail server. `with Mail() as mail:` starts it; so does serving its page, `app`."""

    def __init__(
        self, *, desk: str = DESK, smtp_port: int = 0, imap_port: int = 0, keywords: bool = True, idle: bool = True,
        keeps_sent: bool = True, tls: ssl.SSLContext | None = None, people: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Set up a server.

        Args:
            desk: the desk's address.
            smtp_port: where mail is taken; 0 for any port that is free.
            imap_port: where mail is read.
            keywords: whether mails take keywords besides the flags that every server has.
            idle: whether the server tells of new mail by itself.
            keeps_sent: whether what somebody sends is kept in their folder of sent mail.
            tls: with which STARTTLS is offered by SMTP.
            people: address → name of those whose mailboxes the page offers.
        """
        self.desk, self._ports, self._keeps_sent, self._tls = desk, (smtp_port, imap_port), keeps_sent, tls
        self._boxes = Boxes(PASSWORD, keywords=keywords, idle=idle)
        self._post = Post(PASSWORD, self._take, self.told)
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None
        self._over: asyncio.Event | None = None
        self.smtp_url = self.imap_url = ""
        self.people = {address.lower(): name for address, name in (people or {}).items()}
        self.kept: list[page.Kept] = []
        self.gone: set[str] = set()
        """Addresses for which mail is taken, and sent back with a report."""
        self.wire: deque[dict[str, Any]] = deque(maxlen=100)
        self.version = 0
        self.app = Starlette(routes=page.routes(self), lifespan=self._lifespan)

    # --- people ---

    def send(
        self, from_: str, subject: str, text: str, *, to: str = "", authentic: bool = True, reply_to: str = "",
        html: str = "", attachments: Sequence[tuple[str, str, bytes]] = (), headers: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        """Have somebody write a mail, and return its Message-ID.

        Args:
            from_: as it stands in the mail: `ana@example.com` or `Ana <ana@example.com>`.
            subject: of the mail.
            text: its plain words.
            to: the desk where empty.
            authentic: whether it really comes from there.
            reply_to: Message-ID of the mail that it answers.
            html: the same words as a page.
            attachments: name, type and content of each.
            headers: more headers.
        """
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = from_, to or self.desk, subject
        address = mail["From"].addresses[0].addr_spec.lower()
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{next(self._numbers)}.{id(mail):x}@{address.rpartition('@')[2]}>"
        if reply_to:
            mail["In-Reply-To"] = mail["References"] = reply_to
        for name, value in (headers or {}).items():
            mail[name] = value
        mail.set_content(text)
        if html:
            mail.add_alternative(html, subtype="html")
        for name, kind, content in attachments:
            main, _, sub = kind.partition("/")
            mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
        login = address if authentic else ""
        handed = Handed(sender=address, recipients=(to or self.desk,), content=mail.as_bytes(), login=login)
        self._run(self._take(handed))
        return str(mail["Message-ID"])

    def put(self, raw: bytes, *, to: str = "") -> None:
        """Put a mail into the mailbox exactly as it is given."""
        self._run(self._boxes.put(to or self.desk, raw))

    def inbox(self, address: str) -> list[EmailMessage]:
        """Return what somebody got, the oldest first."""
        with self._lock:
            raws = [each.raw for each in self.kept if address in each.recipients]
        return [message_from_bytes(raw, policy=policy.default) for raw in raws]

    # --- what goes wrong ---

    def defer(self, times: int = 1, *, late: bool = False) -> None:
        """Have the next mails put off: `late` only after they were handed over."""
        self.fail("451 4.7.1 Please try again later", times, late=late)

    def reject(self, times: int = 1, *, late: bool = False) -> None:
        """Have the next mails refused for good."""
        self.fail("550 5.1.1 No such mailbox here", times, late=late)

    def fail(self, answer: str, times: int = 1, *, late: bool = False) -> None:
        """Have the next mails answered by this, such as `530 5.7.0 Sign in first`."""
        self._post.faults.extend([Fault(answer=answer, late=late)] * times)

    def cut(self, times: int = 1, *, late: bool = True, kept: bool = True) -> None:
        """Have the connection break: after the mail was handed over, with it `kept` or not, or before."""
        self._post.faults.extend([Fault(late=late, kept=kept)] * times)

    def vanish(self, address: str) -> None:
        """Have mail to an address come back from now on, or no longer."""
        with self._lock:
            self.gone.symmetric_difference_update({address})
            self.version += 1

    # --- the server ---

    def __enter__(self) -> Self:
        """Start both servers in a thread, once; raise OSError where a port is taken."""
        if self._thread is None:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._main, args=(ready,), name="mail", daemon=True)
            self._thread.start()
            ready.wait()
            if self._failed:
                raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        """Stop them."""
        if self._thread and self._loop and self._over:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(SECONDS)
            self._thread = self._loop = None

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        if self._thread:  # it was started, and will be stopped, by somebody else
            yield
            return
        await asyncio.to_thread(self.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(self.__exit__)

    def _main(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            self._failed = error
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        smtp_port, imap_port = self._ports
        loop = asyncio.get_running_loop()
        async with (
            await self._boxes.serve(HOST, imap_port) as imap,
            await loop.create_server(lambda: self._post.protocol(SERVER, self._tls), HOST, smtp_port) as smtp,
        ):
            await self._boxes.open(self.desk)
            user = self.desk.replace("@", "%40")
            self.smtp_url = f"smtp://{user}:{PASSWORD}@{HOST}:{smtp.sockets[0].getsockname()[1]}"
            self.imap_url = f"imap://{user}:{PASSWORD}@{HOST}:{imap.sockets[0].getsockname()[1]}"
            self._loop, self._over = loop, asyncio.Event()
            ready.set()
            await self._over.wait()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise ValueError("the mail server is not started")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    async def _take(self, handed: Handed) -> None:
        """Put a mail into every mailbox that it is for."""
        mail = message_from_bytes(handed.content, policy=policy.compat32)
        claimed = page.address_of(str(mail.get("From", "")))
        honest = handed.login != "" and handed.login == claimed
        at = datetime.now(UTC)
        for recipient in handed.recipients:
            if recipient in self.gone:
                await self._boxes.put(handed.sender, page.report(handed, recipient, server=SERVER, at=at))
                continue
            raw = sealed(handed, recipient, server=SERVER, honest=honest, at=at)
            await self._boxes.put(recipient, raw)
        if handed.login and self._keeps_sent:
            await self._boxes.open(handed.login)
            await self._boxes.put(handed.login, handed.content, folder=SENT, flags=(b"\\Seen",))
        with self._lock:
            self.kept.append(page.Kept(raw=handed.content, sender=claimed, recipients=handed.recipients,
                                       honest=honest, at=at))  # fmt: skip
        way = "desk → people" if claimed == self.desk else "people → desk"
        self.told(way, str(mail.get("Subject", "")), "250", sent=handed.content[:4000].decode("utf-8", "replace"))

    def told(self, way: str, what: str, status: str, *, sent: str = "") -> None:
        """Remember what went over the wire."""
        with self._lock:
            self.version += 1
            entry = {"id": self.version, "at": datetime.now(UTC).isoformat(), "way": way, "what": what,
                     "status": status, "ok": status.startswith("2"), "sent": sent, "answered": ""}  # fmt: skip
            self.wire.appendleft(entry)

    def state(self, after: int) -> dict[str, Any] | None:
        """Return what the page shows, if it has changed since version `after`."""
        with self._lock:
            if self.version == after:
                return None
            return {"version": self.version, "desk": self.desk, "mails": page.shown(self.kept), "wire": list(self.wire),
                    "smtp": self.smtp_url, "imap": self.imap_url, "gone": sorted(self.gone),
                    "people": [{"address": each, "name": name} for each, name in self.people.items()]}  # fmt: skip
