"""How far the desk is trusted: a person decides it, one step up at a time, and down whenever they see the need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from caseward.core.errors import BadInput, Refused
from caseward.core.pack import Pack, Promotion
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import db, log, phases

PHASES = ("pilot", "hardening", "production")
TOPOLOGIES = ("hub", "empowered")
MAX_REASON = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the desk stands."""

    phase: str
    topology: str


def standing() -> Standing:
    """Return phase and topology as decided last, or as the pack says while nothing was."""
    return _after(phases.current())


def _after(decided: phases.PhaseDecision | None) -> Standing:
    profile = tools.pack().profile
    return Standing(
        phase=decided.phase if decided else profile.phase, topology=decided.topology if decided else profile.topology
    )


def criteria(phase: str) -> tuple[str, ...]:
    """Return what should be so before the desk enters `phase`, as the pack in force states it."""
    return _promotion(tools.pack(), phase).criteria


def following(phase: str) -> str:
    """Return the phase after `phase`; empty after the last."""
    at = PHASES.index(phase) + 1
    return PHASES[at] if at < len(PHASES) else ""


def may(phase: str, *, person: str, role: str) -> bool:
    """Return whether somebody decides on entering `phase`, or on leaving the one the desk is in for it."""
    return _has_right(_promotion_between(phase), person, role)


def lane_of(phase: str) -> str:
    """Return the lane whose people decide on entering `phase`, or on leaving the one the desk is in for it."""
    return _promotion(tools.pack(), _promotion_between(phase)).lane


def decide(
    phase: str, *, person: str, role: str, reason: str, topology: str = "", ticked: Collection[str] = ()
) -> phases.PhaseDecision:
    """Record a person's decision on how far the desk is trusted, which every process goes by within seconds.

    Args:
        phase: the one from now on; one step up at most, any number down.
        person: who decides.
        role: theirs.
        reason: why.
        topology: from now on; as it was when empty.
        ticked: criteria that are met, in the pack's own words; the others are recorded as not ticked.

    Raises:
        BadInput: no such phase, topology or criterion, no reason, or nothing would change.
        Refused: two steps at once, or the role may not decide in the lane of the higher of the two phases.
        Conflict: somebody else decided meanwhile.
    """
    follows, reason = phases.current(), clean(reason).strip()
    before = _after(follows)  # of one look: what is decided between two would be followed and not be seen
    topology = topology or before.topology
    _require_sense(before, phase, topology, reason)
    stated = criteria(phase)
    unknown = [each for each in ticked if each not in stated]
    if unknown:
        raise BadInput(f"{unknown[0]!r} is no criterion of {phase}; the pack states: {'; '.join(stated) or 'none'}")
    step = PHASES.index(phase) - PHASES.index(before.phase)
    _require_right(_promotion_between(phase), person, role)
    if step > 1:
        raise Refused(f"from {before.phase} the next phase is {following(before.phase)}, not {phase}")
    met = {text: text in ticked for text in stated} if step > 0 else {}
    was = f"{before.phase}, {before.topology}"
    phases.decide(
        phase, topology, follows=follows, was=was, by=person, role=role, reason=reason, criteria=met, at=tools.now()
    )
    payload = {"phase": phase, "topology": topology, "was": was, "role": role, "reason": reason, "criteria": met}
    log.append("phase", person, payload, at=tools.now(), release=tools.pack().profile.release)
    decided = phases.current()
    assert decided is not None  # noqa: S101 - written a moment ago, in this transaction
    return decided


def _promotion(pack: Pack, phase: str) -> Promotion:
    stated = {str(name): each for name, each in pack.profile.promotion.items()}
    return stated.get(phase) or Promotion(lane=pack.policy.lanes[-1])


def _require_sense(before: Standing, phase: str, topology: str, reason: str) -> None:
    if phase not in PHASES:
        raise BadInput(f"phase: {phase!r} is none of {', '.join(PHASES)}")
    if topology not in TOPOLOGIES:
        raise BadInput(f"topology: {topology!r} is none of {', '.join(TOPOLOGIES)}")
    if (phase, topology) == (before.phase, before.topology):
        raise BadInput(f"the desk is in {phase}, {topology} already")
    if not reason or len(reason) > MAX_REASON:
        raise BadInput(f"reason: say why, in at most {MAX_REASON} characters")


def _promotion_between(phase: str) -> str:
    """Return the higher of the phase the desk is in and another: its lane decides on both ways."""
    return max(phase, standing().phase, key=PHASES.index)


def _has_right(phase: str, person: str, role: str) -> bool:
    lane = tools.pack().profile.lanes[_promotion(tools.pack(), phase).lane]
    return role in lane.roles and (not lane.people or person in lane.people)


def _require_right(phase: str, person: str, role: str) -> None:
    """Raise Refused, on record, for somebody who does not decide on that phase."""
    name = _promotion(tools.pack(), phase).lane
    if not _has_right(phase, person, role):
        with db.apart():
            payload = {"effect": "phase", "role": role, "lane": name}
            log.append("denied", person, payload, at=tools.now())
        raise Refused(f"the role {role.replace('_', ' ')} does not decide on the phase; the lane {name} does")
