"""Contacts that are one person are put together here, and taken apart again exactly."""

from __future__ import annotations

from collections.abc import Mapping

from caseward.core.approval import in_lane
from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.ids import CaseId, ContactId
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import contacts, db, log, merges
from caseward.store.merges import Merge

EFFECT = "merge"
"""What a refused attempt is logged as."""


def require(*, person: str, role: str, strongest: bool = False, case_id: CaseId | None = None) -> None:
    """Return if somebody may put contacts or cases together; raise Refused if not, which is logged.

    `strongest` asks for somebody of the strongest lane: for what contradicts itself.
    """
    pack = tools.pack()
    names = pack.policy.lanes[-1:] if strongest else list(pack.profile.lanes)
    if any(in_lane(pack.profile.lanes[name], person, role) for name in names):
        return
    with db.apart():
        said = {"effect": EFFECT, "role": role, "lane": names[-1] if strongest else ""}
        log.append("denied", person, said, at=tools.now(), case_id=case_id)
    lane = f"the lane {names[-1]}, whose people alone may do this" if strongest else "any lane"
    raise Refused(f"a {role.replace('_', ' ')} does not answer for {lane}")


def merge(kept: str, gone: str, *, person: str, role: str, reason: str = "") -> Merge:
    """Have everything of the contact `gone` count as that of `kept`, from now on and until it is undone.

    Raises:
        NotFound: there is no such contact.
        Conflict: one of them is part of another already.
        Refused: both are proved to be somebody on record, and this person may not say that they are one.
        BadInput: they are the same, or no reason is given where one is needed.
    """
    if kept == gone:
        raise BadInput(f"{kept} cannot be merged into itself")
    one, other = ContactId(kept), ContactId(gone)
    merges.hold_contacts(one, other)
    for each in (one, other):
        if contacts.get(each) is None:
            raise NotFound(f"there is no contact {each}")
        whole = contacts.stands_for(each)
        if whole != each:
            raise Conflict(f"{each} is part of {whole} already; name {whole} instead")
    contradict = contacts.is_proved(one) and contacts.is_proved(other)
    require(person=person, role=role, strongest=contradict)
    reason = clean(reason).strip()
    if contradict and not reason:
        raise BadInput(f"--reason: {one} and {other} are both proved to be on record; say why they are one person")
    made = merges.keep("contact", kept=one, gone=other, moved=merges.move_contact(one, other), by=person,
                       now=tools.now())  # fmt: skip
    _log(made, person, {"merged": other, "into": one, "reason": reason})
    return made


def undo(merge_id: str, *, person: str, role: str) -> Merge:
    """Give a contact back what a merge took; what came since stays with the one that was kept.

    Raises:
        NotFound: there is no such merge of contacts.
        Conflict: it was undone before, or one of them was merged again since, which has to be undone first.
        Refused: this person may not.
    """
    made = merges.get(merge_id, lock=True)
    require(person=person, role=role)
    if made.kind != "contact":
        raise NotFound(f"{merge_id} is no merge of contacts")
    one, other = ContactId(made.kept), ContactId(made.gone)
    merges.hold_contacts(one, other)
    if made.undone_at is not None:
        raise Conflict(f"{merge_id} was undone already")
    later = [each for each in merges.standing("contact", of=one) if each.gone == one]
    if later:
        raise Conflict(f"{one} was merged into {later[0].kept} since; undo {later[0].id} first")
    merges.put_back_contact(one, other, made.moved)
    merges.undone(made.id, by=person, now=tools.now())
    _log(made, person, {"unmerged": other, "from": one})
    return made


def link(channel: str, address: str, contact_id: ContactId, *, person: str, role: str, reason: str) -> None:
    """Have an address count as a contact's on a person's word.

    Raises:
        NotFound: there is no such contact.
        Conflict: it is proved to be somebody else's, or the contact is part of another.
        Refused: this person may not say so.
        BadInput: no reason is given.
    """
    require(person=person, role=role, strongest=True)
    if not clean(reason).strip():
        raise BadInput("--reason: say how you know whose address it is")
    whole = contacts.stands_for(contact_id)
    if whole != contact_id:
        raise Conflict(f"{contact_id} is part of {whole}; name {whole} instead")
    if contacts.get(contact_id) is None:
        raise NotFound(f"there is no contact {contact_id}")
    known = contacts.identity(channel, address)
    if known is not None and known[0].id != contact_id:
        raise Conflict(f"{channel}:{address} is proved to be {known[0].id}'s ({known[1]}); unlink it first")
    contacts.prove(channel, address, contact_id, method="person", now=tools.now())
    said = {"outcome": "verified", "contact": contact_id, "method": "person", "address": f"{channel}:{address}"}
    log.append("identity", person, {**said, "reason": clean(reason).strip()}, at=tools.now())


def _log(made: Merge, person: str, said: Mapping[str, object]) -> None:
    log.append("link", person, {"merge": made.id, **said}, at=tools.now())
