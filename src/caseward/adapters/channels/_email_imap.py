"""The mailbox by IMAP (RFC 3501, IDLE of RFC 2177): new mail, mails by their Message-ID, copies of what was sent.

The mailbox itself keeps what was taken: a mail that was heard gets the keyword `CasewardTaken`, on servers without
keywords it is marked as read. Uids are used within one session only, so a mailbox that was rebuilt changes nothing.
The first time, what somebody has read before is left alone.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import selectors
import ssl
from collections.abc import Callable, Iterator, Sequence
from threading import Event as Signal
from typing import Any

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from caseward.adapters.channels._email_ids import NAME, key_digest
from caseward.adapters.channels._email_smtp import Server
from caseward.core.errors import SystemDown

SECONDS = 30
IDLE_SECONDS = 60
"""How long one IDLE lasts before the mailbox is asked anyway. The first after a mail lasts one second: some servers
never tell what came between their last answer and IDLE."""
POLL_SECONDS = 20
"""Between two looks where the server has no IDLE."""
KEYWORD = "CasewardTaken"
MOST_BYTES = 40_000_000
"""The largest mail that is taken whole; of a larger one only the beginning."""
BEGINNING = 1_000_000
BATCH = 50
_SENT = re.compile(r"(?:.*[/.])?sent(?:[ -](?:items|mail|messages))?", re.IGNORECASE)


def listen(server: Server, hear: Callable[[bytes], None], over: Signal) -> None:
    """Call `hear` with each new mail until `over` is set. A mail is marked after `hear` has returned, not before.

    Raises SystemDown when the connection is lost.
    """
    with _open(server) as box:
        mark = _mark(box)
        idle = "IDLE" in _capabilities(box)
        while not over.is_set():
            heard = _take(box, mark, hear, over)
            if idle:
                _idle(box, over, seconds=1 if heard else IDLE_SECONDS)
            else:
                over.wait(POLL_SECONDS)


def find(server: Server, mail_id: str) -> list[bytes]:
    """Return the mails of the mailbox that have a Message-ID, whole; for `sha256:...`, the newest that have none.

    More than one may claim the same id: the caller looks which it means.
    """
    with _open(server) as box:
        if mail_id.startswith("<"):
            found = _search(box, f'HEADER MESSAGE-ID "{_quotable(mail_id)}"')
        else:
            found = _search(box, 'NOT HEADER MESSAGE-ID ""')
        return [body for uid in found[-BATCH:] if (body := _fetch(box, uid, most=MOST_BYTES))]


def sent(server: Server, key: str) -> str | None:
    """Return the Message-ID of the copy of what was sent under `key`, None where there is no copy."""
    with _open(server) as box:
        for folder in _sent_folders(box):
            box.folder.set(folder, readonly=True)
            for uid in _search(box, f'HEADER MESSAGE-ID "{key_digest(key)}"'):
                _, data = box.client.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
                for each in data:
                    if isinstance(each, tuple) and (named := re.search(rb"<[^<>\s]+>", each[1])):
                        return named[0].decode("ascii", "replace")
    return None


@contextlib.contextmanager
def _open(server: Server) -> Iterator[BaseMailBox]:
    """Yield the mailbox, signed in; whatever goes wrong with the connection is SystemDown."""
    try:
        box = _connected(server)
        try:
            box.login(server.user, server.password, initial_folder=server.folder or "INBOX")
            yield box
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
                box.logout()
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        raise SystemDown(NAME, f"{server}: {str(error)[:300] or type(error).__name__}") from error


def _connected(server: Server) -> BaseMailBox:
    context = ssl.create_default_context()
    if server.scheme == "imaps":
        return MailBox(server.host, server.port, timeout=SECONDS, ssl_context=context)
    if not server.near:
        return MailBoxStartTls(server.host, server.port, timeout=SECONDS, ssl_context=context)
    return MailBoxUnencrypted(server.host, server.port, timeout=SECONDS)


def _capabilities(box: BaseMailBox) -> set[str]:
    _, data = box.client.capability()
    return {word.upper() for line in data if line for word in line.decode("ascii", "replace").split()}


def _mark(box: BaseMailBox) -> str:
    """Return the flag for what was taken. With a keyword used for the first time, old mail that was read is taken."""
    allowed = b" ".join(
        each for each in box.client.untagged_responses.get("PERMANENTFLAGS", []) if isinstance(each, bytes)
    )
    if b"\\*" not in allowed and KEYWORD.encode() not in allowed:
        return "\\Seen"
    if not _search(box, f"KEYWORD {KEYWORD}") and (read := _search(box, "SEEN")):
        _flag(box, read, KEYWORD)
    return KEYWORD


def _take(box: BaseMailBox, mark: str, hear: Callable[[bytes], None], over: Signal) -> bool:
    """Hear what is new, the oldest first; return whether there was anything."""
    box.client.untagged_responses.pop("EXISTS", None)
    new = _search(box, "UNSEEN" if mark == "\\Seen" else f"UNKEYWORD {mark}")
    for uid in new:
        if over.is_set():
            break
        body = _fetch(box, uid)
        if body:
            hear(body)
        _flag(box, [uid], mark)
    return bool(new)


def _idle(box: BaseMailBox, over: Signal, *, seconds: int) -> None:
    """Wait until the server tells of something, or for a while; a second at a time, to end soon when it is over.

    What it told since the last look, with the answers to other commands, it does not tell again. Lines are not read
    here, for the end of one may still be on its way: what ends IDLE reads them.
    """
    box.idle.start()  # type: ignore[no-untyped-call]
    try:
        if "EXISTS" in box.client.untagged_responses:
            return
        for _ in range(seconds):
            if over.is_set() or _told(box, seconds=1):
                return
    finally:
        box.idle.stop()  # type: ignore[no-untyped-call]


def _told(box: BaseMailBox, *, seconds: float) -> bool:
    """Return whether the server said something, after waiting for it a while. It may lie in a buffer already, having
    come together with the answer to IDLE."""
    client: Any = box.client
    before = client.sock.gettimeout()
    client.sock.settimeout(0)
    try:
        if (getattr(client, "_file", None) or client.file).peek(1):
            return True
    except OSError:
        pass  # nothing there: a socket with TLS says so by an error
    finally:
        client.sock.settimeout(before)
    with selectors.DefaultSelector() as selector:
        selector.register(client.sock, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _search(box: BaseMailBox, criteria: str) -> list[str]:
    kind, data = box.client.uid("SEARCH", criteria)
    if kind != "OK":
        raise imaplib.IMAP4.error(f"SEARCH {criteria} is answered {kind}")
    found = b" ".join(each for each in data if each).split()
    return [uid.decode("ascii") for uid in sorted(found, key=int)]


def _fetch(box: BaseMailBox, uid: str, *, most: int | None = None) -> bytes:
    """Return a mail without marking it as read; empty for one that is gone meanwhile, or has more bytes than `most`."""
    _, sizes = box.client.uid("FETCH", uid, "(RFC822.SIZE)")
    found = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(each for each in sizes if isinstance(each, bytes)))
    size = int(found[1]) if found else 0
    if most is not None and size > most:
        return b""
    part = "BODY.PEEK[]" if size <= MOST_BYTES else f"BODY.PEEK[]<0.{BEGINNING}>"
    kind, data = box.client.uid("FETCH", uid, f"({part})")
    if kind != "OK":
        raise imaplib.IMAP4.error(f"FETCH is answered {kind}")
    return next((bytes(each[1]) for each in data if isinstance(each, tuple)), b"")


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _sent_folders(box: BaseMailBox) -> list[str]:
    """Return the folders of sent mail: those that the server calls so (RFC 6154), else by their usual names."""
    folders = box.folder.list()
    told = [each.name for each in folders if "\\Sent" in each.flags]
    return told or [each.name for each in folders if _SENT.fullmatch(each.name)]


def _flag(box: BaseMailBox, uids: Sequence[str], flag: str) -> None:
    for start in range(0, len(uids), BATCH):
        kind, data = box.client.uid("STORE", ",".join(uids[start : start + BATCH]), "+FLAGS.SILENT", f"({flag})")
        if kind != "OK":
            raise imaplib.IMAP4.error(f"STORE is answered {kind} {data!r}")
