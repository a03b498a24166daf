"""What is shown where: a subject's cards are made anew from what is stored, and told to the chats that lag behind.

A card is a matter of record: it is planned in a transaction and posted until it is shown. A line that only points at
something is a courtesy, said once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import structlog

from caseward.core import ids
from caseward.core.approval import ApprovalState
from caseward.core.case import DONE
from caseward.core.errors import NotFound
from caseward.desk import cards as made_of
from caseward.desk import lanes, tools, verdicts
from caseward.desk.cards import Made
from caseward.durable import step, transact, workflow
from caseward.flows.lanes import posting
from caseward.store import approvals as requests
from caseward.store import cards, casefile, effects, outbox, people, running, wires
from caseward.store import lanes as chats
from caseward.store.approvals import Request
from caseward.store.cards import Kept, Wanted

LATE = timedelta(minutes=1)
"""A request that is not shown as it stands for this long was not announced, and is announced again."""

_log = structlog.get_logger(__name__)


class Chat(NamedTuple):
    """Where a card goes."""

    lane: str
    channel: str
    chat: str


@workflow
def announce(told: str) -> str:
    """Show how a subject stands in every chat that is to know: `kind subject case`."""
    plan = transact(_plan, told)
    for card_id in plan["cards"]:
        posting.bring(card_id)
    for line in plan["lines"]:
        step(_say, line)
    return f"{len(plan['cards'])} cards, {len(plan['lines'])} lines"


@workflow
def catch_up(_minute: str) -> str:
    """Announce again what was announced and never shown: the story of it died, or its lane was bound since."""
    return transact(_behind)


def offer(card: Kept, act: str) -> None:
    """Have one card of a request offer the reasons for a verdict, or the verdicts again."""
    cards.lock(card.kind, card.subject)
    if cards.want(card.id, _wanted(_approval(card.subject, act)(card.id), act), now=tools.now()):
        tools.begin("post_card", card.id, ids.new("say"))


def _plan(told: str) -> dict[str, Any]:
    """Make the cards of a subject, and return those that lag behind, with the lines that are to be said beside them."""
    kind, subject, case_id = [*told.split(" "), "", ""][:3]
    cards.lock(kind, subject)
    lines: list[dict[str, str]] = []
    match kind:
        case "approval":
            behind = _plan_approval(subject)
        case "packet":
            behind = _plan_packet(case_id or subject)
        case "task":
            behind = _plan_task(subject)
        case "alarm":
            behind = _plan_alarm(subject)
        case "warning":
            behind, lines = _warning(subject, case_id)
        case _:
            raise NotFound(f"nothing is announced as {kind!r}")
    return {"cards": behind, "lines": lines}


def _plan_approval(approval_id: str) -> list[str]:
    request = requests.get(approval_id)
    asked = request.state is ApprovalState.OPEN or request.held_until is not None
    to = _deciders(request) if asked else ()
    return _show_all("approval", request.id, request.case_id, _approval(request.id), to)


def _plan_packet(case_id: str) -> list[str]:
    file = casefile.read(case_id)
    to = () if file.case.status in DONE else _bound(lanes.OPS)
    names = people.names()
    behind = _show_all("packet", file.case.id, file.case.id, lambda _id: made_of.packet(file, names), to)
    if file.case.status in DONE:
        for kind, plan in (("task", _plan_task), ("alarm", _plan_alarm)):
            for subject in sorted({card.subject for card in cards.of_case(file.case.id, kind) if not card.closed}):
                behind += plan(subject)
    return behind


def _plan_task(task_id: str) -> list[str]:
    """Show a task that did not go as it should."""
    task = effects.task(task_id)
    made = made_of.task(casefile.read(task.case_id), task)
    to = () if made.closed else _bound(lanes.OPS)
    return _show_all("task", task.id, task.case_id, lambda _id: made, to)


def _plan_alarm(subject: str) -> list[str]:
    """Show that something is broken, or no longer; what breaks again is another alarm."""
    what, _, name = subject.partition(":")
    case_id = ""
    if what == "parcel":
        parcel = outbox.get(name)
        case_id = parcel.case_id
        made = made_of.words(casefile.read(case_id), parcel)
    elif what == "channel":
        made = made_of.line(name, wires.states().get(name))
    else:
        health = running.systems().get(name)
        if health is None:
            return []
        made = made_of.system(name, health)
    to = () if made.closed else _bound(lanes.INCIDENTS) or _bound(lanes.OPS)
    return _show_all("alarm", subject, case_id, lambda _id: made, to, anew=True)


def _warning(clock: str, case_id: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return a line under each card of a case whose promise is near; a case without one is shown instead."""
    file = casefile.read(case_id)
    shown = [card for card in cards.of_case(file.case.id, "approval") if not card.closed]
    if clock != "decision" or not shown:
        shown = [card for card in cards.of_case(file.case.id, "packet") if not card.closed]
    line = made_of.warning(file, clock)
    if not shown or not line:
        return (_plan_packet(case_id) if line else []), []
    told = [card for card in shown if card.message]
    return [], [{"channel": each.channel, "chat": each.chat, "reply_to": each.message, "text": line} for each in told]


def _say(line: Mapping[str, str]) -> None:
    """Say a line; nobody waits for it, so one that cannot be said is let go."""
    try:
        tools.lanes()[line["channel"]].say(line["chat"], line["text"], reply_to=line["reply_to"])
    except Exception as error:
        _log.warning("a line was not said", channel=line["channel"], error=f"{type(error).__name__}: {error}")


def _approval(approval_id: str, act: str = "") -> Callable[[str], Made]:
    """Return what makes the card of a request, for a card's id."""
    request = requests.get(approval_id)
    file, names = casefile.read(request.case_id), people.names()
    votes, drafted = file.votes.get(request.id, ()), file.draft(request.draft_id)
    why = verdicts.unfit(drafted.draft) if drafted and request.state is ApprovalState.OPEN else None
    unfit = why.why if why else ""
    return lambda card_id: made_of.approval(card_id, file, request, votes, names, act=act, unfit=unfit)


def _deciders(request: Request) -> Sequence[Chat]:
    """Return who is asked: the approvals lane; where none is bound, and to break the glass, those who may decide."""
    bound = _bound(lanes.APPROVALS)
    case = casefile.find(request.case_id)
    if bound and not case.woken:
        return bound
    linked = chats.handles_of(tools.lanes())
    roles = people.roles_of({each.person_id for each in linked}, now=tools.now())
    direct = [
        Chat(lanes.APPROVALS, each.channel, each.handle)
        for each in linked
        if each.person_id in roles and not verdicts.barred(case, request, each.person_id, roles[each.person_id])
    ]
    return [*bound, *direct]


def _bound(lane: str) -> Sequence[Chat]:
    return [Chat(lane, each.channel, each.chat) for each in chats.bound(lane) if each.channel in tools.lanes()]


def _show_all(
    kind: str, subject: str, case_id: str, make: Callable[[str], Made], to: Sequence[Chat], *, anew: bool = False
) -> list[str]:
    """Have the chats show a subject: those that do already, and those that are to from now on; return the cards that
    lag behind.

    With `anew`, what is closed stays as it is, and the chats are told again.
    """
    known = [card for card in cards.of(kind, subject) if not (anew and card.closed)]
    now = tools.now()
    behind = [card.id for card in known if cards.want(card.id, _wanted(make(card.id)), now=now)]
    shown = {(card.channel, card.chat) for card in known}
    for lane, channel, chat in to:
        if (channel, chat) in shown:
            continue
        shown.add((channel, chat))
        card_id = ids.new("card")
        key = f"{kind}:{subject}:{channel}:{chat}" + (f":{card_id}" if anew else "")
        cards.plan(card_id, key, kind, subject, case_id, lane=lane, channel=channel, chat=chat,
                   wanted=_wanted(make(card_id)), now=now)  # fmt: skip
        behind.append(card_id)
    return behind


def _wanted(made: Made, act: str = "") -> Wanted:
    return Wanted(body=made.body, digest=made.digest, asks=made.asks, act=act, closed=made.closed)


def _behind() -> str:
    """Begin what was lost of the requests' announcements; nothing where nobody reads a lane."""
    if not tools.lanes() or not (chats.bound() or chats.handles_of(tools.lanes())):
        return "nobody reads"
    behind = cards.behind(tools.now() - LATE)
    for approval_id, case_id in behind:
        tools.announce("approval", approval_id, case_id)
    return f"{len(behind)} requests"
