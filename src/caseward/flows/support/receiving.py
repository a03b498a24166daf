"""Turns that are not understood as others are: a person answers elsewhere, nothing can be read, a word that stops."""

from __future__ import annotations

from caseward.core.case import DESK, DONE, Case, CaseStatus
from caseward.core.messages import Inbound
from caseward.core.turn import Turn
from caseward.desk import casework, intake, outreach, promises, takeover, tools, triage
from caseward.flows.support import asking
from caseward.store import cases


def owned(case: Case) -> Case:
    """Return a case as it is held now: a lease that is over holds nothing, whether its timer came or not."""
    over = case.lease_until is not None and not case.leased(tools.now())
    return takeover.end(case) if over else case


def without_understanding(case: Case, turn: Turn) -> str:
    """Do what a turn needs that is not to be understood, and return the case's status; empty for any other turn."""
    if case.leased(tools.now()):
        return _leave_to_the_person(case)
    word = _word(turn)
    if word:
        template = outreach.confirmation(word)
        return asking.be_polite(case, turn, template) if template else _leave(case)
    if any(message.kind == intake.LONG for message in turn.messages) and _is_said("message-too-long"):
        return asking.be_polite(case, turn, "message-too-long")
    if _says_something(case, turn) or _goes_on(case) or not _is_said("message-unreadable"):
        return ""
    if case.questions >= tools.pack().profile.limits.questions:
        return ""  # asked often enough: a person looks
    case = cases.change(case, tools.now(), questions=case.questions + 1)
    return asking.be_polite(case, turn, "message-unreadable")


def is_settled(case: Case) -> bool:
    """Return whether the desk has done what was asked and asks nothing itself."""
    return case.status in DONE and case.owner == DESK


def _leave_to_the_person(case: Case) -> str:
    """Leave a turn to whoever answers outside the desk; the promised times go on, for somebody has to answer."""
    if case.status in DONE:
        case = intake.reopen(case)
    promises.on_inbound(case)
    return casework.become(case, CaseStatus.OPEN)


def _word(turn: Turn) -> str:
    """Return `stop` or `start` where a turn on a vendor's channel says nothing else."""
    if tools.channel(turn.channel).pull:
        return ""
    said = Inbound(channel=turn.channel, provider_id="", address=turn.address, text=turn.text, at=tools.now())
    return outreach.said(said) or ""


def _says_something(case: Case, turn: Turn) -> bool:
    """Return whether a turn has words, or signs that are a courtesy; a sticker, dots or a question mark say nothing."""
    signs = triage.small_talk(turn.text, settled=is_settled(case))
    return bool(signs) or any(char.isalnum() for char in turn.text)


def _goes_on(case: Case) -> bool:
    """Return whether what came without words belongs to something that was said before, and may be what it needs."""
    return case.status not in DONE and bool(case.pending.get("intent"))


def _is_said(template: str) -> bool:
    return template in tools.pack().templates


def _leave(case: Case) -> str:
    return str(case.status) if case.status is not CaseStatus.NEW else casework.become(case, CaseStatus.WAITING_CUSTOMER)
