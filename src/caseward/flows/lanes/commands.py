"""Commands that the team types in a lane: what is open, one case, how systems are, which lane is read where."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from caseward.core import naming
from caseward.core.approval import ApprovalState
from caseward.core.case import DONE, CaseStatus
from caseward.core.errors import BadInput, NotFound
from caseward.core.events import Typed
from caseward.core.ports import Card
from caseward.desk import cards, health, lanes, tools, verdicts, wires
from caseward.store import approvals as requests
from caseward.store import casefile, figures, people, views
from caseward.store.people import Person

SHOWN = 10
"""Requests that an answer lists."""
HELP = """\
/status: open cases, what waits for a decision, how the systems and channels are
/approvals: what waits for a decision
/case NUMBER: one case, without personal data
/read NUMBER: have the facts behind what is asked about a case read anew
/degraded SYSTEM why, /healthy SYSTEM why: say how a system is
/lane ops, /lane approvals, /lane incidents: have that lane be read in this chat
/link CODE, /unlink: say who you are, in a direct message to me
/help: this list"""


def is_one(text: str) -> bool:
    """Return whether a message is a command, known or not."""
    return text.lstrip().startswith("/") and len(text.split()[0]) > 1


def run(event: Typed) -> str:
    """Do what a command says and return the answer.

    Raises Refused for somebody unknown or of the wrong role, BadInput for a command that lacks something.
    """
    word, _, rest = event.text.strip().partition(" ")
    name = word[1:].partition("@")[0].lower()
    if name == "link":
        return _link(event, rest.strip())
    command = COMMANDS.get(name)
    if command is None:
        return HELP if event.chat == event.person else ""  # in a group it may be another bot's
    return command(event, lanes.who(event.channel, event.person), rest.strip())


def _link(event: Typed, code: str) -> str:
    if event.chat != event.person:
        lanes.burn(event.channel, code)
        return "A code is for a direct message to me. This one was seen by everybody here and links nobody any more."
    person = lanes.link(event.channel, event.person, code)
    return f"You are {person.name}, {naming.ROLES[person.role].lower()}. What you decide here counts as yours.\n{HELP}"


def _unlink(event: Typed, _person: Person, _rest: str) -> str:
    lanes.unlink(event.channel, event.person)
    return "I no longer know you here. What you decided stays yours."


def _status(_event: Typed, _person: Person, _rest: str) -> str:
    counted = figures.read()
    cases = [
        f"{naming.status(status)[0].lower()} {counted.cases[status]}"
        for status in CaseStatus
        if status not in DONE and counted.cases.get(status)
    ]
    degraded = [
        f"{naming.channel(name)} ({state.why})" for name, state in health.systems().items() if state and state.degraded
    ]
    lost = [naming.channel(name) for name in tools.given().channels if wires.lost(name)]
    return "\n".join(
        (
            f"Cases: {', '.join(cases) or 'none is open'}.",
            f"Waiting for a decision: {counted.approvals.get('open', 0)}.",
            f"Systems: {', '.join(degraded) + ' degraded' if degraded else 'all well'}.",
            f"Channels: {', '.join(lost) + ' lost' if lost else 'all connected'}.",
        )
    )


def _approvals(_event: Typed, person: Person, _rest: str) -> str:
    pack = tools.pack()
    asked = views.queue(tuple(pack.profile.lanes), person_id=person.id, limit=SHOWN + 1)
    lines = [
        f"Case {each.number} · {each.tier} · {naming.lane(pack, each.lane)}: {each.question} "
        f"By {naming.local(each.due_at, pack.hours.zone, now=tools.now())}."
        for each in asked[:SHOWN]
    ]
    more = ["More are in the console."] if len(asked) > SHOWN else []
    return "\n".join([*lines, *more]) or "Nothing waits for a decision."


def _case(_event: Typed, _person: Person, number: str) -> str:
    wanted = number.lstrip("#")
    if not wanted.isdigit():
        raise BadInput("say which case: /case 12")
    try:
        file = casefile.read(wanted)
    except NotFound:
        return f"There is no case {wanted[:12]}."
    return told(cards.packet(file, people.names()).card)


def _read(_event: Typed, person: Person, number: str) -> str:
    wanted = number.lstrip("#")
    if not wanted.isdigit():
        raise BadInput("say which case: /read 12")
    try:
        case = casefile.find(wanted)
    except NotFound:
        return f"There is no case {wanted[:12]}."
    asked = [each for each in requests.of_case(case.id) if each.state is ApprovalState.OPEN]
    if not asked:
        return f"Nothing is asked about case {case.number}."
    verdicts.read_now(asked[-1].id, person=person.id, role=person.role)
    return "Being read now; the card shows what came of it."


def _degraded(_event: Typed, person: Person, rest: str) -> str:
    return _declare(person, rest, degraded=True)


def _healthy(_event: Typed, person: Person, rest: str) -> str:
    return _declare(person, rest, degraded=False)


def _declare(person: Person, rest: str, *, degraded: bool) -> str:
    system, _, why = rest.partition(" ")
    if not system or not why.strip():
        raise BadInput(f"say which system and why: /{'degraded' if degraded else 'healthy'} SYSTEM why")
    health.declare(system, degraded=degraded, why=why, by=person.id, role=person.role)
    said = "counts as degraded: what rests on it waits" if degraded else "can be relied on again"
    return f"{naming.channel(system)} {said}."


def _lane(event: Typed, person: Person, name: str) -> str:
    new = lanes.bind(name.lower(), event.channel, event.chat, by=person.id, role=person.role)
    return f"The lane {name.lower()} is read here{'' if new else ' already'}."


def _help(_event: Typed, _person: Person, _rest: str) -> str:
    return HELP


def told(card: Card) -> str:
    """Return a card as plain words, without its buttons."""
    return "\n".join([card.title, *card.lines, *([f"“{card.quote}”"] if card.quote else [])])


COMMANDS: Mapping[str, Callable[[Typed, Person, str], str]] = {
    "status": _status,
    "approvals": _approvals,
    "case": _case,
    "read": _read,
    "degraded": _degraded,
    "healthy": _healthy,
    "lane": _lane,
    "unlink": _unlink,
    "help": _help,
}
