"""Mailboxes that are read by IMAP: pymap's server, its mails in memory, an account for whoever is written to."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from datetime import UTC, datetime

from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, DictBackend, Identity
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag, Wildcard
from pymap.parsing.specials.objectid import ObjectId
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

SENT = "Sent"


class _Keywords(MailboxData):
    """A mailbox whose mails take any keyword, as most servers have it."""

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return super().permanent_flags | {Wildcard}


class _Folders(MailboxSet):
    """The folders of one account."""

    def __init__(self, *, keywords: bool) -> None:
        super().__init__()
        self._kind = _Keywords if keywords else MailboxData
        self._inbox = self._made()

    async def add_mailbox(self, name: str) -> ObjectId:
        """Make a folder and return its id."""
        self._set[name] = made = self._made()
        return made.mailbox_id

    def _made(self) -> MailboxData:
        return self._kind(self._content_cache, self._thread_cache)


class Boxes:
    """All accounts of the server. To be used on one event loop."""

    def __init__(self, password: str, *, keywords: bool, idle: bool) -> None:
        self._password, self._keywords = password, keywords
        options = Namespace(host=None, port=0, debug=False, cert=None, key=None, tls=False, proxy_protocol=None,
                            passlib_cfg=None, demo_data=False, demo_user="", demo_password="")  # fmt: skip
        self._options, self._idle = options, idle
        self._backend: DictBackend | None = None

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Begin to listen, and return what listens."""
        self._backend, config = await DictBackend.init(
            self._options, hash_context=Cleartext(), disable_idle=not self._idle, secure_auth=False
        )
        config.apply_context()
        reader = ProxyProtocolReader(ProxyProtocolNoop())
        return await asyncio.start_server(reader.get_callback(IMAPServer(self._backend.login, config)), host, port)

    async def open(self, address: str) -> MailboxSet:
        """Return the folders of an account, which is made when there is none yet."""
        if self._backend is None:
            raise RuntimeError("serve first")
        config: Config = self._backend.config
        if address not in self._backend.login.users_dict:
            user = UserMetadata(config, address, password=self._password)
            await Identity(address, self._backend.login, None, frozenset()).set(user)
            folders = _Folders(keywords=self._keywords)
            await folders.add_mailbox(SENT)
            config.set_cache[address] = (folders, FilterSet())
        return config.set_cache[address][0]

    async def put(self, address: str, mail: bytes, *, folder: str = "INBOX", flags: tuple[bytes, ...] = ()) -> None:
        """Put a mail into a folder."""
        box = await (await self.open(address)).get_mailbox(folder)
        await box.append(AppendMessage(mail, datetime.now(UTC), frozenset(map(Flag, flags))), recent=True)
