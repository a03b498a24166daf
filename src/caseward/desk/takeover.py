"""A person of the house answers a contact outside the desk: the case is theirs for a while, and the desk is silent.

Who answers from a vendor's own app is not told, so the case's owner is `phone` then. Every further word of theirs
renews the lease; when it ends, or when somebody hands the case back, the desk carries on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from caseward.core.case import DESK, DONE, Case, CaseStatus
from caseward.core.events import Echo
from caseward.core.ids import ConversationId
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import cases, echoes, links, log, messages, timers

PHONE = "phone"
"""Owner of a case, and author of a message, of whom only the telephone is known."""
LEASE = "lease"
"""Kind of the timer that ends a lease."""
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""End of a lease that only a person ends."""
ECHOES_WITHIN = timedelta(minutes=10)
"""How long after the desk's words went out the same words are taken for their echo, where the vendor's id is new."""


def by_echo(echo: Echo) -> Case | None:
    """Store what a person said from the vendor's app and give them the case; None where the desk itself said it, or it
    was stored before.

    What the desk was about to say is stopped, so far as it was not handed out. A case is opened where none runs.
    """
    now, at = tools.now(), min(echo.at, tools.now())
    text = clean(echo.text).strip() or "[unsupported]"
    if echoes.is_ours(echo.channel, echo.address, provider_id=echo.provider_id, text=text, since=now - ECHOES_WITHIN):
        return None
    home = links.home(echo.channel, echo.address)
    conversation_id = home.door.conversation_id if home.door else home.own
    if conversation_id is None:
        conversation_id = messages.open_conversation(echo.channel, echo.address, token_hash=None, language="", now=now)
    messages.lock(conversation_id)
    if echoes.is_kept(conversation_id, echo.provider_id):
        return None
    case = _case(conversation_id, echo.channel, now)
    echoes.keep(conversation_id, case_id=case.id, author=PHONE, text=text, at=at, provider_id=echo.provider_id)
    log.append(
        "send",
        PHONE,
        {"channel": echo.channel, "text": text, "key": echo.provider_id},
        at=now,
        case_id=case.id,
        conversation_id=conversation_id,
    )
    for parcel in echoes.recall(case.id, "a person answered outside the desk first", now):
        log.append("delivery", "house", {"outbox": parcel, "state": "failed", "why": "a person answered first"},
                   at=now, case_id=case.id)  # fmt: skip
    cases.set_clock(case.id, "first_response", met_at=now)
    return lease(case, PHONE, now, channel=echo.channel)


def lease(case: Case, person: str, now: datetime, *, channel: str = "") -> Case:
    """Give a case to a person who answers outside the desk, for as long as the channel's policy says; renew it when it
    is theirs."""
    minutes = tools.pack().channels.of(channel or case.channel).lease_minutes
    until = now + timedelta(minutes=minutes) if minutes else FOREVER
    if minutes:
        timers.set_timer(case.id, LEASE, until)
    if case.owner != person or not case.leased(now):
        _record(case, person, {"owner": person, "was": case.owner, **({"until": until} if minutes else {})})
    return cases.change(case, now, owner=person, lease_until=until)


def end(case: Case, by: str = "house") -> Case:
    """Make a case the desk's again, because its lease is over or somebody handed it back."""
    timers.cancel(case.id, LEASE)
    _record(case, by, {"owner": DESK, "was": case.owner})
    return cases.change(case, tools.now(), owner=DESK, lease_until=None)


def waits(case: Case) -> bool:
    """Return whether the contact's last word has no answer."""
    return case.status not in DONE and echoes.waits(case.id)


def _case(conversation_id: ConversationId, channel: str, now: datetime) -> Case:
    """Return the case that a person's words belong to; one that is settled stays so while it could be reopened."""
    case = cases.latest(conversation_id)
    reopens = timedelta(days=tools.pack().profile.limits.reopen_days)
    if case is not None and (case.status not in DONE or (case.resolved_at and now - case.resolved_at <= reopens)):
        return case
    row = messages.conversation(conversation_id)
    opened = cases.open_case(conversation_id, channel=channel, language=row.language if row else "", now=now)
    _record(opened, "house", {"status": "opened", "number": opened.number})
    return cases.change(opened, now, status=CaseStatus.WAITING_CUSTOMER)


def _record(case: Case, actor: str, said: dict[str, object]) -> None:
    log.of_case(case, "case", actor, said, at=tools.now())
