"""Signed heads of the action log: whoever holds a seal can show what the log said that day, even against its owner."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import insert, select

from caseward.store import db
from caseward.store.log import Broken
from caseward.store.tables import log, log_head, log_signatures

EVERY = timedelta(days=1)


def key(file: Path) -> Ed25519PrivateKey:
    """Return the signing key in `file`, making it, readable by its owner alone, when there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(raw)
    return Ed25519PrivateKey.from_private_bytes(file.read_bytes())


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
