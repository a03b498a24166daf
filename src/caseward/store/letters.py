"""Letters: mails that hold a secret, of which nothing is kept but that they left, each once for its key."""

from __future__ import annotations

from datetime import datetime

from caseward.store import db


def claim(key: str, kind: str, *, at: datetime) -> bool:
    """Take it upon oneself to send a letter; False where that was done before."""
    statement = """
        insert into letters (key, kind, state, at) values (%(key)s, %(kind)s, 'leaving', %(at)s) on conflict do nothing
    """
    return db.run(statement, {"key": key, "kind": kind, "at": at}).rowcount > 0


def settle(key: str, state: str) -> None:
    """Note what became of a letter: `sent`, `failed` or `unknown`."""
    db.run("update letters set state = %(state)s where key = %(key)s", {"key": key, "state": state})
