"""What the team is shown in its lanes, made from what is stored: requests for consent, cases, tasks, alarms.

No customer's name, address or whole number is in any of it; amounts and dates stay, since they are what is judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from caseward.core import naming
from caseward.core.approval import AGREED, REASONS, ApprovalState, Vote, Word
from caseward.core.case import DONE, Case
from caseward.core.checks import checks, facts_of
from caseward.core.masking import masked_email, masked_number, masker
from caseward.core.naming import humane
from caseward.core.ports import Button, Card
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store.approvals import Request
from caseward.store.casefile import CaseFile
from caseward.store.effects import Task
from caseward.store.running import Health

MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}
QUOTED = 2500
"""Characters of the words that a card quotes; the rest is read in the console."""
SHORT = 8
"""Characters of a digest that a button carries: enough to tell one draft of a request from the next."""
_TOKEN = re.compile(r"(card_[0-9a-z]+)\.([a-z])(\d{0,2})\.([0-9a-f]*)")
VERBS = {"a": Word.APPROVE, "d": Word.DENY, "e": Word.ESCALATE}
UNDO, BACK = "u", "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button of a card means."""

    card_id: str
    verb: str
    """A key of VERBS, `u` to undo, `b` to leave the reasons."""
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
    if found is None or (found[2] not in VERBS and found[2] not in (UNDO, BACK)):
        return None
    reason = ""
    if found[3]:
        offered = REASONS.get(VERBS.get(found[2], Word.APPROVE), ())
        if int(found[3]) >= len(offered):
            return None
        reason = offered[int(found[3])]
    return Press(card_id=found[1], verb=found[2], reason=reason, digest=found[4])


def approval(
    card_id: str,
    file: CaseFile,
    request: Request,
    votes: Sequence[Vote],
    names: Mapping[str, str],
    *,
    act: str = "",
) -> Made:
    """Return the card of a request for consent: as a question while it is open, else what became of it."""
    mask, case = _masker(file), file.case
    drafted = file.draft(request.draft_id)
    head = f"Case {case.number} · {request.tier} · {naming.lane(tools.pack(), request.lane)}"
    quote = _cut(mask(drafted.draft.reply)) if drafted else ""
    if request.state is not ApprovalState.OPEN:
        said = mask(outcome(request, votes, names))
        held = request.held_until is not None and request.state in AGREED
        buttons = [[Button(label="Undo", token=f"{card_id}.{UNDO}.{request.digest[:SHORT]}")]] if held else []
        card = Card(title=mask(request.question), lines=[said, head], quote=quote, buttons=[*buttons, *_links(case)])
        return Made(card=card, asks=request.digest if held else "", closed=not held, line=f"Case {case.number}: {said}")
    due = _due(file, request)
    failed = [f"{check['name']}: {check['detail']}" for check in drafted.checks if not check["ok"]] if drafted else []
    lines = [
        head,
        _who(file),
        *([mask(request.why)] if request.why else []),
        *([_woken(case)] if case.woken else []),
        *(_check_lines(file, request, mask)),
        *_effects(file, request, mask),
        *([mask(f"It cannot be approved as it is: {'; '.join(failed)}")] if failed else []),
        *([_consents(request, votes, names)] if request.terms.needs > 1 else []),
        *_checklist(request),
        f"Decide by {_at(due)}",
        hint("Or reply"),
    ]
    buttons = _reasons(card_id, request, act) if act else _verbs(card_id, request, case, may_approve=not failed)
    nudge = f"Case {case.number} still waits for a decision, by {_at(due)}."
    return Made(
        card=Card(title=mask(request.question), lines=lines, quote=quote, buttons=buttons),
        asks=request.digest,
        line=f"Case {case.number} asks about other words now; decide in the console.",
        nudge=nudge,
        remind=_reminders(request),
    )


def outcome(request: Request, votes: Sequence[Vote], names: Mapping[str, str]) -> str:
    """Return in words what became of a request: who decided, when, what, and what follows."""
    at = f", {_at(request.decided_at)}" if request.decided_at else ""
    consented = naming.everybody([vote.person for vote in votes] or [request.decided_by], names)
    by = naming.who(request.decided_by, names)
    reason = f": {request.reason}" if request.reason else "."
    match request.state:
        case ApprovalState.APPROVED | ApprovalState.EDITED:
            verb = "Approved" if request.state is ApprovalState.APPROVED else "Edited and approved"
            more = f" If {request.conditions.rstrip('.')}." if request.conditions else ""
            goes = f" Goes out at {_at(request.held_until, seconds=True)}." if request.held_until else ""
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


def packet(file: CaseFile, names: Mapping[str, str]) -> Made:
    """Return the card of a case that people have before them: what it is, what was understood, what is missing."""
    mask, case, pack = _masker(file), file.case, tools.pack()
    status, _level = naming.status(case.status)
    said = next((message.text for message in reversed(file.messages) if message.inbound), "")
    body = file.decided[0].body if file.decided else {}
    seen = body.get("understanding", {})
    understood = [naming.matter(pack, case.intent), humane(str(seen.get("sentiment", "")))]
    named = [f"{humane(kind)} {', '.join(map(str, values))}" for kind, values in seen.get("named", {}).items()]
    missing = [naming.fact_name(name) for name in body.get("missing", ())]
    holder = "the desk" if case.owner == "desk" else naming.who(case.owner, names)
    lines = [
        " · ".join(part for part in (status, str(case.tier or ""), case.severity) if part),
        f"{_who(file)}, held by {holder}",
        f"Understood: {mask(', '.join(part for part in (*understood, *named) if part))}",
        *([f"Missing: {', '.join(missing)}"] if missing else []),
        *([_woken(case)] if case.woken else []),
    ]
    closed = case.status in DONE
    title = f"Case {case.number}: {naming.matter(pack, case.intent)}"
    card = Card(title=title, lines=lines, quote=_cut(mask(said)), buttons=_links(case))
    return Made(card=card, closed=closed, line=f"Case {case.number} is {status.lower()}.")


def task(file: CaseFile, done: Task) -> Made:
    """Return the card of a task that did not go as it should: what it was, and what came of it."""
    mask, case = _masker(file), file.case
    came = done.result
    what = mask(done.request.summary or humane(done.request.skill))
    state = humane(str(came.status).lower()) if came else humane(str(done.state))
    lines = [
        f"Case {case.number} · {state}",
        *([mask(came.detail)] if came and came.detail else []),
        f"Tried {done.attempts} {'time' if done.attempts == 1 else 'times'}",
    ]
    closed = str(done.state) == "done" or case.status in DONE
    card = Card(title=f"Task: {what}", lines=lines, buttons=_links(case))
    return Made(card=card, closed=closed, line=f"Case {case.number}, {what}: {state.lower()}.")


def words(file: CaseFile, *, channel: str, text: str, state: str, why: str, closed: bool) -> Made:
    """Return the card of words that do not reach their contact by themselves."""
    mask, case = _masker(file), file.case
    title = f"Words of case {case.number} do not reach the contact" if not closed else f"Case {case.number}: words sent"
    lines = [f"{naming.channel(channel)} · {humane(state)}", *([mask(why)] if why else [])]
    card = Card(title=title, lines=lines, quote=_cut(mask(text)), buttons=_links(case))
    return Made(card=card, closed=closed, line=f"{title}.")


def system(name: str, health: Health) -> Made:
    """Return the card of a system that cannot be relied on, or can again."""
    by = "" if health.by == "auto" else ", said by a person"
    if not health.degraded:
        said = f"{humane(name)} can be relied on again, {_at(health.since)}{by}."
        return Made(card=Card(title=f"{humane(name)} is well again", lines=[said]), closed=True, line=said)
    lines = [
        f"Since {_at(health.since)}{by}: {clean(health.why)}",
        "What rests on it is pending verification, and changes wait. Customers are told a time and nothing else.",
        f"When it is well: /healthy {name} why",
    ]
    return Made(card=Card(title=f"{humane(name)} is degraded", lines=lines), line=f"{humane(name)} is degraded.")


def lost(name: str, since: datetime | None, why: str) -> Made:
    """Return the card of a channel that is lost, or found again."""
    title = naming.channel(name)
    if since is None:
        return Made(card=Card(title=f"{title} is connected again"), closed=True, line=f"{title} is connected again.")
    lines = [f"Since {_at(since)}: {clean(why)}", "What is to be said there waits; nothing is lost."]
    return Made(card=Card(title=f"{title} is lost", lines=lines), line=f"{title} is lost.")


def warning(file: CaseFile, clock: str) -> str:
    """Return the line that says which promise is near, or was missed; empty when it no longer runs."""
    running = next((each for each in file.clocks if each.kind == clock and each.met_at is None), None)
    if running is None or running.paused:
        return ""
    what = {"first_response": "first reply", "resolution": "resolution", "decision": "decision"}.get(clock, clock)
    verb = "was due" if running.due_at <= tools.now() else "is due"
    return f"Case {file.case.number}: the {what} {verb} by {_at(running.due_at)}."


def masked(file: CaseFile, text: str) -> str:
    """Return words about a case without what is personal in them."""
    return _masker(file)(text)


def _masker(file: CaseFile) -> Callable[[str], str]:
    mask = masker(file.contact.name if file.contact else "", tools.pack(), amounts=True)
    return lambda text: mask(clean(text))


def _who(file: CaseFile) -> str:
    """Return who writes, so that they are told apart and not known."""
    contact = file.contact
    known = (masked_number(contact.phone) or masked_email(contact.email)) if contact else ""
    return f"{known or naming.NOBODY} on {naming.channel(file.case.channel)}"


def _woken(case: Case) -> str:
    return f"Woken by {', '.join(humane(each.replace('-', '_')).lower() for each in case.woken)}"


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


def hint(how: str) -> str:
    """Return how a verdict is typed, in the pack's words: `Or reply: APPROVE [if …], EDIT new words, …`."""
    team = tools.pack().channels.team
    words = [said[0].upper() for said in (team.approve, team.edit, team.deny, team.escalate) if said]
    condition = f" [{team.conditions[0]} …]" if team.conditions else ""
    return f"{how}: {words[0]}{condition}, {words[1]} new words, {words[2]} reason, {words[3]} reason"


def _verbs(card_id: str, request: Request, case: Case, *, may_approve: bool) -> list[list[Button]]:
    short = request.digest[:SHORT]
    approve = [Button(label="Approve", token=f"{card_id}.a.{short}")] if may_approve else []
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
        for place, reason in enumerate(REASONS[Word(act)])
    ]
    return [*offered, [Button(label="Back", token=f"{card_id}.{BACK}.{short}")]]


def _links(case: Case) -> list[list[Button]]:
    console = tools.given().console
    return [[Button(label="Open the case", url=f"{console}/cases/{case.number}")]] if console else []


def _at(at: datetime | None, *, seconds: bool = False) -> str:
    return naming.local(at, tools.pack().hours.zone, now=tools.now(), seconds=seconds) if at else ""


def _cut(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED].rstrip()} … (the rest is in the console)"
