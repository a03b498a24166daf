"""Who writes, as far as it can be proved (SUP-3)."""

from __future__ import annotations

from datetime import timedelta

from caseward.core.case import Case, Contact, IdentityState, Who
from caseward.core.errors import SystemDown
from caseward.core.ids import ContactId
from caseward.core.messages import Understanding
from caseward.core.task import ResultStatus
from caseward.core.turn import ASK_IDENTITY, Turn
from caseward.desk import tools
from caseward.store import cases, contacts, log


def establish(case: Case, turn: Turn, seen: Understanding) -> tuple[Case, Who]:
    """Return the case with its contact, and who writes.

    The address matches a proven link, or the fields the pack names are given and match a record. Wrong tries are
    counted by the conversation and by each value that is named, so that a new conversation has no new tries at the same
    record; when they are used up the person is no longer asked, and insists. Whoever was proved before goes on.
    """
    now = tools.now()
    known = contacts.identity(turn.channel, turn.address)
    if known is not None:
        contact, method, at = known
        if case.contact_id != contact.id:
            case = cases.change(case, now, contact_id=contact.id)
        return case, Who(state=IdentityState.VERIFIED, contact=contact, method=method, at=at)

    policy = tools.pack().profile.identity
    asked = case.pending.get("ask") == ASK_IDENTITY
    given: dict[str, str] = {name: values[0] for name in policy.fields if (values := seen.entities.get(name))}
    if not given and not asked and not tools.pack().intents[seen.intent].account_specific:
        return case, Who(state=IdentityState.UNKNOWN)
    complete = len(given) == len(policy.fields)
    since = now - timedelta(minutes=policy.window_minutes)
    failed = contacts.failed_attempts(case.conversation_id, given if complete else {}, since)
    locked = failed >= policy.attempts
    if not complete:
        insists = locked or (asked and case.questions >= tools.pack().profile.limits.questions and not given)
        state = IdentityState.MISMATCH if failed else IdentityState.UNKNOWN
        return case, Who(state=state, insists=insists)
    if locked:
        _record(case, "refused", {"why": "too many tries"})
        return case, Who(state=IdentityState.MISMATCH, insists=True)

    try:
        match = _match(given)
    except SystemDown:  # nobody looked, so it is no wrong try
        return case, Who(state=IdentityState.UNKNOWN)
    contacts.record_attempt(case.conversation_id, given, ok=match is not None, at=now)
    if match is None:
        _record(case, "mismatch", {"fields": sorted(given)})
        return case, Who(state=IdentityState.MISMATCH, insists=failed + 1 >= policy.attempts)
    method = "+".join(policy.fields)
    contacts.keep(match, sample=False, now=now)
    contacts.prove(turn.channel, turn.address, match.id, method=method, now=now)
    _record(case, "verified", {"contact": match.id, "method": method})
    case = cases.change(case, now, contact_id=match.id)
    return case, Who(state=IdentityState.VERIFIED, contact=match, method=method, at=now)


def of(case: Case) -> Who:
    """Return who a case's conversation is proved to be with, for work that begins without a new message."""
    row = contacts.get(case.contact_id) if case.contact_id else None
    if row is None:
        return Who(state=IdentityState.UNKNOWN)
    return Who(state=IdentityState.VERIFIED, contact=row, method="record", at=tools.now())


def _match(given: dict[str, str]) -> Contact | None:
    found = tools.skill("find_person").run(given, key="", now=tools.now())
    if found.status is not ResultStatus.SUCCESS:
        return None
    person = tools.skill("person").run({"contact": found.values["contact"]}, key="", now=tools.now())
    if person.status is not ResultStatus.SUCCESS:
        return None
    values = person.values
    return Contact(
        id=ContactId(str(found.values["contact"])),
        name=str(values["name"]),
        email=str(values["email"]),
        phone=str(values.get("phone", "")),
        locale=str(values.get("locale", "")),
    )


def _record(case: Case, outcome: str, more: dict[str, object]) -> None:
    log.append(
        "identity",
        "B",
        {"outcome": outcome, **more},
        at=tools.now(),
        case_id=case.id,
        conversation_id=case.conversation_id,
    )
