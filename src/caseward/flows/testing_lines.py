"""A look at a line to a vendor, because a person asked: a test message, and how the vendor judges our wording.

Neither belongs to a case: the words are fixed and say nothing of anybody. They go out by the voice's right all the
same, and each try is on record.
"""

from __future__ import annotations

from datetime import timedelta

from caseward.core import ids, roles
from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused, SystemDown, Undeliverable
from caseward.core.masking import masked_address
from caseward.core.messages import Registered, Reply
from caseward.core.ports import Approving, Channel
from caseward.core.roles import Actor, Effect, Role
from caseward.desk import tools, wires
from caseward.store import db, log, trail

MAY = frozenset({Role.OPS_LEAD, Role.ADMIN})
"""Roles that look after channels."""
MOST, WITHIN = 5, timedelta(minutes=10)
"""Test messages of one person in a time: enough to mend a line, too few to trouble somebody."""
ADDRESS_CHARS = 320
UNKNOWN = "nobody can tell whether it went out"


def send_test(channel: str, address: str, *, person: str, role: str) -> None:
    """Send a few fixed words to an address, once, and record what became of it.

    Raises:
        NotFound: there is no such channel, or it is off.
        BadInput: no address, or the channel is fetched and sends nothing.
        Refused: this role may not.
        Conflict: this person sent several a moment ago.
        SystemDown, Undeliverable: the vendor did not take it.
    """
    plug, to = _plug(channel), address.strip()
    _require("test", channel, person, role)
    roles.require(Actor.B, Effect.SEND)
    if plug.pull:
        raise BadInput(f"{channel} sends nothing: whoever writes there looks at it themselves")
    if not to or not to.isprintable() or len(to) > ADDRESS_CHARS:
        raise BadInput("write the address as the channel knows it, such as a number, a mail address or a chat's id")
    with db.transaction():
        asked = trail.Filter(kind="test", actor=person, since=tools.now() - WITHIN)
        if len(trail.entries(asked, limit=MOST)) == MOST:
            raise Conflict(f"{MOST} test messages in {WITHIN.seconds // 60} minutes are enough; wait a little")
    house = tools.pack().profile.title
    reply = Reply(text=f"A test message from {house}. Nothing has to be done.", subject=f"A test message from {house}")
    try:
        plug.deliver(to, plug.render(reply), key=ids.new("tst"))
    except CasewardError as error:
        _record(channel, to, person, "failed", str(error))
        if isinstance(error, SystemDown):
            with db.transaction():
                wires.failed(channel, str(error))
        raise
    except Exception as error:
        _record(channel, to, person, "unknown", UNKNOWN)
        raise Undeliverable(channel, "unknown", f"{UNKNOWN}: {type(error).__name__}") from error
    _record(channel, to, person, "sent")
    with db.transaction():
        wires.sent(channel)


def look_at_wording(channel: str, *, person: str, role: str) -> list[Registered]:
    """Ask a vendor which wording it keeps for us, and record what it said.

    Raises:
        NotFound: there is no such channel, or it is off.
        BadInput: its vendor approves no wording, or a setting is missing.
        Refused: this role may not.
        SystemDown: the vendor did not tell.
    """
    plug = _plug(channel)
    _require("wording", channel, person, role)
    if not isinstance(plug, Approving):
        raise BadInput(f"the vendor of {channel} approves no wording")
    found = list(plug.wordings())
    told = [
        {"name": each.name, "language": each.language, "status": each.status, "text": each.text, "why": each.why}
        for each in found
    ]
    with db.transaction():
        log.append("wording", person, {"channel": channel, "count": len(found), "found": told}, at=tools.now())
    return found


def _plug(channel: str) -> Channel:
    plug = tools.given().channels.get(channel)
    if plug is None:
        raise NotFound(f"the channel {channel} is off, or there is none")
    return plug


def _require(what: str, channel: str, person: str, role: str) -> None:
    if role in MAY:
        return
    with db.transaction():
        log.append("denied", person, {"effect": what, "channel": channel, "role": role}, at=tools.now())
    raise Refused(f"the role {role.replace('_', ' ')} does not look after channels")


def _record(channel: str, address: str, person: str, state: str, why: str = "") -> None:
    said = {"channel": channel, "address": masked_address(address), "state": state, "why": why}
    with db.transaction():
        log.append("test", person, said, at=tools.now())
