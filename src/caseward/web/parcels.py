"""What became of words on their way to a contact: in words, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from caseward.core.events import Delivery
from caseward.desk import post
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel

STATES: Mapping[EffectState, tuple[str, str]] = {
    EffectState.QUEUED: ("On its way", ""),
    EffectState.RUNNING: ("On its way", ""),
    EffectState.UNKNOWN: ("Not known whether it was sent", "warn"),
    EffectState.HELD: ("Waits for the contact to write", "warn"),
    EffectState.FAILED: ("Did not arrive", "bad"),
}
DELIVERY: Mapping[Delivery, str] = {
    Delivery.SENT: "Sent",
    Delivery.DELIVERED: "Delivered",
    Delivery.READ: "Read",
    Delivery.FAILED: "Did not arrive",
}
ICONS: Mapping[str, str] = {"": "check", "warn": "clock", "bad": "triangle-alert"}
ELSEWHERE = "Write to them another way, or have the case go on by another channel."
FIXES: Mapping[str, str] = {
    post.WINDOW: "Wait until they write, or have the case go on by another channel.",
    post.EXPIRED: "Read what they wrote since, and answer that.",
    post.GIVEN_UP: "The channel did not answer for hours. Look at its health, then write again.",
    post.BOUNCED: "The address takes no mail. Ask the contact for another one.",
}
"""Our code of a failure → what a person does about it."""
RECALLED = ("Recalled", "warn")
"""Words that we stopped ourselves before they went out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What became of words."""

    text: str
    level: str = ""
    """Empty, `warn` or `bad`."""
    icon: str = "check"
    why: str = ""
    fix: str = ""
    """What a person does about it; empty where nothing is to be done."""
    next_at: datetime | None = None
    """When it is tried again, or until when it waits."""


def way(parcel: Parcel) -> Way | None:
    """Return what became of words; None while there is nothing to say of them."""
    failed = parcel.state is EffectState.FAILED or parcel.delivery is Delivery.FAILED
    if failed and not parcel.fault and parcel.delivery is None and parcel.error:
        text, level = RECALLED
        return Way(text=text, level=level, icon="rotate-ccw", why=parcel.error)
    if failed:
        fix = FIXES.get(parcel.fault, ELSEWHERE)
        return _way(*STATES[EffectState.FAILED], why=parcel.error or parcel.fault, fix=fix)
    match parcel.state:
        case EffectState.DONE:
            return Way(text=DELIVERY[parcel.delivery], icon=_ticks(parcel.delivery)) if parcel.delivery else None
        case EffectState.QUEUED if parcel.attempts:
            tries = "once" if parcel.attempts == 1 else f"{parcel.attempts} times"
            return _way(f"Tried {tries}, tried again", "warn", why=parcel.error, next_at=parcel.next_at)
        case EffectState.HELD:
            text, level = STATES[EffectState.HELD]
            until, fix = parcel.keeps_until, FIXES[post.WINDOW]
            return _way(f"{text}, until" if until else text, level, why=parcel.error, fix=fix, next_at=until)
        case EffectState.UNKNOWN:
            fix = "Look in the channel whether it is there before you write again."
            return _way(*STATES[EffectState.UNKNOWN], why=parcel.error, fix=fix)
    return _way(*STATES[parcel.state])


def _way(text: str, level: str, *, why: str = "", fix: str = "", next_at: datetime | None = None) -> Way:
    return Way(text=text, level=level, icon=ICONS[level], why=why, fix=fix, next_at=next_at)


def _ticks(delivery: Delivery) -> str:
    return "check" if delivery is Delivery.SENT else "check-check"
