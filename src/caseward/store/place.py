"""Where the database is: the one the settings name, or our own under the data folder, apart for a demo."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from caseward.core.errors import BadInput
from caseward.settings import DEFAULT_PACK, Settings
from caseward.store import db, migrate, seals, vault
from caseward.store.embedded import Embedded

DEMO_FOLDER = "demo"
"""Where below the data folder a demo keeps its database, apart from a real desk's and from demos of other packs."""


def connect(settings: Settings, stack: ExitStack, *, demo: bool) -> str:
    """Connect the store to the database, starting the embedded one when no other is named; return its address."""
    return _connect(settings, stack, _folder(settings, demo=demo))


def _connect(settings: Settings, stack: ExitStack, folder: Path) -> str:
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    else:
        server = Embedded(folder)
        stack.callback(server.stop)
        url = server.url
    stack.callback(db.disconnect)
    db.connect(url)
    vault.use(settings.secrets)
    return url


def look_in(settings: Settings, stack: ExitStack, *, new: bool = False) -> str:
    """Connect the store to the database that a command is about and return its address.

    Without an address in the settings that is the embedded one in use, a real desk's before a demo's. Raises BadInput
    when there is none yet, unless it may be a `new` one.
    """
    demos = dict.fromkeys((_folder(settings, demo=True), *sorted(settings.data.glob(f"{DEMO_FOLDER}*"))))
    there = [folder for folder in (settings.data, *demos) if Embedded.exists(folder)]
    if settings.database_url is None and not there and not new:
        raise BadInput(
            f"there is no database under {settings.data} yet; start `caseward serve` or `caseward demo` once"
        )
    chosen = next((each for each in there if Embedded.in_use(each)), there[0] if there else settings.data)
    url = _connect(settings, stack, chosen)
    if new:
        migrate.upgrade(url)
        return url
    at = migrate.current(url)
    if at is None:
        raise BadInput("this database holds no desk yet; start `caseward serve` once")
    if at != migrate.head():
        raise BadInput("this database was made by another version of caseward; start `caseward serve` of this one once")
    return url


def is_new(settings: Settings, *, demo: bool) -> bool:
    """Return whether there is no database yet, so that the next start makes one of our own."""
    return settings.database_url is None and not Embedded.exists(_folder(settings, demo=demo))


def shelf(settings: Settings, *, demo: bool) -> Path:
    """Return the folder in which the releases that are served are laid out."""
    return _folder(settings, demo=demo) / "releases"


def _folder(settings: Settings, *, demo: bool) -> Path:
    if not demo:
        return settings.data
    own = settings.pack.name
    return settings.data / (DEMO_FOLDER if own == DEFAULT_PACK else f"{DEMO_FOLDER}-{own}")


def forget_demo(settings: Settings) -> None:
    """Remove the embedded database of earlier demos; raise CasewardError while one runs."""
    if settings.database_url is not None:
        raise BadInput("--fresh forgets the embedded demo; with CASEWARD_DATABASE_URL, name an empty database instead")
    Embedded.wipe(_folder(settings, demo=True))


def seal_key(settings: Settings) -> Ed25519PrivateKey:
    """Return what the log's head is signed with."""
    return seals.key(settings.signing_secret())


def trusted(settings: Settings) -> Ed25519PublicKey:
    """Return the key that the log's heads must be signed with."""
    return seal_key(settings).public_key()
