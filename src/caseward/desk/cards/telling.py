"""What the team is told without being asked: cases, tasks and words that need people, what is broken, what is near."""

from __future__ import annotations

from collections.abc import Mapping

from caseward.core import naming
from caseward.core.case import DONE
from caseward.core.naming import humane
from caseward.core.ports import Card
from caseward.core.text import clean
from caseward.desk import tools
from caseward.desk.cards.made import Made, cut, links, mask_of, moment, who, woken
from caseward.store.casefile import CaseFile
from caseward.store.effects import EffectState, Task
from caseward.store.outbox import Parcel
from caseward.store.running import Health
from caseward.store.wires import Wire


def packet(file: CaseFile, names: Mapping[str, str]) -> Made:
    """Return the card of a case that people have before them: what it is, what was understood, what is missing."""
    mask, case, pack = mask_of(file), file.case, tools.pack()
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
        f"{who(file)}, held by {holder}",
        f"Understood: {mask(', '.join(part for part in (*understood, *named) if part))}",
        *([f"Missing: {', '.join(missing)}"] if missing else []),
        *([woken(case)] if case.woken else []),
    ]
    closed = case.status in DONE
    title = f"Case {case.number}: {naming.matter(pack, case.intent)}"
    card = Card(title=title, lines=lines, quote=cut(mask(said)), buttons=links(case))
    return Made(card=card, closed=closed, line=f"Case {case.number} is {status.lower()}.")


def task(file: CaseFile, done: Task) -> Made:
    """Return the card of a task that did not go as it should: what it was, and what came of it."""
    mask, case = mask_of(file), file.case
    came = done.result
    what = mask(done.request.summary or humane(done.request.skill))
    state = humane(str(came.status).lower()) if came else humane(str(done.state))
    lines = [
        f"Case {case.number} · {state}",
        *([mask(came.detail)] if came and came.detail else []),
        f"Tried {done.attempts} {'time' if done.attempts == 1 else 'times'}",
    ]
    closed = done.state is EffectState.DONE or case.status in DONE
    card = Card(title=f"Task: {what}", lines=lines, buttons=links(case))
    return Made(card=card, closed=closed, line=f"Case {case.number}, {what}: {state.lower()}.")


def words(file: CaseFile, parcel: Parcel) -> Made:
    """Return the card of words that did not reach their contact by themselves."""
    mask, case = mask_of(file), file.case
    there = parcel.state is EffectState.DONE
    closed = there or case.status in DONE
    title = f"Case {case.number}: the words are sent" if there else f"Words of case {case.number} do not arrive"
    lines = [
        f"{naming.channel(parcel.channel)} · {humane(str(parcel.state))}",
        *([mask(parcel.error)] if parcel.error and not there else []),
        *([] if closed else ["Reach them otherwise, or answer in other words, in the console"]),
    ]
    card = Card(title=title, lines=lines, quote=cut(mask(parcel.text)), buttons=links(case))
    return Made(card=card, closed=closed, line=f"{title}.")


def system(name: str, health: Health) -> Made:
    """Return the card of a system that cannot be relied on, or can again."""
    by = "" if health.by == "auto" else ", said by a person"
    if not health.degraded:
        said = f"{humane(name)} can be relied on again, {moment(health.since)}{by}."
        return Made(card=Card(title=f"{humane(name)} is well again", lines=[said]), closed=True, line=said)
    lines = [
        f"Since {moment(health.since)}{by}: {clean(health.why)}",
        "What rests on it is pending verification, and changes wait. Customers are told a time and nothing else.",
        f"When it is well: /healthy {name} why",
    ]
    return Made(card=Card(title=f"{humane(name)} is degraded", lines=lines), line=f"{humane(name)} is degraded.")


def line(name: str, wire: Wire | None) -> Made:
    """Return the card of a channel that is lost, or whose vendor complains, or that is well again."""
    channel = naming.channel(name)
    if wire is None or (wire.lost_at is None and not wire.error):
        said = f"{channel} is connected again."
        return Made(card=Card(title=said.rstrip("."), lines=[f"Since {moment(tools.now())}"]), closed=True, line=said)
    if wire.lost_at is None:
        title, lines = f"{channel} reports a fault", [clean(wire.error)]
    else:
        title = f"{channel} is lost"
        lines = [
            f"Since {moment(wire.lost_at)}: {clean(wire.error)}",
            "What is to be said there waits; nothing is lost.",
        ]
    return Made(card=Card(title=title, lines=lines), line=f"{title}.")


def warning(file: CaseFile, clock: str) -> str:
    """Return the line that says which promise is near, or was missed; empty when it no longer runs."""
    running = next((each for each in file.clocks if each.kind == clock and each.met_at is None), None)
    if running is None or running.paused:
        return ""
    what = {"first_response": "first reply", "resolution": "resolution", "decision": "decision"}.get(clock, clock)
    verb = "was due" if running.due_at <= tools.now() else "is due"
    return f"Case {file.case.number}: the {what} {verb} by {moment(running.due_at)}."
