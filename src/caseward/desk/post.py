"""What goes out to contacts on channels that have to be called: when, in which order, how fast, and what became of it.

Words are marked, handed to the vendor and reported in three commits, so that a death between any two is seen: what may
have gone out is settled by what the vendor says of it, and never sent again blindly.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Bounced, Delivery, Status
from caseward.core.messages import Approved, Choice, Reply
from caseward.core.outreach import silent_until
from caseward.core.ports import Channel
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import db, exchanges, log, outbox, paces
from caseward.store import outreach as preferences
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel

BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 7200))
"""Waits between tries while a vendor is down; after the last one a person is told."""
SPREAD = 0.2
"""By how much of itself a wait is longer or shorter, so that what failed together is not tried together."""
WATCH = timedelta(minutes=2)
"""After this, words that were handed out and not reported are looked at again."""
ASK_AFTER = timedelta(minutes=15)
"""How long nobody may know whether words went out before a person is asked."""
IN_LINE = timedelta(minutes=1)
"""How long words wait for earlier ones before they look again by themselves."""
OFF = "the channel is off"
SOON = timedelta(seconds=1)
"""A time that is reserved and no further off is waited for on the spot."""
BOUNCES = timedelta(days=7)
"""How long after our last words a bounce that names none of them is taken to be about those."""
WINDOW, EXPIRED, GIVEN_UP, BOUNCED, REFUSED = "window", "expired", "given_up", "bounced", "refused"
UNWANTED = "unwanted"
"""Our own codes of a failure."""
MISSED = (WINDOW, EXPIRED, UNWANTED)
"""With these, words were not taken to the vendor at all."""
SETTLED = "settled meanwhile"
TOO_LATE = "the consent to these words expired before the contact wrote again"


def may_write(channel: str, address: str, now: datetime) -> bool:
    """Return whether a contact may be written to in free words."""
    plug = tools.channel(channel)
    if plug.pull:
        return True
    heard_at = exchanges.heard_at(channel, address) if plug.window is not None else now
    within = plug.window is None or (heard_at is not None and now - heard_at < plug.window)
    return within and not outbox.shut(channel, address)


def heard(channel: str, address: str) -> None:
    """A contact wrote: words that waited for it go out in their order, unless the consent to them has expired."""
    now = tools.now()
    with db.together():
        outbox.line_up(channel, address)
        outbox.open_again(channel, address)
        waiting = outbox.held(channel, address)
    for parcel in waiting:
        if _keeps(parcel, now):
            outbox.move(parcel.id, EffectState.QUEUED, now=now, next_at=now)
            _carry(parcel)
        else:
            _fail(parcel, EXPIRED, TOO_LATE)


def settle(status: Status) -> None:
    """The vendor says what became of words: it settles what nobody knew, and moves a delivery forward, never back.

    What is not of ours, late or repeated is passed over.
    """
    parcel = outbox.named(status.channel, key=status.key, provider_ref=status.provider_id)
    if parcel is None:
        return
    failed = status.state is Delivery.FAILED
    if parcel.state in outbox.UNSETTLED and failed:
        if parcel.state in (EffectState.RUNNING, EffectState.UNKNOWN):
            _failed_after_all(parcel, status)
        return
    if parcel.state in outbox.UNSETTLED:
        outbox.move(parcel.id, EffectState.DONE, now=tools.now(), provider_ref=status.provider_id)
        _record(parcel, EffectState.DONE, ref=status.provider_id, by="status")
        _go_on(parcel)
    if status.state.follows(parcel.delivery):
        outbox.tell_delivery(parcel.id, status.state, at=status.at, fault=_code(status.error) if failed else "")
        if failed:
            _came_back(parcel, status.error, closed=status.closed)


def bounced(event: Bounced) -> None:
    """What we sent came back: the words did not arrive, which a person is told."""
    parcel = outbox.named(event.channel, key="", provider_ref=event.provider_id)
    if parcel is None and not event.provider_id:
        last = outbox.last_to(event.channel, event.address)
        parcel = last if last is not None and event.at - last.created_at <= BOUNCES else None
    if parcel is not None and Delivery.FAILED.follows(parcel.delivery):
        outbox.tell_delivery(parcel.id, Delivery.FAILED, at=event.at, fault=BOUNCED)
        _came_back(parcel, event.text, closed=False)


# --- handing out ------------------------------------------------------------------------------------------------------


def hand_out(outbox_id: str) -> dict[str, Any] | None:
    """Mark words as handed out, if it is their turn; return how, or None when they are not to go out now.

    Returns:
        `attempt`, `fresh` (they surely did not go out before), `wait` in seconds, and the `approved` wording that is
        said in place of the text where the vendor takes no free words.
    """
    now, known = tools.now(), outbox.get(outbox_id)
    outbox.line_up(known.channel, known.address)
    parcel = outbox.get(outbox_id, lock=True)
    if parcel.state not in outbox.UNSETTLED or parcel.next_at is None:
        return None
    if parcel.state is not EffectState.QUEUED:
        return _look_again(parcel, now) if parcel.next_at <= now else None
    if parcel.next_at - now > SOON:
        _wait(parcel, parcel.next_at, slot_at=parcel.slot_at)
        return None
    if parcel.channel not in tools.given().channels:  # its settings were taken away: it waits for them
        outbox.move(parcel.id, parcel.state, now=now, next_at=now + IN_LINE, error=OFF)
        return None
    if outbox.held_back(parcel):
        _wait(parcel, now + IN_LINE)
        return None
    if parcel.reply.get("unasked") and _disturbs(parcel, now):
        return None
    approved = None
    if not may_write(parcel.channel, parcel.address, now):
        approved = _approved(parcel)
        if approved is None:
            _hold(parcel, now)
            return None
    slot, reserved = _slot(parcel, now)
    if slot - now > SOON:
        _wait(parcel, slot - SOON if reserved else slot, slot_at=slot if reserved else None)
        return None
    between = tools.channel(parcel.channel).pace.seconds_between
    if between:
        paces.reserve(_one(parcel), timedelta(seconds=between), slot)
    return _take(parcel, now, wait=max(slot - now, timedelta()), approved=approved)


def reply(parcel: Parcel, approved: Mapping[str, Any] | None) -> Reply:
    """Return what a channel is to say for a parcel."""
    given, before = parcel.reply, exchanges.before(parcel)
    mail = bool(before.subject)
    again = before.subject if before.subject.casefold().startswith("re:") else f"Re: {before.subject}"
    return Reply(
        text="\n\n".join(part for part in (parcel.text, str(given.get("enclosed", ""))) if part),
        choices=[Choice(**each) for each in given.get("choices", ())],
        approved=Approved(**approved) if approved else None,
        subject=given.get("subject") or (again if mail else tools.pack().profile.title),
        reply_to=before.answered if mail or before.overtaken else "",  # a chat shows by itself what is answered
        thread=before.thread,
        case=str(given.get("case", "")),
    )


def send(plug: Channel, parcel: Parcel, said: Reply, *, surely_new: bool) -> dict[str, Any]:
    """Hand words to the vendor, outside any transaction, and return what came of it: `state`, and `ref` or `error`.

    What may have gone out before is looked up first, and not repeated where nobody can tell.
    """
    if not surely_new:
        try:
            earlier = plug.lookup(parcel.address, key=parcel.id)
        except Exception as error:
            return {"state": EffectState.UNKNOWN, "error": f"nobody can tell whether this was sent: {error}"}
        if earlier is not None:
            return {"state": EffectState.DONE, "ref": earlier}
    try:
        return {"state": EffectState.DONE, "ref": plug.deliver(parcel.address, plug.render(said), key=parcel.id)}
    except SystemDown as down:
        return {"state": EffectState.QUEUED, "error": str(down)}
    except Undeliverable as refusal:
        return {"state": EffectState.FAILED, "error": str(refusal), "fault": refusal.reason, "closed": refusal.closed}
    except Exception as error:
        return {"state": EffectState.UNKNOWN, "error": f"{type(error).__name__}: {error}"}


def report(outbox_id: str, handed: Mapping[str, Any], outcome: Mapping[str, Any]) -> str:
    """Record what came of handing words out, unless the vendor's word has settled them meanwhile."""
    now, parcel = tools.now(), outbox.get(outbox_id, lock=True)
    if (parcel.state, parcel.attempts) != (EffectState.RUNNING, handed["attempt"]):
        return SETTLED
    state, error = EffectState(outcome["state"]), outcome.get("error", "")
    wait = BACKOFF[min(parcel.attempts, len(BACKOFF)) - 1] * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311
    match state:
        case EffectState.DONE:
            outbox.move(parcel.id, state, now=now, provider_ref=outcome["ref"])
            outbox.tell_delivery(parcel.id, Delivery.SENT, at=now)
            _record(parcel, state, ref=outcome["ref"])
        case EffectState.FAILED:
            closed = bool(outcome["closed"]) and not handed["approved"]
            return _turned_down(parcel, outcome["fault"], error, closed=closed)
        case EffectState.QUEUED if parcel.attempts <= len(BACKOFF):
            outbox.move(parcel.id, state, now=now, next_at=now + wait, error=error)
            _record(parcel, state, error=error)
        case EffectState.QUEUED:
            return _fail(parcel, GIVEN_UP, error)
        case _:
            asks = now - (parcel.doubt_at or now) >= ASK_AFTER
            outbox.move(parcel.id, state, now=now, next_at=None if asks else now + wait, error=error)
            _record(parcel, state, error=error)
            if asks:
                _ask_a_person(parcel, "doubt")
    _go_on(parcel)
    return str(state)


def _look_again(parcel: Parcel, now: datetime) -> dict[str, Any] | None:
    """Words that are due and not queued: consent ran out while they waited, or nobody knows what became of them."""
    if parcel.state is EffectState.HELD:
        _fail(parcel, EXPIRED, TOO_LATE)
        return None
    return _take(parcel, now, wait=timedelta(), approved=None)


def _take(parcel: Parcel, now: datetime, *, wait: timedelta, approved: Mapping[str, Any] | None) -> dict[str, Any]:
    outbox.move(parcel.id, EffectState.RUNNING, now=now, next_at=now + wait + WATCH)
    fresh = parcel.state is EffectState.QUEUED
    return {"attempt": parcel.attempts + 1, "fresh": fresh, "wait": wait.total_seconds(), "approved": approved}


def _wait(parcel: Parcel, until: datetime, *, slot_at: datetime | None = None) -> None:
    outbox.move(parcel.id, EffectState.QUEUED, now=tools.now(), next_at=until, error=parcel.error, slot_at=slot_at)


def _hold(parcel: Parcel, now: datetime) -> None:
    """No free words are taken now, and none were approved that say the same: wait as long as the consent lasts."""
    why = "no free words are taken until the contact writes again, and no approved wording says the same"
    if not _keeps(parcel, now):
        _fail(parcel, WINDOW, why)
        return
    outbox.move(parcel.id, EffectState.HELD, now=now, next_at=parcel.keeps_until, error=why, fault=WINDOW)
    _record(parcel, EffectState.HELD, error=why)
    _ask_a_person(parcel, "held")
    _go_on(parcel)


def _disturbs(parcel: Parcel, now: datetime) -> bool:
    """Return whether nobody should be written to unasked who asked for it to end, or in a quiet hour, which is waited
    out as long as the consent lasts."""
    pack = tools.pack()
    if preferences.preference(parcel.channel, parcel.address) is False:
        _fail(parcel, UNWANTED, "the contact wants no such messages any more")
        return True
    until = silent_until(pack.channels.outreach.quiet, now, pack.hours.zone)
    if until is not None and _keeps(parcel, until):
        _wait(parcel, until)
    elif until is not None:
        _fail(parcel, EXPIRED, "the consent to these words ends in the quiet hours")
    return until is not None


def _keeps(parcel: Parcel, now: datetime) -> bool:
    return parcel.keeps_until is not None and now < parcel.keeps_until


def _slot(parcel: Parcel, now: datetime) -> tuple[datetime, bool]:
    """Return when words may go out at the vendor's pace, and whether that time is reserved for them."""
    if parcel.slot_at is not None and now - parcel.slot_at <= SOON:
        return max(now, parcel.slot_at), True
    pace, slot = tools.channel(parcel.channel).pace, now
    free_at = paces.free_at(_one(parcel)) if pace.seconds_between else None
    if free_at is not None:
        slot = max(now, free_at - timedelta(seconds=pace.seconds_between) * (pace.burst - 1))
    if slot - now > SOON:
        return slot, False  # nobody else is kept waiting for the time of this contact
    if pace.a_second:
        slot = paces.reserve(parcel.channel, timedelta(seconds=1 / pace.a_second), slot)
    return slot, True


def _one(parcel: Parcel) -> str:
    """Return the name of a contact's own pace: no others ask for it, for words to them go one at a time."""
    return f"{parcel.channel} {parcel.address}"


def _approved(parcel: Parcel) -> dict[str, Any] | None:
    """Return the wording that the vendor approved for exactly these words, or None.

    It is the same template in the same language, which must still say what was consented to.
    """
    pack, given = tools.pack(), parcel.reply
    name, language, values = given.get("template", ""), given.get("language", ""), given.get("values", {})
    template, known = pack.templates.get(name), pack.channels.of(parcel.channel).approved.get(name)
    if template is None or known is None or template.status != "approved":
        return None
    if language not in known.languages or wording.fill(template.text.get(language, ""), values) != parcel.text:
        return None
    if not set(known.values) <= set(values):
        return None
    places = [values[place] for place in known.values]
    return {"name": known.name, "language": known.languages[language], "values": places}


# --- what became of it ------------------------------------------------------------------------------------------------


def _turned_down(parcel: Parcel, fault: str, error: str, *, closed: bool) -> str:
    """The vendor surely did not take the words: they wait or are said otherwise where only the window was shut."""
    now = tools.now()
    if not closed:
        return _fail(parcel, fault, error)
    outbox.move(parcel.id, EffectState.QUEUED, now=now, next_at=now, error=error, fault=fault, shut=True)
    _record(parcel, EffectState.QUEUED, error=error)
    _carry(parcel)
    return str(EffectState.QUEUED)


def _failed_after_all(parcel: Parcel, status: Status) -> None:
    """Nobody knew whether the vendor took the words: it did, and they did not arrive."""
    outbox.move(parcel.id, EffectState.FAILED, now=tools.now(), error=status.error, fault=_code(status.error),
                provider_ref=status.provider_id)  # fmt: skip
    outbox.tell_delivery(parcel.id, Delivery.FAILED, at=status.at)
    _came_back(parcel, status.error, closed=status.closed)
    _go_on(parcel)


def _came_back(parcel: Parcel, error: str, *, closed: bool) -> None:
    """Words that the vendor had taken did not arrive. Where only the window was shut they are said once more: as a
    parcel of their own, which finds it shut."""
    now = tools.now()
    _record(parcel, EffectState.FAILED, error=error)
    if closed and (_approved(parcel) or _keeps(parcel, now)):
        again = outbox.put_again(parcel, now)
        if again is not None:
            _carry(again)
        return
    _ask_a_person(parcel, "failed")


def _fail(parcel: Parcel, fault: str, error: str) -> str:
    outbox.move(parcel.id, EffectState.FAILED, now=tools.now(), error=error, fault=fault)
    _record(parcel, EffectState.FAILED, error=error, fault=fault)
    _ask_a_person(parcel, "failed")
    _go_on(parcel)
    return str(EffectState.FAILED)


def _go_on(parcel: Parcel) -> None:
    """The next words to the address may go out; those that wait for a vendor that is down keep their time."""
    now, following = tools.now(), outbox.next_to(parcel.channel, parcel.address)
    if following is not None and following.attempts == 0:
        outbox.move(following.id, EffectState.QUEUED, now=now, next_at=now, slot_at=following.slot_at)
        _carry(following)


def _carry(parcel: Parcel) -> None:
    tools.carry("deliver", parcel.id)


def _ask_a_person(parcel: Parcel, what: str) -> None:
    """Have the case and the team told; in a transaction of its own, for it needs the case and this holds the outbox."""
    tools.begin("undelivered", parcel.id, f"undelivered:{parcel.id}:{what}")


def _code(error: str) -> str:
    """Return the vendor's code, with which what it says of a failure begins."""
    return error.split(maxsplit=1)[0].strip(":;,.") if error.strip() else REFUSED


def _record(parcel: Parcel, state: EffectState, **more: str) -> None:
    log.append(
        "delivery",
        "B",
        {"outbox": parcel.id, "state": state, "key": parcel.key, "channel": parcel.channel, **more},
        at=tools.now(),
        case_id=parcel.case_id,
    )
