"""The other door out: mails that hold a secret, such as a link that opens the console or a code that proves an address.

What leaves by the speaker is kept and can be read again; a secret must not be. So a letter is told of and never kept:
who had it written, of which kind, to whom and what became of it, each step on record before and after. It leaves once
for its key, by the voice's right, and only those may have it written whose part it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import structlog

from caseward.core import ids, roles
from caseward.core.errors import Refused, SystemDown, Undeliverable
from caseward.core.masking import masked_email
from caseward.core.messages import Reply
from caseward.core.roles import Actor, Effect, Role
from caseward.desk import tools
from caseward.store import db, hashes, log
from caseward.store import letters as store

CHANNEL = "email"


class Kind(StrEnum):
    """What a letter is for."""

    INVITE = "invite"
    RESET = "reset"
    CODE = "code"


WRITES: Mapping[Kind, frozenset[str]] = {
    Kind.INVITE: frozenset({Role.ADMIN}),
    Kind.RESET: frozenset({Role.ADMIN}),
    Kind.CODE: frozenset({Actor.B}),
}
"""Who may have which letter written: a role of the house, or the voice itself, for a contact who asked for it."""

_log = structlog.get_logger(__name__)


def send(
    kind: Kind,
    unique: str,
    address: str,
    *,
    subject: str,
    text: str,
    by: str,
    role: str,
    about: Mapping[str, str],
    conversation: str = "",
) -> bool:
    """Send a letter and return whether the server took it; call it outside a transaction.

    Args:
        kind: what it is for.
        unique: what makes it this letter and no other, such as the token of its link; only its digest is kept.
        address: where it goes.
        subject: of the mail.
        text: of the mail.
        by: the person's id, or B.
        role: their role, or B.
        about: what the log says of it beside that: the person it is for, nothing that opens anything.
        conversation: the one that it belongs to.

    Raises:
        Refused: the role has no such letter written. The attempt is logged.
    """
    said = {"what": kind, "to": masked_email(address), **about}
    try:
        roles.require(Actor.B, Effect.SEND)
        if role not in WRITES[kind]:
            raise Refused(f"the role {role.replace('_', ' ')} has no such mail written")
    except Refused as refusal:
        with db.transaction():
            log.append("denied", by, {"effect": Effect.SEND, "role": role, "why": str(refusal), **said}, at=tools.now())
        raise
    plug = tools.given().channels.get(CHANNEL)
    if plug is None or not address:
        return False
    key = f"{kind}:{hashes.digest(unique)}"
    with db.transaction():
        if not store.claim(key, kind, at=tools.now()):
            return False
        _note(by, said, "leaving", conversation=conversation)
    state, why = "sent", ""
    try:
        plug.deliver(address, plug.render(Reply(text=text, subject=subject)), key=ids.new("mail"))
    except (SystemDown, Undeliverable) as error:
        state, why = "failed", str(error)
    except Exception as error:
        state, why = "unknown", type(error).__name__
    if why:
        _log.warning("a letter was not surely sent", kind=kind, state=state, why=why[:200])
    with db.transaction():
        store.settle(key, state)
        _note(by, said, state, conversation=conversation, **({"why": why[:200]} if why else {}))
    return state == "sent"


def _note(by: str, said: Mapping[str, str], state: str, *, conversation: str, **more: str) -> None:
    log.append("letter", by, {**said, "state": state, **more}, at=tools.now(), conversation_id=conversation or None)
