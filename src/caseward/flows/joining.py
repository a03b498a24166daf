"""What a person does with whole cases: put two together, take one apart, undo it, have one go on elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from caseward.core.case import Case, CaseStatus, IdentityState
from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.events import Moved
from caseward.core.ids import CaseId, ContactId
from caseward.core.messages import Message
from caseward.core.text import clean
from caseward.desk import approvals, casework, identity, links, merging, tools
from caseward.store import cases, contacts, db, log, merges, messages, timers
from caseward.store.merges import Merge


def merge(kept: str, gone: str, *, person: str, role: str, reason: str = "") -> Merge:
    """Make one case of two: the messages of `gone` are filed with `kept`, what comes in at its address goes there too,
    and its number means the other from now on. What is asked about it is withdrawn, undone.

    Raises:
        NotFound: there is no such case.
        Conflict: one is closed or part of another already, or `gone` is being worked on.
        Refused: they are of two contacts, and this person may not put them together all the same.
        BadInput: they are the same, or no reason is given where one is needed.
    """
    with db.transaction():
        whole, part = _held(kept, gone)
        _require_mergeable(whole, part)
        contradict = None not in (whole.contact_id, part.contact_id) and whole.contact_id != part.contact_id
        merging.require(person=person, role=role, strongest=contradict, case_id=part.id)
        reason = clean(reason).strip()
        if contradict and not reason:
            raise BadInput("--reason: the cases are of two contacts; say why they are one matter")
        return _join(whole, part, person=person, reason=reason)


def split(case_id: str, message_ids: Sequence[str], *, person: str, role: str, reason: str = "") -> tuple[Merge, Case]:
    """Make a case of its own of some messages of a case, held by who split it. Where all of them came in at another
    address, what comes in there belongs to the new case.

    Raises:
        NotFound: there is no such case.
        BadInput: a message is not of this case, or they are all it has.
        Refused: this person may not.
    """
    with db.transaction():
        case = casework.hold_still(case_id)
        merging.require(person=person, role=role, case_id=case.id)
        own = {each.id: each for each in messages.of_case(case.id)}
        wrong = [each for each in message_ids if each not in own]
        if wrong or not message_ids:
            raise BadInput(
                f"message {wrong[0]!r} is not of case #{case.number}" if wrong else "name a message at least"
            )
        if not any(each.inbound for each in own.values() if each.id not in message_ids):
            raise BadInput(f"case #{case.number} would be left without a message of its contact's")
        return _part(case, [own[each] for each in message_ids], person=person, reason=clean(reason).strip())


def undo(merge_id: str, *, person: str, role: str) -> Merge:
    """Undo what put cases together or took one apart, or contacts; what came since stays where it came.

    Raises:
        NotFound: there is no such merge.
        Conflict: it was undone before, or something was put together since that has to be undone first.
        Refused: this person may not.
    """
    with db.transaction():
        made = merges.get(merge_id, lock=True)
        if made.kind == "contact":
            return merging.undo(merge_id, person=person, role=role)
        merging.require(person=person, role=role)
        if made.undone_at is not None:
            raise Conflict(f"{merge_id} was undone already")
        whole, part = _held(made.kept, made.gone)
        later = next((each for each in merges.standing("case", of=whole.id) if each.gone == whole.id), None)
        if later is not None:
            raise Conflict(f"#{whole.number} was merged since; undo {later.id} first")
        if made.kind == "split":
            _require_mergeable(whole, part)
            _join(whole, part, person=person, reason="the split was undone")
        else:
            _take_apart(made, whole, part, person=person)
        merges.undone(made.id, by=person, now=tools.now())
        return made


def move(case_id: str, to: str, *, person: str, role: str) -> Case:
    """Have a case go on at another address of its contact: `channel` or `channel:address`; empty to have it go on
    wherever the contact writes.

    Raises:
        NotFound: there is no such case.
        Refused: nobody is proved to be its contact, the address is not theirs, or this person may not.
    """
    with db.transaction():
        case = casework.hold_still(case_id)
        merging.require(person=person, role=role, case_id=case.id)
        was = casework.address(case)
        if not to:
            case = cases.change(case, tools.now(), reach="")
        else:
            channel, _, address = _theirs(case, to, was).partition(":")
            if f"{channel}:{address}" != links.began_at(case):
                links.lead(case, channel, address, by=person)
            case = cases.change(case, tools.now(), reach=f"{channel}:{address}")
            tools.begin("moved_by_a_person", f"{case.id} {was}", f"moved:{case.id}:{case.version}:{case.reach}")
        log.of_case(case, "link", person, {"reach": case.reach, "was": was}, at=tools.now())
        return case


def prove(case_id: str, contact_id: str, *, person: str, role: str) -> Case:
    """Have the registered address of somebody on record be asked whether it is they who write in a case.

    Raises NotFound for no such case or nobody on record, Refused where this person may not, or where the channel's
    policy names no connected channel for what is formal.
    """
    with db.transaction():
        case = casework.hold_still(case_id)
        merging.require(person=person, role=role, case_id=case.id)
        contact = identity.on_record(ContactId(contact_id))
        if contact is None or not contact.email:
            raise NotFound(f"nobody with a registered address is {contact_id}")
        here = casework.address(case).partition(":")[0]
        formal = tools.pack().channels.of(here).formal
        if not formal or formal not in tools.given().channels:
            raise Refused(f"{here} names no connected channel for what is formal; see `formal` in channels.yaml")
        tools.begin("prove_by_mail", f"{case.id} {contact.id} {person}", f"prove:{case.id}:{case.version}:{contact.id}")
        return case


def link(channel: str, address: str, contact_id: str, *, person: str, role: str, reason: str) -> None:
    """Have an address count as a contact's, on the word of somebody of the strongest lane; see merging.link."""
    with db.transaction():
        known = identity.on_record(ContactId(contact_id))
        merging.link(channel, address, known.id if known else ContactId(contact_id), person=person, role=role,
                     reason=reason)  # fmt: skip


def unlink(channel: str, address: str, *, person: str, role: str, reason: str) -> bool:
    """Have nothing count as proved of an address any more; return whether anything did.

    Raises Refused where this person may not.
    """
    with db.transaction():
        merging.require(person=person, role=role)
        proved = contacts.identity(channel, address) is not None
        why = f"unlinked by {person}. {clean(reason)}".strip()
        links.moved(Moved(channel=channel, address=address, why=why, at=tools.now()))
        return proved


def _theirs(case: Case, to: str, was: str) -> str:
    """Return the address of a case's contact that is meant: proved to be theirs, or the one on their record."""
    who = identity.of(case, was)
    if who.state is not IdentityState.VERIFIED or who.contact is None:
        raise Refused(f"nobody is proved to be the contact of case #{case.number}; it goes on where it is")
    channel, _, address = to.partition(":")
    known = [each.address for each in contacts.proved(who.contact.id) if each.channel == channel]
    known += [who.contact.email] if channel == tools.pack().channels.of(was.partition(":")[0]).formal else []
    fitting = [each for each in known if each and (not address or each.casefold() == address.casefold())]
    if not fitting:
        raise Refused(f"{to} is neither proved to be the contact's nor the address on their record")
    return f"{channel}:{fitting[-1]}"


def _held(one: str, other: str) -> tuple[Case, Case]:
    """Return two cases with their conversations locked, in one order for everybody."""
    found = [cases.get(one), cases.get(other)]
    for conversation_id in sorted({each.conversation_id for each in found}):
        messages.lock(conversation_id)
    held = {each: cases.get(each, lock=True) for each in sorted(each.id for each in found)}
    return held[found[0].id], held[found[1].id]


def _require_mergeable(whole: Case, part: Case) -> None:
    if whole.id == part.id:
        raise BadInput(f"case #{whole.number} cannot be merged into itself")
    for each in (whole, part):
        if each.merged is not None:
            raise Conflict(f"case #{each.number} is part of another already")
    if whole.status is CaseStatus.CLOSED:
        raise Conflict(f"case #{whole.number} is closed; merge it into #{part.number} instead")
    why = merges.in_work(part.id)
    if why:
        raise Conflict(f"case #{part.number} cannot be merged now: {why}; try again in a moment")


def _join(whole: Case, part: Case, *, person: str, reason: str) -> Merge:
    now = tools.now()
    approvals.withdraw(part, f"the case became part of #{whole.number}")
    opened = links.lead_home(part, whole, by=person)
    filed = merges.move_messages(whole.id, part.id)
    moved = {
        "messages": filed,
        "doors": merges.move_doors(whole.id, part.id),
        "opened": opened,
        "status": str(part.status),
        "resolved_at": part.resolved_at.isoformat() if part.resolved_at else None,
        "owner": part.owner,
    }
    made = merges.keep("case", kept=whole.id, gone=part.id, moved=moved, by=person, now=now)
    part = cases.change(part, now, merged=whole.id)
    casework.become(part, CaseStatus.CLOSED)
    _note(whole.id, whole, f"#{part.number} became part of this case. {reason}".strip())
    _note(part.id, part, f"Became part of #{whole.number}. {reason}".strip())
    for each, other in ((whole, part), (part, whole)):
        _log(each, person, {"merge": made.id, "merged": f"#{part.number}", "into": f"#{whole.number}", "reason": reason,
                            "messages": len(filed), "other": other.id})  # fmt: skip
    return made


def _take_apart(made: Merge, whole: Case, part: Case, *, person: str) -> None:
    now, moved = tools.now(), made.moved
    merges.move_messages(part.id, whole.id, moved["messages"])
    merges.put_back_doors(whole.id, part.id, moved["doors"])
    links.close(whole, moved["opened"], by=person)
    was = CaseStatus(moved["status"])
    status = CaseStatus.OPEN if was in (CaseStatus.WAITING_APPROVAL, CaseStatus.WAITING_EXECUTION) else was
    part = cases.change(part, now, merged=None, owner=moved["owner"])
    casework.become(part, status)
    if moved["resolved_at"]:
        cases.change(part, now, resolved_at=datetime.fromisoformat(moved["resolved_at"]))
    if status is not was:
        timers.set_timer(part.id, "retry", now)  # what was asked about it is asked anew
    for each in (whole, part):
        _log(each, person, {"merge": made.id, "unmerged": f"#{part.number}", "from": f"#{whole.number}"})


def _part(case: Case, said: Sequence[Message], *, person: str, reason: str) -> tuple[Merge, Case]:
    now = tools.now()
    conversation_id, closed = links.lead_away(case, said, by=person)
    opened = cases.open_case(conversation_id, channel=case.channel, language=case.language, now=now)
    log.append("case", "house", {"status": "opened", "number": opened.number}, at=now, case_id=opened.id,
               conversation_id=conversation_id)  # fmt: skip
    moved = {"messages": merges.move_messages(opened.id, case.id, [each.id for each in said]), "closed": closed}
    made = merges.keep("split", kept=case.id, gone=opened.id, moved=moved, by=person, now=now)
    opened = cases.change(opened, now, owner=person, intent=case.intent, category=case.category)
    casework.become(opened, CaseStatus.OPEN)
    _note(case.id, case, f"#{opened.number} was split off. {reason}".strip())
    _note(opened.id, opened, f"Was split off #{case.number}. {reason}".strip())
    for each in (case, opened):
        _log(each, person, {"merge": made.id, "split": f"#{opened.number}", "off": f"#{case.number}", "reason": reason})
    return made, cases.get(opened.id)


def _note(case_id: CaseId, case: Case, text: str) -> None:
    messages.add(case.conversation_id, case_id=case_id, author="house", kind="note", text=text, at=tools.now())


def _log(case: Case, person: str, said: dict[str, object]) -> None:
    log.of_case(case, "link", person, said, at=tools.now())
