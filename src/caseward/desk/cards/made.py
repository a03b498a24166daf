"""A card in the making: what it is made of, what its buttons mean, and what all cards say alike."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from caseward.core import naming
from caseward.core.approval import Word, reasons
from caseward.core.case import Case
from caseward.core.masking import masked_email, masked_number, masker
from caseward.core.naming import humane
from caseward.core.ports import Button, Card
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store.casefile import CaseFile

QUOTED = 2500
"""Characters of the words that a card quotes; the rest is read in the console."""
SHORT = 8
"""Characters of a digest that a button carries: enough to tell one draft of a request from the next."""
VERBS = {"a": Word.APPROVE, "d": Word.DENY, "e": Word.ESCALATE}
UNDO, BACK, READ = "u", "b", "r"
_TOKEN = re.compile(r"(card_[0-9a-z]+)\.([a-z])(\d{0,2})\.([0-9a-f]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button of a card means."""

    card_id: str
    verb: str
    """A key of VERBS, `u` to undo, `b` to leave the reasons, `r` to have the facts read anew."""
    reason: str
    """The one that was picked; empty where reasons are yet to be offered."""
    digest: str
    """How the digest begins of the draft that the card showed with this button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A card as it should be, and what else is to be known of it."""

    card: Card
    asks: str = ""
    """Digest of the draft it asks about, empty where it asks nothing."""
    closed: bool = False
    line: str = ""
    """The same in a line, where the card itself can no longer be changed."""
    nudge: str = ""
    """What points at it again."""
    remind: Sequence[datetime] = ()
    """When that is due."""

    @property
    def body(self) -> Mapping[str, Any]:
        """Return it as it is kept."""
        told = {"line": self.line, "nudge": self.nudge, "remind": [each.isoformat() for each in self.remind]}
        return {"card": asdict(self.card), **told}

    @property
    def digest(self) -> str:
        """Return the digest of what is shown."""
        return hashlib.sha256(json.dumps(asdict(self.card), ensure_ascii=False).encode()).hexdigest()


def read(body: Mapping[str, Any]) -> Card:
    """Return the card of a body that was kept."""
    of = body["card"]
    return Card(**{**of, "buttons": [[Button(**button) for button in row] for row in of["buttons"]]})


def pressed(token: str) -> Press | None:
    """Return what a button means, or None for one that is none of ours."""
    found = _TOKEN.fullmatch(token)
    if found is None or (found[2] not in VERBS and found[2] not in (UNDO, BACK, READ)):
        return None
    reason = ""
    if found[3]:
        offered = reasons(tools.pack().profile, VERBS.get(found[2], Word.APPROVE))
        if int(found[3]) >= len(offered):
            return None
        reason = offered[int(found[3])]
    return Press(card_id=found[1], verb=found[2], reason=reason, digest=found[4])


def masked(file: CaseFile, text: str) -> str:
    """Return words about a case without what is personal in them."""
    return mask_of(file)(text)


def mask_of(file: CaseFile) -> Callable[[str], str]:
    """Return what makes words about a case fit to be shown."""
    mask = masker(file.contact.name if file.contact else "", tools.pack(), amounts=True)
    return lambda text: mask(clean(text))


def who(file: CaseFile) -> str:
    """Return who writes, so that they are told apart and not known."""
    contact = file.contact
    known = (masked_number(contact.phone) or masked_email(contact.email)) if contact else ""
    return f"{known or naming.NOBODY} on {naming.channel(file.case.channel)}"


def woken(case: Case) -> str:
    """Return by what a person was woken for a case."""
    return f"Woken by {', '.join(humane(each.replace('-', '_')).lower() for each in case.woken)}"


def links(case: Case) -> list[list[Button]]:
    """Return the button that opens a case in the console, where there is one."""
    console = tools.given().console
    return [[Button(label="Open the case", url=f"{console}/cases/{case.number}")]] if console else []


def moment(at: datetime | None, *, seconds: bool = False) -> str:
    """Return an instant as the clock on the wall shows it, empty for none."""
    return naming.local(at, tools.pack().hours.zone, now=tools.now(), seconds=seconds) if at else ""


def cut(text: str) -> str:
    """Return as much of some words as a card quotes."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED].rstrip()} … (the rest is in the console)"
