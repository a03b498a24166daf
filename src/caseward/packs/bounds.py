"""Whether the figures and names in pack.yaml are such that the desk can work by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from babel import Locale, UnknownLocaleError
from babel.numbers import is_currency

from caseward.core.errors import PackError
from caseward.core.pack import Profile
from caseward.core.policy import Tier
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place

FILE = "pack.yaml"
CLOCKS = ("first_response", "resolution", "decision")
MOST = 10_000_000
"""Larger figures, which are nineteen years in minutes, are slips."""
KEPT_DAYS = {
    "messages": 30,
    "attachments": 7,
    "contacts": 30,
    "readings": 1,
    "webhooks": 1,
    "sign_ins": 7,
    "log": 90,
}
"""Kind of data → the fewest days it may be kept: what is deleted sooner is missed by whoever looks back at a fault."""
DAYS = 36_500
TRIES = 20
"""Whoever may try more often may guess."""


def check(profile: Profile, places: Places) -> Iterator[PackError]:
    """Yield every figure that no desk can work by, and every name that nothing goes by."""
    for at, value, least, most in _figures(profile):
        if not least <= value <= most:  # also where it is no number at all
            message = f"{value} is out of bounds"
            yield places.error(FILE, message, at=at, fix=f"give a number from {least} to {most}")
    for name, least in KEPT_DAYS.items():
        days = getattr(profile.retention, name)
        if days and not least <= days <= DAYS:
            fix = f"give a number of days from {least} to {DAYS}, or 0 to keep it for ever"
            yield places.error(FILE, f"{days} is out of bounds", at=("retention", name), fix=fix)
    if profile.retention.messages and profile.retention.messages < profile.limits.reopen_days:
        message, fix = "a case could be reopened whose words are gone", "keep messages for longer than `reopen_days`"
        yield places.error(FILE, message, at=("retention", "messages"), fix=fix)
    sla = profile.sla
    yield from _names(("sla", "resolution_minutes"), sla.resolution_minutes, tuple(Tier.__members__), places)
    yield from _names(("sla", "warn_before_minutes"), sla.warn_before_minutes, CLOCKS, places)
    if not profile.languages:
        yield places.error(FILE, "the business speaks no language", at=("languages",), fix="name one, such as en")
    for i, language in enumerate(profile.languages):
        if not _spoken(language):
            fix = "use an ISO 639-1 code such as en"
            yield places.error(FILE, f"no language is called {language!r}", at=("languages", i), fix=fix)
    if not is_currency(profile.currency):
        fix = "use an ISO 4217 code such as EUR"
        yield places.error(FILE, f"no money is called {profile.currency!r}", at=("currency",), fix=fix)
    for name, lane in profile.lanes.items():
        for i, person in enumerate(lane.people):
            at = ("lanes", name, "people", i)
            if not person.strip():
                yield places.error(FILE, "a person without an id", at=at, fix="name the person, or take the line out")
            elif person in lane.people[:i]:
                message = f"{person!r} stands twice, and has one voice"
                yield places.error(FILE, message, at=at, fix="take one of the two out")


def _figures(profile: Profile) -> Iterator[tuple[Place, float, int, int]]:
    """Yield place, value, least and most of every figure."""
    sla, limits, identity = profile.sla, profile.limits, profile.identity
    for name in ("first_response_minutes", "urgent_minutes", "decision_minutes"):
        yield ("sla", name), getattr(sla, name), 1, MOST
    yield ("sla", "update_before_minutes"), sla.update_before_minutes, 0, MOST
    yield from _each(("sla", "resolution_minutes"), sla.resolution_minutes, 1)
    yield from _each(("sla", "warn_before_minutes"), sla.warn_before_minutes, 0)
    for name, lane in profile.lanes.items():
        yield ("lanes", name, "expires_minutes"), lane.expires_minutes, 1, MOST
    yield ("identity", "attempts"), identity.attempts, 1, TRIES
    yield ("identity", "window_minutes"), identity.window_minutes, 1, MOST
    for name in ("collect_max_ms", "questions", "reopen_days"):
        yield ("limits", name), getattr(limits, name), 0, MOST
    for name in ("message_chars", "messages_per_minute", "turns", "close_after_hours"):
        yield ("limits", name), getattr(limits, name), 1, MOST
    yield ("limits", "confidence"), limits.confidence, 0, 1
    yield from _each(("limits", "debounce_ms"), limits.debounce_ms, 0)
    yield from _each(("freshness_minutes",), profile.freshness_minutes, 0)


def _each(at: Place, figures: Mapping[str, int], least: int) -> Iterator[tuple[Place, float, int, int]]:
    for name, value in figures.items():
        yield (*at, name), value, least, MOST


def _names(at: Place, named: Mapping[str, int], known: tuple[str, ...], places: Places) -> Iterator[PackError]:
    for name in named:
        if name not in known:
            message = f"{at[-1]} knows no {name!r}"
            yield places.error(FILE, message, at=(*at, name), fix=did_you_mean(name, known))


def _spoken(language: str) -> bool:
    try:
        Locale.parse(language)
    except (UnknownLocaleError, ValueError, TypeError):
        return False
    return True
