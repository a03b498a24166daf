"""Writing first: whether a contact wants to be written to, whom a playbook means, and what may be said unasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids
from caseward.core.case import DONE, Case, CaseStatus, Contact
from caseward.core.channels import Playbook, Words
from caseward.core.errors import NotFound, Refused, SystemDown
from caseward.core.events import Preference
from caseward.core.ids import ContactId, ConversationId, DraftId
from caseward.core.messages import Inbound
from caseward.core.outreach import SOON, Address, Standing, Step, Verdict, judge, key
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.core.text import clean
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import cases, contacts, log, outreach, running
from caseward.store.outreach import SENT, SKIPPED, WAITING, Row

STOP, START = "stop", "start"
_ENDS = " .!?,;:\"'()"
"""What may stand around a word without changing what it says."""
_STATES = {Step.SEND: WAITING, Step.WAIT: WAITING, Step.SKIP: SKIPPED}

# --- what contacts want -----------------------------------------------------------------------------------------------


def prefer(event: Preference, *, source: str = "channel") -> None:
    """Record that a contact allows or forbids what they did not ask for; a word that came late changes nothing.

    `source` says how we know: `channel` where its vendor reports it, or the word that was said.
    """
    if not outreach.prefer(event.channel, event.address, wanted=event.wanted, source=source, at=event.at):
        return
    payload = {"channel": event.channel, "address": event.address, "wanted": event.wanted, "source": source}
    conversation = outreach.conversation(event.channel, event.address)
    log.append("preference", "contact", payload, at=event.at, conversation_id=conversation)


def said(inbound: Inbound) -> str | None:
    """Return `stop` or `start` when a message is nothing but one of the pack's words for it, else None.

    A word that is listed for both stops.
    """
    text = " ".join(clean(inbound.text).split()).casefold().strip(_ENDS)
    own = tools.pack().channels.outreach
    if text and text in _plain(own.stop):
        return STOP
    return START if text and text in _plain(own.start) else None


def wanted(channel: str, address: str) -> bool | None:
    """Return what an address last said of messages it did not ask for, or None when it said nothing."""
    return outreach.preference(channel, address)


def confirmation(word: str) -> str:
    """Return the template that confirms a `stop` or a `start`; empty where the pack confirms nothing."""
    own = tools.pack().channels.outreach
    return {STOP: own.stopped, START: own.started}.get(word, "")


def _plain(words: Words) -> frozenset[str]:
    return frozenset(" ".join(clean(word).split()).casefold() for each in words.values() for word in each)


# --- whom a playbook means --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One message that a playbook calls for, and what may be done about it now."""

    playbook: Playbook
    key: str
    contact: str
    values: Mapping[str, Any]
    verdict: Verdict
    before: Row | None = None
    """How it stood until now."""


def playbook(id: str) -> Playbook:
    """Return a playbook of the pack; raise NotFound for none."""
    found = next((each for each in tools.pack().playbooks if each.id == id), None)
    if found is None:
        raise NotFound(f"the pack has no playbook {id!r}")
    return found


def due() -> list[tuple[str, str, str]]:
    """Return story, subject and id of what is due: playbooks to ask, and messages that wait no longer.

    A playbook that is new is asked for the first time after one of its intervals.
    """
    enabled = [each for each in tools.pack().playbooks if each.enabled]
    if not enabled:
        return []
    now, turns = tools.now(), outreach.turns()
    found = []
    for each in enabled:
        turn = turns.get(each.id)
        if turn is None:
            outreach.plan(each.id, now + timedelta(minutes=each.every_minutes))
        elif turn.next_at <= now:
            found.append(("run_playbook", each.id, f"playbook:{each.id}:{turn.next_at.timestamp()}"))
    waiting = [("write_first", key, f"outreach:{key}:{at.timestamp()}") for key, at in outreach.waiting(now)]
    return [*found, *waiting]


def begin(id: str) -> Playbook | None:
    """Return a playbook that is due, and say when it is next; None for one that is switched off or was asked."""
    now, turn = tools.now(), outreach.turns().get(id)
    found = next((each for each in tools.pack().playbooks if each.id == id and each.enabled), None)
    if found is None or turn is None or turn.next_at > now:
        return None
    outreach.plan(id, now + timedelta(minutes=found.every_minutes), ran_at=now)
    return found


def failed(id: str, why: str) -> None:
    """Record that a playbook could not be asked; it is tried again soon."""
    outreach.plan(id, tools.now() + SOON, error=why)


def look(playbook: Playbook, contact: str = "") -> list[Call]:
    """Return the messages that a playbook calls for now, of everybody or of one contact, and what may be done.

    What was sent before is not among them. Raise SystemDown when the records do not answer.
    """
    args = {"contact": contact} if contact else {}
    listed = tools.skill(playbook.reads).run(args, key="", now=tools.now())
    rows = {key(playbook, row): row for row in listed.values.get("rows", ())}
    known = outreach.rows(rows)
    fresh = {name: row for name, row in rows.items() if name not in known or known[name].state != SENT}
    standings = _standings([str(row["contact"]) for row in fresh.values()])
    return [
        Call(
            playbook=playbook,
            key=name,
            contact=str(row["contact"]),
            values={each: value for each, value in row.items() if each != "contact"},
            verdict=_judge(playbook, standings[str(row["contact"])]),
            before=known.get(name),
        )
        for name, row in fresh.items()
    ]


def note(calls: Sequence[Call], now: datetime) -> list[str]:
    """Record how messages stand as of `now`, and return the keys of those to be sent at once."""
    changed = [each for each in calls if each.before is None or _moved(each, each.before)]
    outreach.keep([_row(each, now) for each in changed], at=now)
    for each in changed:
        if each.verdict.step is not Step.SEND:
            record(each)
    return [each.key for each in changed if each.verdict.step is Step.SEND]


def again(id: str) -> Call | None:
    """Return a message that waits, judged anew by what the records say now, and hold everything of its contact still.

    None for one that waits no longer.
    """
    row = outreach.take(id)
    if row is None or row.state != WAITING:
        return None
    found = _named(row.playbook)
    if not found.enabled:
        return _call(found, row, Verdict(step=Step.SKIP, why="the playbook is switched off"))
    if _degraded(found):
        return _call(found, row, later("its system is not healthy"))
    try:
        call = next((each for each in look(found, row.contact) if each.key == id), None)
    except SystemDown as down:
        return _call(found, row, later(str(down)))
    return call or _call(found, row, Verdict(step=Step.SKIP, why="the records call for it no longer"))


def give_up(id: str, why: str) -> str:
    """Pass over a message that waits, and return what was decided."""
    row = outreach.take(id)
    if row is None or row.state != WAITING:
        return "settled before"
    verdict = Verdict(step=Step.SKIP, why=why)
    return put_off(_call(_named(row.playbook), row, verdict), verdict)


def later(why: str) -> Verdict:
    """Return the verdict on what stands in the way for a while."""
    return Verdict(step=Step.WAIT, why=why, until=tools.now() + SOON)


def _named(id: str) -> Playbook:
    """Return a playbook, or what stands for one that the pack has no longer."""
    gone = Playbook(id=id, title="", owner="", reads="", key="", template="", channels=(), enabled=False)
    return next((each for each in tools.pack().playbooks if each.id == id), gone)


def _call(playbook: Playbook, row: Row, verdict: Verdict) -> Call:
    return Call(playbook=playbook, key=row.key, contact=row.contact, values=row.values, verdict=verdict, before=row)


def _standings(people: Sequence[str]) -> dict[str, Standing]:
    since = tools.now() - timedelta(days=tools.pack().channels.outreach.days)
    reached, lately = outreach.addresses(people), outreach.lately(people, since)
    return {each: Standing(addresses=reached.get(each, ()), lately=lately.get(each, 0)) for each in people}


def _judge(playbook: Playbook, standing: Standing) -> Verdict:
    pack = tools.pack()
    plugged = tools.given().channels.keys()
    return judge(playbook, pack.channels.outreach, standing, plugged=plugged, now=tools.now(), zone=pack.hours.zone)


def _degraded(playbook: Playbook) -> bool:
    health = running.systems().get(tools.skill(playbook.reads).system)
    return health is not None and health.degraded


def _moved(call: Call, before: Row) -> bool:
    """Return whether a message stands otherwise than it did; one that waits is left to its own story."""
    if before.state == WAITING:
        return False
    return _STATES[call.verdict.step] != before.state or call.verdict.why != before.why


def _row(call: Call, now: datetime) -> Row:
    verdict = call.verdict
    until = {Step.SEND: now, Step.WAIT: verdict.until, Step.SKIP: None}[verdict.step]
    return Row(
        key=call.key,
        playbook=call.playbook.id,
        contact=call.contact,
        state=_STATES[verdict.step],
        why=verdict.why,
        values=call.values,
        next_at=until,
    )


# --- what is said -----------------------------------------------------------------------------------------------------


def put_off(call: Call, verdict: Verdict) -> str:
    """Record that a message is not sent, or not yet, and why; return what was decided."""
    now, call = tools.now(), replace(call, verdict=verdict)
    outreach.keep([_row(call, now)], at=now)
    if call.before is None or verdict.why != call.before.why:
        record(call)
    return verdict.step.value


def sent(call: Call, case: Case, draft: Draft, outbox_key: str) -> None:
    """Record that a message went to the outbox: what it rests on, by which playbook and release."""
    channel = draft.address.partition(":")[0]
    outreach.sent(call.key, channel=channel, outbox_key=outbox_key, values=call.values, at=tools.now())
    record(call, case=case, draft=draft)


def record(call: Call, *, case: Case | None = None, draft: Draft | None = None) -> None:
    """Log what was decided about a message."""
    verdict = call.verdict
    payload: dict[str, Any] = {"playbook": call.playbook.id, "key": call.key, "contact": call.contact,
                               "step": verdict.step.value, "why": verdict.why, "until": verdict.until}  # fmt: skip
    if draft is not None:
        payload |= {"template": draft.template, "digest": draft.digest, "address": draft.address}
    log.append(
        "outreach",
        "A",
        payload,
        at=tools.now(),
        case_id=case.id if case else None,
        conversation_id=case.conversation_id if case else None,
        release=tools.pack().profile.release,
    )


def case_for(conversation_id: ConversationId, call: Call, to: Address) -> Case:
    """Return the case in which the message stands: the open one, or a new one that is settled by being sent.

    The new one has no clock and no farewell: nobody asked anything. An answer takes it up again like any other.
    """
    now, latest = tools.now(), cases.latest(conversation_id)
    if latest is not None and latest.status not in DONE:
        return latest
    opened = cases.open_case(conversation_id, channel=to.channel, language=_language(call.contact), now=now)
    payload = {"status": "opened", "number": opened.number, "playbook": call.playbook.id}
    log.append("case", "house", payload, at=now, case_id=opened.id, conversation_id=conversation_id)
    return cases.change(
        opened,
        now,
        contact_id=ContactId(call.contact),
        status=CaseStatus.RESOLVED,
        resolved_at=now,
        disposition=f"playbook {call.playbook.id}",
    )


def draft(case: Case, call: Call, to: Address) -> Draft:
    """Return the message in the contact's language, with what it rests on; raise PackError for a value it lacks."""
    pack, now = tools.pack(), tools.now()
    contact = _contact(call.contact)
    language = pack.language(case.language) if case.language else _language(call.contact)
    values = {
        **call.values,
        "name": contact.name.split()[0] if contact.name else None,
        "business": pack.profile.title,
        "case": case.number,
        "reference": f"#{case.number}",
    }
    printed = {
        name: wording.show(pack, name, value, language, now=now) for name, value in values.items() if value is not None
    }
    system = tools.skill(call.playbook.reads).system
    own = {name: printed[name] for name in sorted(call.values) if name in printed}
    return Draft(
        id=DraftId(ids.new("drf")),
        case_id=case.id,
        language=language,
        template=call.playbook.template,
        replies={ResultStatus.SUCCESS: wording.render(pack, call.playbook.template, language, values, now=now)},
        evidence=(
            Evidence(
                id=call.playbook.reads,
                kind="reading",
                title=call.playbook.title,
                excerpt="; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in own.items()),
                source=system,
                at=now,
                values=tuple(own.values()),
            ),
            Evidence(
                id="house",
                kind="house",
                title="What we may say of ourselves",
                excerpt=pack.profile.title,
                source=pack.profile.release,
                at=now,
                values=(contact.name, f"#{case.number}"),
            ),
        ),
        address=f"{to.channel}:{to.address}",
    )


def _contact(id: str) -> Contact:
    found = contacts.get(ContactId(id))
    if found is None:
        raise Refused(f"nothing is known of contact {id}")
    return found


def _language(contact: str) -> str:
    locale = _contact(contact).locale
    return tools.pack().language(locale.replace("_", "-").partition("-")[0])
