"""The team's lanes: who of the house is who there, where what is read, and what somebody did in one.

What authorises is the person, never the chat: a handle is somebody's once they typed a code that was made for them.
"""

from __future__ import annotations

from datetime import timedelta

from caseward.core import ids
from caseward.core.errors import BadInput, NotFound, Refused
from caseward.core.events import Moved, Pressed, Typed
from caseward.core.messages import Inbound
from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import db, lanes, log, people
from caseward.store.lanes import Bound, Handle
from caseward.store.people import Person

OPS, APPROVALS, INCIDENTS = NAMES = ("ops", "approvals", "incidents")
"""What is read apart: cases and tasks that need people, requests for consent, what is broken."""
BINDS = frozenset({Role.OPS_LEAD, Role.ADMIN})
"""Roles that say in which chat a lane is read."""
CODE_LASTS = timedelta(hours=24)


def keep(event: Pressed | Typed) -> None:
    """Store what somebody did where the team reads, once, and have it handled when the transaction commits."""
    number = lanes.keep(event)
    if number is not None:
        tools.begin("lane_event", str(number), ids.new("heard"))


def moved(event: Moved) -> None:
    """A group became another one: its lanes are read there from now on."""
    found = lanes.move(event.channel, event.address, event.now) if event.now else ()
    for lane in found:
        said = {"what": "moved", "lane": lane, "channel": event.channel, "was": event.address, "chat": event.now}
        log.append("lane", "house", said, at=tools.now())


def is_team(channel: str, handle: str) -> bool:
    """Return whether a handle is linked to somebody of the house, who may have been shut out since."""
    return lanes.linked(channel, handle) is not None


def meant(inbound: Inbound) -> bool:
    """Return whether a direct message is the team's: of a linked person, or one that wants to be linked by a code."""
    return inbound.text.strip().split(maxsplit=1)[:1] == ["/link"] or is_team(inbound.channel, inbound.address)


def announce(kind: str, subject: str, case_id: str = "") -> None:
    """Have the lanes show how something stands, once the transaction commits.

    Args:
        kind: `approval`, `packet`, `task`, `alarm` or `warning`.
        subject: id of the request, the case or the task; for an alarm `system:NAME`, `channel:NAME` or `parcel:ID`;
            for a warning the clock's kind.
        case_id: of the case it is about, where there is one.
    """
    tools.announce(kind, subject, case_id)


def who(channel: str, handle: str) -> Person:
    """Return who somebody is in a lane.

    Raises Refused for a handle that is not linked, or whose person was shut out.
    """
    person = lanes.linked(channel, handle)
    if person is None:
        raise Refused(
            "I do not know you here; have `caseward person link-chat` make you a code, and send me /link CODE"
        )
    if person.disabled:
        raise Refused("you were shut out of this desk; nothing you say here counts")
    return person


def invite(person_id: str, channel: str, *, by: str) -> str:
    """Return a new one-time code that links a person's chat on a channel, good for a day.

    Raises NotFound for nobody, BadInput for somebody who is disabled.
    """
    person = people.get(person_id)
    if person.disabled:
        raise BadInput(f"{person.name} is disabled; enable them first")
    now = tools.now()
    return lanes.new_code(person.id, channel, by=by, now=now, expires_at=now + CODE_LASTS)


def link(channel: str, handle: str, code: str) -> Person:
    """Make a handle that of the person whom a code was made for, and return them; the code is used up.

    Raises Refused for a code that is unknown, used or expired, or whose person was shut out.
    """
    person_id = lanes.use_code(code, channel, handle, now=tools.now())
    try:
        person = people.get(person_id or "")
    except NotFound:
        raise Refused("this code is unknown, used or expired; ask for a new one") from None
    if person.disabled:
        raise Refused("you were shut out of this desk; this code links nobody")
    lanes.link(Handle(channel=channel, handle=handle, person_id=person.id), now=tools.now())
    log.append("lane", person.id, {"channel": channel, "handle": handle, "what": "linked"}, at=tools.now())
    return person


def burn(channel: str, code: str) -> None:
    """Have a code link nobody any more, since others may have read it."""
    lanes.use_code(code, channel, "", now=tools.now())


def unlink(channel: str, handle: str) -> bool:
    """Forget whose a handle is; return False when it was nobody's."""
    person = lanes.linked(channel, handle)
    if person is None:
        return False
    lanes.unlink(channel, handle)
    log.append("lane", person.id, {"channel": channel, "handle": handle, "what": "unlinked"}, at=tools.now())
    return True


def bind(lane: str, channel: str, chat: str, *, by: str, role: str) -> bool:
    """Have a lane be read in a chat; return False when it is already.

    Raises Refused for a role that does not arrange lanes, which is logged, BadInput for a lane that does not exist.
    """
    _require_arranger(lane, by, role)
    new = lanes.bind(Bound(lane=lane, channel=channel, chat=chat, by=by), now=tools.now())
    if new:
        _log(lane, channel, chat, "bound", by)
    return new


def unbind(lane: str, channel: str, chat: str, *, by: str, role: str) -> bool:
    """Have a lane no longer be read in a chat; return False when it was not. Raises as `bind`."""
    _require_arranger(lane, by, role)
    gone = lanes.unbind(lane, channel, chat)
    if gone:
        _log(lane, channel, chat, "unbound", by)
    return gone


def _require_arranger(lane: str, by: str, role: str) -> None:
    if role not in BINDS:
        with db.apart():  # kept though the caller's transaction is not
            log.append("denied", by, {"effect": "lane", "role": role, "lane": lane}, at=tools.now())
        raise Refused(f"the role {role.replace('_', ' ')} does not say where lanes are read")
    if lane not in NAMES:
        raise BadInput(f"there is no lane {lane!r}; there are {', '.join(NAMES)}")


def _log(lane: str, channel: str, chat: str, what: str, by: str) -> None:
    log.append("lane", by, {"lane": lane, "channel": channel, "chat": chat, "what": what}, at=tools.now())
