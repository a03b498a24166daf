"""Signed heads of the log: they hold for what was signed, and show what was changed since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from caseward.store import db, log, seals

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("database")


def written(count: int) -> None:
    """Write that many entries, each in a transaction of its own."""
    for number in range(count):
        with db.transaction():
            log.append("test", "house", {"number": number}, at=NOW)


def test_a_head_is_signed_once_a_day_and_holds() -> None:
    signer = Ed25519PrivateKey.generate()
    written(3)

    with db.transaction():
        assert seals.seal(signer, now=NOW)
        assert not seals.seal(signer, now=NOW + timedelta(hours=1))
    written(1)
    with db.transaction():
        assert seals.seal(signer, now=NOW + timedelta(days=1))
        assert seals.verify(signer.public_key()) is None
        assert seals.count() == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("update log set hash = 'x' where seq = 2", "not the one that was signed"),
        ("update log_signatures set signature = repeat('0', 128)", "does not hold"),
    ],
)
def test_what_was_changed_since_is_named(change: str, why: str) -> None:
    signer = Ed25519PrivateKey.generate()
    written(2)
    with db.transaction():
        seals.seal(signer, now=NOW)

    with db.transaction():
        db.execute(text(change))
        broken = seals.verify()

    assert broken is not None
    assert (broken.seq, why in broken.why) == (2, True)


def test_a_seal_of_a_stranger_is_not_ours() -> None:
    written(1)
    with db.transaction():
        seals.seal(Ed25519PrivateKey.generate(), now=NOW)
        broken = seals.verify(Ed25519PrivateKey.generate().public_key())

    assert broken is not None
    assert "not ours" in broken.why


def test_every_process_with_the_desks_secret_has_the_same_key() -> None:
    assert seals.key("one secret").public_key() == seals.key("one secret").public_key()
    assert seals.key("one secret").public_key() != seals.key("another").public_key()
