"""What the database keeps and must not tell: sealed with a key that is not in it, which comes from the desk's secret.

A value tells whether it is sealed, so one that was stored before there was a key, or under the secret before, is read
all the same; `factors.keep_sealed` seals those anew at every start.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence

from cryptography.fernet import Fernet, InvalidToken

from caseward.core.errors import Conflict

MARK = "sealed:"


class KeyLost(Conflict):
    """A value was sealed under a secret that this desk was not given."""

    code = "key_lost"


class _Vault:
    def __init__(self, secrets: Callable[[], Sequence[str]]) -> None:
        self._secrets = secrets
        self._keys: tuple[Fernet, ...] = ()

    @property
    def keys(self) -> tuple[Fernet, ...]:
        if not self._keys:  # the secret may have to be made first, which only what needs it should do
            self._keys = tuple(_key(each) for each in self._secrets())
        return self._keys


_vault: _Vault | None = None


def use(secrets: Callable[[], Sequence[str]] | None) -> None:
    """Seal with the first of these secrets from now on, and open with any; they are asked for when first needed."""
    global _vault
    _vault = _Vault(secrets) if secrets else None


def seal(value: str) -> str:
    """Return a value as it is stored; nothing stays nothing."""
    return MARK + _keys()[0].encrypt(value.encode()).decode() if value else ""


def open_(stored: str) -> str:
    """Return a value that was stored, sealed or not; raise KeyLost where none of our secrets opens it."""
    if not stored.startswith(MARK):
        return stored
    for key in _keys():
        try:
            return key.decrypt(stored.removeprefix(MARK)).decode()
        except InvalidToken:
            continue
    raise KeyLost("this was sealed under another secret; give that one as CASEWARD_FORMER_SECRET and start again")


def is_current(stored: str) -> bool:
    """Return whether a value is sealed with the secret that we seal with now."""
    try:
        return stored.startswith(MARK) and bool(_keys()[0].decrypt(stored.removeprefix(MARK)))
    except InvalidToken:
        return False


def _keys() -> tuple[Fernet, ...]:
    if _vault is None:
        raise RuntimeError("no secret was given to seal with")
    return _vault.keys


def _key(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"caseward vault {secret}".encode()).digest()))
