"""Who is let in: everybody, whom one of the team admitted, or who brings a code that one of them made.

Of whoever is not let in, the address and the time are noted, for the team to decide; their words go nowhere.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from caseward.core.errors import BadInput, Refused
from caseward.core.messages import Inbound
from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import admissions, db, log

_FIVE = f"[{admissions.LETTERS}]{{5}}"
CODE = re.compile(rf"\s*(?:/start\s+)?({_FIVE})[-\s]?({_FIVE})\s*", re.IGNORECASE)
"""As it is printed, or as a link to a bot hands it over."""
CODE_LASTS = timedelta(days=7)
TRIES = 10
"""Codes that are none after which an address is let in by a person only."""
TOLD_A_MINUTE = 10
"""How many are told on one channel that they are not let in."""
ADMITS = frozenset({Role.AGENT, Role.OPS_LEAD, Role.ADMIN})
"""Roles that let people in and make codes."""


class Answer(StrEnum):
    """What becomes of somebody who writes."""

    IN = "in"
    """They are served."""
    WELCOME = "welcome"
    """They brought a code, and are served from now on."""
    SORRY = "sorry"
    """They are not let in, and hear so, this once."""
    OUT = "out"
    """They are not let in."""


def admitted(channel: str, inbound: Inbound) -> bool:
    """Return whether a message is answered; of any other only the address and the time are noted."""
    return ask(channel, inbound) is Answer.IN


def ask(channel: str, inbound: Inbound) -> Answer:
    """Decide whether somebody who writes is let in, and note what follows from it."""
    policy, now, address = tools.pack().channels.of(channel), tools.now(), inbound.address
    if policy.access == "open" or address in policy.allow:
        return Answer.IN
    known = admissions.of(channel, address)
    if known is not None and known.state == admissions.ADMITTED:
        return Answer.IN
    if known is not None and known.state == admissions.REFUSED:
        return Answer.OUT
    code = CODE.fullmatch(inbound.text) if policy.access == "pairing" else None
    if code is not None and (known is None or known.tries < TRIES):
        by = admissions.use_code("".join(code.groups()), channel, address, now=now)
        if by is not None:
            _decide(channel, address, admissions.ADMITTED, by=by, how="code")
            return Answer.WELCOME
    admissions.ask(channel, address, wrong_code=code is not None, now=now)
    if known is None:
        _log(channel, address, admissions.ASKED, "contact")
    if not policy.refusal or inbound.automatic:
        return Answer.OUT
    minute_ago = now - timedelta(minutes=1)
    told = admissions.tell(channel, address, now=now, since=minute_ago, most=TOLD_A_MINUTE)
    return Answer.SORRY if told else Answer.OUT


def invite(channel: str, *, by: str, role: str) -> str:
    """Return a new code that lets one address in, once, within a week.

    Raises:
        Refused: the role lets nobody in; the attempt is logged.
        BadInput: the channel's access is not `pairing`, so that nobody is asked for a code.
    """
    _require_doorkeeper(channel, by, role)
    access = tools.pack().channels.of(channel).access
    if access != "pairing":
        fix = "set `access: pairing` in channels.yaml, or admit the address"
        raise BadInput(f"the access of {channel} is {access!r}, so a code lets nobody in; {fix}")
    now = tools.now()
    code = admissions.new_code(channel, by=by, now=now, expires_at=now + CODE_LASTS)
    log.append("admission", by, {"channel": channel, "state": "code made"}, at=now)
    return code


def admit(channel: str, address: str, *, by: str, role: str) -> None:
    """Let an address in from now on; raise Refused for a role that does not, which is logged."""
    _require_doorkeeper(channel, by, role)
    _decide(channel, _named(address), admissions.ADMITTED, by=by, how="person")


def refuse(channel: str, address: str, *, by: str, role: str) -> None:
    """Let an address in no longer, or not at all; raise Refused for a role that does not, which is logged."""
    _require_doorkeeper(channel, by, role)
    _decide(channel, _named(address), admissions.REFUSED, by=by, how="person")


def _named(address: str) -> str:
    address = address.strip()
    if not address or not address.isprintable():
        raise BadInput("the address is empty; give it as `caseward channel list` shows it")
    return address


def _decide(channel: str, address: str, state: str, *, by: str, how: str) -> None:
    admissions.decide(channel, address, state, by=by, now=tools.now())
    _log(channel, address, state, by, how=how)


def _log(channel: str, address: str, state: str, actor: str, **more: str) -> None:
    log.append("admission", actor, {"channel": channel, "address": address, "state": state, **more}, at=tools.now())


def _require_doorkeeper(channel: str, by: str, role: str) -> None:
    if role not in ADMITS:
        with db.apart():  # kept though the caller's transaction is not
            log.append("denied", by, {"effect": "admission", "role": role, "channel": channel}, at=tools.now())
        raise Refused(f"the role {role.replace('_', ' ')} lets nobody in")
