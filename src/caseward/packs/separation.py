"""Whether agents.yaml keeps apart what must not lie in one hand (POL-4), and somebody answers for every duty."""

from __future__ import annotations

from collections.abc import Iterator

from caseward.core.agents import DUTIES, Activity
from caseward.core.errors import PackError
from caseward.core.pack import Pack
from caseward.core.roles import CAPABILITIES, Actor, Effect, Role
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place

FILE = "agents.yaml"
ONE_HAND = (
    *(Effect.SEND, Effect.EXECUTE),
    *(Effect.PUBLISH_POLICY, Effect.PUBLISH_KNOWLEDGE, Effect.PUBLISH_TEMPLATE),
)
"""Effects that exactly one agent has; the others may be left to people."""
APART = (Effect.APPROVE, Effect.EXECUTE)
"""Who consents to work never does it."""
PARTIES = (*map(str, Actor), *map(str, Role))


def check(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield every capability that is too wide, doubled or missing, and every duty that nobody surely answers for."""
    yield from _agents(pack, places)
    yield from _apart(pack, places)
    found = {activity.id for activity in pack.agents.raci}
    for duty in (duty for duty in DUTIES if duty not in found):
        message = f"nobody answers for {duty!r}"
        yield places.error(FILE, message, at=("raci",), fix=f"add an entry `id: {duty}`")
    for row, activity in enumerate(pack.agents.raci):
        for part, message, fix in _activity(pack, activity):
            yield places.error(FILE, message, at=("raci", row, *part), rule=activity.id, fix=fix)


def _agents(pack: Pack, places: Places) -> Iterator[PackError]:
    for actor in (actor for actor in Actor if actor not in pack.agents.agents):
        yield places.error(FILE, f"agent {actor} is missing", at=("agents",), fix=f"add `{actor}:` with its title")
    for actor, agent in pack.agents.agents.items():
        for i, effect in enumerate(agent.may):
            if actor not in CAPABILITIES[effect]:
                message = f"{actor} may not {_words(effect)}; only {_list(CAPABILITIES[effect])} may"
                at: Place = ("agents", actor, "may", i)
                yield places.error(FILE, message, at=at, fix=f"take `{effect}` out of what {actor} may do")
    for effect in ONE_HAND:
        holders = pack.agents.holders(effect)
        if not holders:
            who = _list(CAPABILITIES[effect])
            yield places.error(
                FILE, f"no agent may {_words(effect)}", at=("agents",), fix=f"add `{effect}` to what {who} may do"
            )
        elif len(holders) > 1:
            message = f"{_list(holders)} may all {_words(effect)}; exactly one agent may"
            at = ("agents", holders[-1], "may")
            yield places.error(FILE, message, at=at, fix=f"leave `{effect}` to one of them")


def _apart(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield whoever would both consent to work and do it: as an agent, or by what it is responsible for."""
    for actor, agent in pack.agents.agents.items():
        if set(APART) <= set(agent.may):
            message = f"{actor} may both approve and execute"
            yield places.error(FILE, message, at=("agents", actor, "may"), fix="give one of the two to another agent")
    approving = {party for each in pack.agents.raci if each.effect is Effect.APPROVE for party in each.responsible}
    for row, activity in enumerate(pack.agents.raci):
        if activity.effect is Effect.EXECUTE:
            for party in (party for party in activity.responsible if party in approving):
                message = f"{party} both approves and executes"
                at = ("raci", row, "responsible")
                fix = "make somebody else responsible for one of the two"
                yield places.error(FILE, message, at=at, rule=activity.id, fix=fix)


def _activity(pack: Pack, activity: Activity) -> Iterator[tuple[Place, str, str]]:
    """Yield place, message and fix of whatever is wrong with one entry of `raci`."""
    duty = DUTIES.get(activity.id)
    if duty and activity.effect is not duty:
        yield (), f"{activity.id!r} is about the effect '{duty}'", f"write `effect: {duty}`"
    if not activity.responsible:
        yield ("responsible",), "nobody does it", "name at least one agent or role"
    for part in ("responsible", "consulted", "informed"):
        for i, party in enumerate(getattr(activity, part)):
            yield from _party(party, (part, i))
    yield from _party(activity.accountable, ("accountable",))
    for i, party in enumerate(activity.responsible):
        if activity.effect and party in PARTIES and not _holds(pack, party, activity.effect):
            message = f"{party} is responsible, and may not {_words(activity.effect)}"
            holders = pack.agents.holders(activity.effect)
            fix = f"name {_list(holders)}" if holders else f"let an agent have `{activity.effect}`"
            yield ("responsible", i), message, fix


def _party(party: str, at: Place) -> Iterator[tuple[Place, str, str]]:
    if party not in PARTIES:
        yield at, f"{party!r} is neither an agent nor a role", did_you_mean(party, PARTIES)


def _holds(pack: Pack, party: str, effect: Effect) -> bool:
    """Return whether the agent has the effect; people have one only: consent, where a lane names their role."""
    if party in set(Actor):
        return party in pack.agents.holders(effect)
    return effect is Effect.APPROVE and any(party in lane.roles for lane in pack.profile.lanes.values())


def _words(effect: Effect) -> str:
    return effect.replace("_", " ")


def _list(actors: frozenset[Actor] | tuple[Actor, ...]) -> str:
    return " and ".join(sorted(actors))
