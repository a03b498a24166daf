"""One case, several channels: where what comes in belongs, and what an address that passes on takes with it.

What comes in at an address belongs to the conversation of that address, or through a *door* to a case that began
elsewhere. A door is opened by evidence, never by a claim: an answer to the very message we sent there, a case number
from the address that the case's proved contact has on record, or a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from caseward.core import ids
from caseward.core.case import Case, Contact
from caseward.core.errors import NotFound
from caseward.core.events import Moved
from caseward.core.ids import CaseId, ConversationId
from caseward.core.messages import Inbound, Message
from caseward.core.text import normalise, words
from caseward.desk import tools
from caseward.store import cases, contacts, links, log, messages
from caseward.store.links import Door, Home, Proof

PROOF = "proof:"
"""Begins the key of words that ask a registered address for a proof."""


def conversation_for(inbound: Inbound, now: datetime) -> ConversationId:
    """Return the conversation that a message belongs to, opened when it is new."""
    home = links.home(inbound.channel, inbound.address)
    own = home.own or messages.open_conversation(
        inbound.channel, inbound.address, token_hash=None, language="", now=now
    )
    if inbound.sender.name not in ("", home.title):
        links.call(own, inbound.sender.name)
    before = [each for each in (own, home.once) if each] if home.once or inbound.case or inbound.reply_to else []
    known = messages.holds(inbound.provider_id, *before) if before else None
    if known is not None:
        return known  # a vendor that repeats itself says the same thing in the same place
    elsewhere = _elsewhere(inbound, home, own, now)
    if elsewhere is None:
        return own
    links.heard(own, min(inbound.at, now))
    return elsewhere


def home(channel: str, address: str) -> ConversationId | None:
    """Return the conversation to which an address belongs now, or None when there is none."""
    found = links.home(channel, address)
    return found.door.conversation_id if found.door else found.own


def moved(event: Moved) -> None:
    """Let go of everything that was proved of an address: another number, or another person, is behind it now.

    What waits to be said there is stopped at once, its doors are closed; the cases it belongs to are looked at by the
    story `unproven`. The new address, where there is one, is a stranger's unless it was proved before.
    """
    now, at = tools.now(), f"{event.channel}:{event.address}"
    found = links.home(event.channel, event.address)
    proved = contacts.disprove(event.channel, event.address)
    if found.own is None:  # an address that nobody wrote from yet is remembered too
        messages.open_conversation(event.channel, event.address, token_hash=None, language="", now=now)
    contacts.pass_on(event.channel, event.address, now)
    links.drop_proofs(at, now)
    stopped = links.stop_parcels(event.channel, event.address, f"the address passed on: {event.why}", now)
    if found.door is not None:
        links.close_door(event.channel, event.address, now)
    touched = [*links.cases_at(found.own)] if found.own else []
    touched += [found.door.case_id] if found.door and found.door.case_id not in touched else []
    told = {"outcome": "dropped", "address": at, "now": event.now, "why": event.why, "stopped": len(stopped)}
    more = {"contact": proved.contact.id, "method": proved.method} if proved else {}
    of: list[CaseId | None] = [*touched] or [None]
    for case_id in of:
        log.append("identity", "house", {**told, **more}, at=now, case_id=case_id, conversation_id=found.own)
    for case_id in touched:
        tools.begin("unproven", f"{case_id} {at}", f"unproven:{case_id}:{at}:{event.at.timestamp()}")
    if proved and event.now and found.own and touched:
        _follow(event, proved.contact.id, found, now)


def _follow(event: Moved, contact_id: str, found: Home, now: datetime) -> None:
    """Have the latest case go on at the new address, where that one was proved to be the same contact's."""
    known = contacts.identity(event.channel, event.now)
    case = cases.latest(found.own) if found.own else None
    if known is not None and known[0].id == contact_id and case is not None and _goes_on(case, now):
        _open(case, event.channel, event.now, by="move", now=now)


def _elsewhere(inbound: Inbound, home: Home, own: ConversationId, now: datetime) -> ConversationId | None:
    """Return the conversation of another address that a message belongs to, or None."""
    sent = links.sent(inbound.channel, inbound.address, inbound.reply_to) if inbound.reply_to else None
    case = cases.get(sent.case_id) if sent else _named(inbound)
    if case is not None and case.conversation_id == own:
        return None
    if case is not None and _goes_on(case, now):
        by = _evidence(inbound, case, answers=sent.key if sent else "", now=now)
        if by and not inbound.automatic:
            _open(case, inbound.channel, inbound.address, by=by, now=now)
        if by:
            return case.conversation_id
    if home.door is not None and _is_authentic(inbound):
        return home.door.conversation_id
    if case is not None:
        messages.add(own, case_id=_running(own), author="house", kind="note", at=now,
                     text=f"Mentions #{case.number}; nothing shows that its contact wrote this.")  # fmt: skip
    return None


def _named(inbound: Inbound) -> Case | None:
    """Return the case whose number a message names as ours."""
    number = inbound.case.removeprefix("#")
    try:
        return cases.get(number) if number.isascii() and number.isdigit() else None
    except NotFound:
        return None


def _evidence(inbound: Inbound, case: Case, *, answers: str, now: datetime) -> str:
    """Return what shows that a message belongs to a case: `proof`, `reply` or `token`; empty when nothing does."""
    proof = links.proof(case.id, now)
    if proof is not None and proof.sent == f"{inbound.channel}:{inbound.address}":
        return "proof" if _confirms(inbound, case, proof, now) else ""
    if answers:
        return "" if answers.startswith(PROOF) else "reply"
    contact = contacts.get(case.contact_id) if case.contact_id else None
    if contact is None or not inbound.sender.email or not contacts.is_proved(contact.id):
        return ""
    registered = contact.email.casefold() == inbound.sender.email.casefold() == inbound.address.casefold()
    return "token" if registered else ""


def _confirms(inbound: Inbound, case: Case, proof: Proof, now: datetime) -> bool:
    """Take an answer to a proof: a plain yes, surely from there, proves both addresses to be the same contact's."""
    if inbound.automatic or not inbound.sender.email or not _is_authentic(inbound):
        return False
    answer = _answer(inbound.text)
    if not answer:
        return False
    if not links.settle_proof(proof.id, "confirmed" if answer == "yes" else "refused", now):
        return False
    outcome = {"contact": proof.contact_id, "address": proof.asked, "method": METHOD, "sent": proof.sent}
    if answer == "no":
        contacts.record_attempt(case.conversation_id, {"contact": proof.contact_id}, ok=False, at=now)
        messages.add(case.conversation_id, case_id=case.id, author="house", kind="note", at=now,
                     text="The registered address answers that this is somebody else.")  # fmt: skip
    else:
        for address in (proof.asked, proof.sent):
            channel, _, at = address.partition(":")
            contacts.prove(channel, at, proof.contact_id, method=METHOD, now=now)
    said = "verified" if answer == "yes" else "mismatch"
    log.of_case(case, "identity", "B", {"outcome": said, **outcome}, at=now)
    return answer == "yes"


METHOD = "email reply"
"""How an address is proved by an authentic answer from a registered one."""


def _answer(text: str) -> str:
    """Return `yes` for a first line that is nothing else, with no word against it; `no` where one stands in it."""
    lexicons = tools.pack().lexicon.values()
    no = words((each for lexicon in lexicons for each in lexicon.no), where="lexicon, no")
    yes = words((each for lexicon in lexicons for each in lexicon.yes), where="lexicon, yes")
    first = normalise(next((line for line in text.splitlines() if line.strip()), ""))
    if no is not None and no.search(normalise(text)):
        return "no"
    if yes is None or yes.search(first) is None or any(char.isalnum() for char in yes.sub("", first)):
        return ""
    return "yes"


def _is_authentic(inbound: Inbound) -> bool:
    """Return whether a message is surely from its address: anybody can write any sender's name on a mail."""
    return "@" not in inbound.address or inbound.sender.email.casefold() == inbound.address.casefold()


def _goes_on(case: Case, now: datetime) -> bool:
    return links.goes_on(case.id, now - timedelta(days=tools.pack().profile.limits.reopen_days))


def _running(conversation_id: ConversationId) -> str | None:
    """Return the case that is open in a conversation; None where the next message begins one."""
    open_ = links.cases_at(conversation_id)
    return open_[-1] if open_ else None


def _open(case: Case, channel: str, address: str, *, by: str, now: datetime) -> None:
    links.open_door(
        Door(
            channel=channel,
            address=address,
            conversation_id=case.conversation_id,
            case_id=case.id,
            by=by,
            opened_at=now,
        )
    )
    log.of_case(case, "link", "house", {"opened": f"{channel}:{address}", "by": by}, at=now)


# --- proofs that only a registered address can give -------------------------------------------------------------------


def ask_proof(case: Case, contact: Contact, here: str, *, by: str) -> tuple[Proof, bool] | None:
    """Return what is asked of a contact's registered address about the address `here`, and whether it is asked now or
    was asked before; None where no address can be asked, or it was asked too often."""
    pack, now = tools.pack(), tools.now()
    policy = pack.channels.of(here.partition(":")[0])
    if not policy.formal or not contact.email or policy.formal not in tools.given().channels:
        return None
    waiting = links.proof(case.id, now)
    if waiting is not None and (waiting.contact_id, waiting.asked) == (contact.id, here):
        return waiting, False
    since = now - timedelta(minutes=pack.profile.identity.window_minutes)
    if links.proofs_since(contact.id, here, since) >= pack.profile.identity.attempts:
        log.of_case(
            case, "identity", "house", {"outcome": "refused", "why": "asked too often", "contact": contact.id}, at=now
        )
        return None
    proof = Proof(
        id=ids.new("prf"),
        case_id=case.id,
        contact_id=contact.id,
        asked=here,
        sent=f"{policy.formal}:{contact.email}",
        by=by,
        at=now,
        expires_at=now + timedelta(hours=policy.formal_hours),
    )
    if waiting is not None:
        links.settle_proof(waiting.id, "dropped", now)
    links.keep_proof(proof)
    log.of_case(
        case, "identity", by, {"outcome": "asked", "contact": contact.id, "address": here, "of": proof.sent}, at=now
    )
    return proof, True


def began_at(case: Case) -> str:
    """Return `channel:address` of the conversation that a case belongs to."""
    return began_at_of(case.conversation_id)


# --- doors that people open and close ---------------------------------------------------------------------------------


def lead(case: Case, channel: str, address: str, *, by: str) -> None:
    """Have what comes in at an address belong to a case, on a person's word."""
    _open(case, channel, address, by=by, now=tools.now())


def lead_home(part: Case, whole: Case, *, by: str) -> list[list[str]]:
    """Have what comes in where a case began belong to another one; return the addresses at which that is so now.

    A web chat stays what it is: its page shows its own conversation and nothing else.
    """
    row = messages.conversation(part.conversation_id)
    if row is None or row.token_hash is not None or part.conversation_id == whole.conversation_id:
        return []
    _open(whole, row.channel, row.address, by=by, now=tools.now())
    return [[row.channel, row.address]]


def lead_away(case: Case, said: Sequence[Message], *, by: str) -> tuple[ConversationId, list[list[str]]]:
    """Return the conversation to which some messages of a case belong by themselves, and the doors closed for it: that
    of the address at which all of them came in, else the case's own."""
    begun = began_at(case)
    wrote = {each.via or (began_at_of(each.conversation_id) or begun) for each in said if each.inbound}
    if len(wrote) != 1 or wrote == {begun}:
        return case.conversation_id, []
    channel, _, address = wrote.pop().partition(":")
    own = messages.open_conversation(channel, address, token_hash=None, language=case.language, now=tools.now())
    return own, close(case, [[channel, address]], by=by)


def close(case: Case, addresses: Iterable[Sequence[str]], *, by: str) -> list[list[str]]:
    """Close the doors of a case at some addresses; return those that stood open."""
    now, closed = tools.now(), []
    for channel, address in addresses:
        door = links.home(channel, address).door
        if door is not None and door.case_id == case.id and links.close_door(channel, address, now):
            closed.append([channel, address])
            log.of_case(case, "link", by, {"closed": door.via}, at=now)
    return closed


def began_at_of(conversation_id: ConversationId) -> str:
    """Return `channel:address` of a conversation; empty for none."""
    row = messages.conversation(conversation_id)
    return f"{row.channel}:{row.address}" if row is not None else ""
