"""A request for consent as a card: the question, what it rests on, what follows and by when; then what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from caseward.core import naming
from caseward.core.approval import AGREED, ApprovalState, Vote, Word, reasons
from caseward.core.case import Case
from caseward.core.checks import checks, facts_of
from caseward.core.naming import humane
from caseward.core.ports import Button, Card
from caseward.desk import tools
from caseward.desk.cards.made import BACK, READ, SHORT, UNDO, VERBS, Made, cut, links, mask_of, moment, who, woken
from caseward.store.approvals import Request
from caseward.store.casefile import CaseFile

MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}


def approval(
    card_id: str,
    file: CaseFile,
    request: Request,
    votes: Sequence[Vote],
    names: Mapping[str, str],
    *,
    act: str = "",
    unfit: str = "",
) -> Made:
    """Return the card of a request for consent: as a question while it is open, else what became of it.

    Args:
        card_id: of the card.
        file: the case.
        request: what is asked.
        votes: the consents given so far.
        names: of the people, by id.
        act: the verdict that reasons are offered for, instead of the verdicts.
        unfit: why nobody can consent as things stand, empty when people can.
    """
    mask, case = mask_of(file), file.case
    drafted = file.draft(request.draft_id)
    head = f"Case {case.number} · {request.tier} · {naming.lane(tools.pack(), request.lane)}"
    quote = cut(mask(drafted.draft.reply)) if drafted else ""
    if request.state is not ApprovalState.OPEN:
        said = mask(outcome(request, votes, names))
        held = request.held_until is not None and request.state in AGREED
        buttons = [[Button(label="Undo", token=f"{card_id}.{UNDO}.{request.digest[:SHORT]}")]] if held else []
        card = Card(title=mask(request.question), lines=[said, head], quote=quote, buttons=[*buttons, *links(case)])
        return Made(card=card, asks=request.digest if held else "", closed=not held, line=f"Case {case.number}: {said}")
    due = _due(file, request)
    failed = [f"{check['name']}: {check['detail']}" for check in drafted.checks if not check["ok"]] if drafted else []
    lines = [
        head,
        who(file),
        *([mask(request.why)] if request.why else []),
        *([woken(case)] if case.woken else []),
        *(_check_lines(file, request, mask)),
        *_effects(file, request, mask),
        *([mask(f"It cannot be approved as it is: {'; '.join(failed)}")] if failed else []),
        *([f"{MARKS['warn']} {unfit[:1].upper()}{unfit[1:]}: Approve is off until it is read again"] if unfit else []),
        *([_consents(request, votes, names)] if request.terms.needs > 1 else []),
        *_checklist(request),
        f"Decide by {moment(due)}",
        hint("Or reply"),
    ]
    buttons = (
        _reasons(card_id, request, act)
        if act
        else _verbs(card_id, request, case, failed=bool(failed), unfit=bool(unfit))
    )
    nudge = f"Case {case.number} still waits for a decision, by {moment(due)}."
    return Made(
        card=Card(title=mask(request.question), lines=lines, quote=quote, buttons=buttons),
        asks=request.digest,
        line=f"Case {case.number} asks about other words now; decide in the console.",
        nudge=nudge,
        remind=_reminders(request),
    )


def outcome(request: Request, votes: Sequence[Vote], names: Mapping[str, str]) -> str:
    """Return in words what became of a request: who decided, when, what, and what follows."""
    at = f", {moment(request.decided_at)}" if request.decided_at else ""
    consented = naming.everybody([vote.person for vote in votes] or [request.decided_by], names)
    by = naming.who(request.decided_by, names)
    reason = f": {request.reason}" if request.reason else "."
    match request.state:
        case ApprovalState.APPROVED | ApprovalState.EDITED:
            verb = "Approved" if request.state is ApprovalState.APPROVED else "Edited and approved"
            more = f" If {request.conditions.rstrip('.')}." if request.conditions else ""
            goes = f" Goes out at {moment(request.held_until, seconds=True)}." if request.held_until else ""
            return f"{verb} by {consented}{at}.{more}{goes}"
        case ApprovalState.DENIED:
            return f"Denied by {by}{at}{reason}"
        case ApprovalState.ESCALATED:
            return f"Escalated by {by}{at}{reason}"
        case ApprovalState.EXPIRED if request.decided_at and request.decided_at < request.expires_at:
            return f"Overtaken{at}{reason}"
        case ApprovalState.EXPIRED:
            return f"Expired{at}{reason}"
        case _:
            return "Open again."


def hint(how: str) -> str:
    """Return how a verdict is typed, in the pack's words: `Or reply: APPROVE [if …], EDIT new words, …`."""
    team = tools.pack().channels.team
    words = [said[0].upper() for said in (team.approve, team.edit, team.deny, team.escalate) if said]
    condition = f" [{team.conditions[0]} …]" if team.conditions else ""
    return f"{how}: {words[0]}{condition}, {words[1]} new words, {words[2]} reason, {words[3]} reason"


def _check_lines(file: CaseFile, request: Request, mask: Callable[[str], str]) -> list[str]:
    decided = file.decided[0] if file.decided else None
    found = checks(
        tools.pack(),
        facts=facts_of(decided.body) if decided else (),
        rules=decided.body.get("rules", ()) if decided else (),
        tier=decided.tier if decided else request.tier,
        verified_at=file.verified_at,
        sources=(),
    )
    return [
        f"{MARKS[check.level]} {check.name}: {mask(check.value)}" + (f" ({mask(check.limit)})" if check.limit else "")
        for check in found
    ]


def _effects(file: CaseFile, request: Request, mask: Callable[[str], str]) -> list[str]:
    drafted = file.draft(request.draft_id)
    work = drafted.draft.task if drafted else None
    done = f"{mask(work.summary or humane(work.skill))}, then the reply is sent" if work else "The reply is sent"
    return [f"Then: {done}"]


def _consents(request: Request, votes: Sequence[Vote], names: Mapping[str, str]) -> str:
    if not votes:
        return f"{request.terms.needs} people must approve"
    given = naming.everybody([vote.person for vote in votes], names)
    return f"{len(votes)} of {request.terms.needs} have approved: {given}"


def _checklist(request: Request) -> list[str]:
    """Return what a quality check looks at, where one is asked for: in the weakest lane that asks anybody."""
    pack = tools.pack()
    asking = [name for name in pack.policy.lanes if name in pack.profile.lanes and pack.profile.lanes[name].roles]
    return [f"☐ {each}" for each in pack.channels.team.checklist] if asking[:1] == [request.lane] else []


def _due(file: CaseFile, request: Request) -> datetime:
    running = next((each for each in file.clocks if each.kind == "decision" and each.met_at is None), None)
    return min(running.due_at, request.expires_at) if running else request.expires_at


def _reminders(request: Request) -> list[datetime]:
    """Return when an open request is pointed at: a while after it was asked, and as long before it expires."""
    hours, minutes = tools.pack().hours, tools.pack().channels.team.remind_minutes
    while_ = timedelta(minutes=minutes)
    given = hours.between(request.opened_at, request.expires_at)
    if not minutes or given <= while_:
        return []
    return sorted({hours.add(request.opened_at, while_), hours.add(request.opened_at, given - while_)})


def _verbs(card_id: str, request: Request, case: Case, *, failed: bool, unfit: bool) -> list[list[Button]]:
    short = request.digest[:SHORT]
    read = Button(label="Read now", token=f"{card_id}.{READ}.{short}")
    approve = [read] if unfit else [] if failed else [Button(label="Approve", token=f"{card_id}.a.{short}")]
    console = tools.given().console
    edit = [Button(label="Edit", url=f"{console}/cases/{case.number}?act=edit")] if console else []
    return [
        [*approve, Button(label="Deny", token=f"{card_id}.d.{short}")],
        [Button(label="Escalate", token=f"{card_id}.e.{short}"), *edit],
    ]


def _reasons(card_id: str, request: Request, act: str) -> list[list[Button]]:
    """Return a button for each reason, one a row so that a phone shows it whole, and one to leave them."""
    short, verb = request.digest[:SHORT], next(code for code, word in VERBS.items() if word == act)
    offered = [
        [Button(label=f"{humane(act)}: {reason[:1].lower()}{reason[1:]}", token=f"{card_id}.{verb}{place}.{short}")]
        for place, reason in enumerate(reasons(tools.pack().profile, Word(act)))
    ]
    return [*offered, [Button(label="Back", token=f"{card_id}.{BACK}.{short}")]]
