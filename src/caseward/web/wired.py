"""How each channel is: on or why not, what was seen of its line, who is let in, where the team reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from caseward.core.pack import Pack
from caseward.core.ports import Hook, Lane, Listening
from caseward.desk import tools, wires
from caseward.settings import Settings, variable
from caseward.store import hooks
from caseward.store import wires as store
from caseward.store.wires import Wire
from caseward.web import times, words

STAYS_OFF = "none: the channel stays off"
"""How a setting says that its channel is off without it."""
ACCESS = {
    "open": "Everybody is answered",
    "pairing": "Whoever brings a code of the team, or is on the list",
    "allowlist": "Whoever is on the list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A channel as a page shows it."""

    id: str
    name: str
    state: str
    level: str
    """`ok`, `bad`, or empty for one that is off."""
    why: str
    """Why it is off, or what is wrong; empty while all is well."""
    seen: Sequence[tuple[str, datetime]]
    """What last came and went."""
    failures: int
    unread: str
    """What its vendor sent that could not be read, in words."""
    access: str
    pairing: bool
    webhook: str
    """The address its vendor is given; empty where the vendor is asked, or calls nothing."""
    listens: bool
    reaches_team: bool
    sends: bool
    """Whether words are handed to its vendor; a page fetches them otherwise."""


def lines(settings: Settings) -> Sequence[Line]:
    """Return every channel that came along; needs an open transaction."""
    states, unread, pack = store.states(), hooks.unread(tools.now()), tools.pack()
    return [_line(name, settings, states.get(name, Wire(channel=name)), unread.get(name), pack)
            for name in tools.given().along]  # fmt: skip


def _line(name: str, settings: Settings, wire: Wire, unread: tuple[int, int, str] | None, pack: Pack) -> Line:
    plug: object = tools.given().channels.get(name)
    policy = pack.channels.of(name)
    state, level, why = _state(name, settings, wire, on=plug is not None)
    listens = isinstance(plug, Listening) and plug.listens
    return Line(
        id=name,
        name=words.channel(name),
        state=state,
        level=level,
        why=why,
        seen=[(what, at) for what, at in (("Last came in", wire.heard_at), ("Last went out", wire.sent_at),
                                          ("Last arrived", wire.acknowledged_at)) if at is not None],
        failures=wire.failures,
        unread=_unread(unread),
        access=ACCESS[policy.access],
        pairing=policy.access == "pairing",
        webhook=f"{settings.base_url}/webhooks/{name}" if isinstance(plug, Hook) and not listens else "",
        listens=listens,
        reaches_team=isinstance(plug, Lane),
        sends=plug is not None and not getattr(plug, "pull", False),
    )  # fmt: skip


def _state(name: str, settings: Settings, wire: Wire, *, on: bool) -> tuple[str, str, str]:
    if not on:
        return "Off", "", _why_off(name, settings)
    if wire.lost_at is None:
        return "On", "ok", f"Last trouble: {wire.error}" if wire.error else ""
    away = times.duration(tools.now() - wire.lost_at)
    lost = tools.now() - wire.lost_at >= wires.LOST_AFTER
    return ("Lost" if lost else "Away"), ("bad" if lost else "warn"), f"Away for {away}: {wire.error}"


def _why_off(name: str, settings: Settings) -> str:
    if settings.channels is not None and name not in settings.channels:
        return "CASEWARD_CHANNELS does not name it"
    lacking = [variable(field) for field in _needed(name) if not getattr(settings, field)]
    if lacking:
        return f"Not given: {', '.join(lacking)}"
    return "Set since the desk was started; it takes effect at the next start"


def _needed(name: str) -> Sequence[str]:
    """Return the settings without which a channel stays off."""
    found = []
    for field, info in Settings.model_fields.items():
        told = info.json_schema_extra
        if field.startswith(f"{name}_") and isinstance(told, dict) and told.get("shown") == STAYS_OFF:
            found.append(field)
    return found


def _unread(counts: tuple[int, int, str] | None) -> str:
    if counts is None:
        return ""
    waiting, given_up, error = counts
    told: Mapping[str, int] = {"wait to be read": waiting, "were given up": given_up}
    said = ", ".join(f"{count} {what}" for what, count in told.items() if count)
    return f"{said}: {error}" if error else said
