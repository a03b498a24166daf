"""Signed heads of the action log: whoever holds a seal can show what the log said that day, even against its owner."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert, select

from caseward.store import db
from caseward.store.log import Broken
from caseward.store.tables import log, log_head, log_signatures

EVERY = timedelta(days=1)


def key(secret: str) -> Ed25519PrivateKey:
    """Return the signing key that a desk's secret stands for: every process and machine of the desk has the same."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"caseward log seal {secret}".encode()).digest())


def seal(signer: Ed25519PrivateKey, *, now: datetime) -> bool:
    """Sign the log's head, unless that was done within a day or nothing was added since; return whether it was."""
    last = db.execute(select(log_signatures).order_by(log_signatures.c.seq.desc()).limit(1)).first()
    head = db.execute(select(log_head.c.seq, log_head.c.hash)).one()
    if head.seq == 0 or (last is not None and (last.seq == head.seq or now - last.at < EVERY)):
        return False
    db.execute(
        insert(log_signatures),
        {
            "seq": head.seq,
            "hash": head.hash,
            "at": now,
            "public_key": _public(signer.public_key()),
            "signature": signer.sign(_signed(head.seq, head.hash, now)).hex(),
        },
    )
    return True


def verify(trusted: Ed25519PublicKey | None = None) -> Broken | None:
    """Check every seal against its key, `trusted` where given, and the log; return the first that is wrong."""
    rows = db.execute(
        select(log_signatures, log.c.hash.label("logged"))
        .outerjoin(log, log.c.seq == log_signatures.c.seq)
        .order_by(log_signatures.c.seq)
    )
    for row in rows:
        if row.logged != row.hash:
            return Broken(seq=row.seq, why="the entry is not the one that was signed")
        if trusted is not None and row.public_key != _public(trusted):
            return Broken(seq=row.seq, why="its head was signed with a key that is not ours")
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(row.public_key))
        try:
            signer.verify(bytes.fromhex(row.signature), _signed(row.seq, row.hash, row.at))
        except (InvalidSignature, ValueError):
            return Broken(seq=row.seq, why="the signature of its head does not hold")
    return None


def count() -> int:
    """Return how many heads are signed."""
    return len(db.execute(select(log_signatures.c.seq)).all())


def _signed(seq: int, hash_: str, at: datetime) -> bytes:
    return f"caseward log head {seq} {hash_} {int(at.timestamp())}".encode()


def _public(key_: Ed25519PublicKey) -> str:
    return key_.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
