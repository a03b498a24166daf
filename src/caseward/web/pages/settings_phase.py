"""How far the desk is trusted: where it stands, what another phase would change, and deciding on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.pack import Pack
from caseward.core.policy import Decision, Tier
from caseward.desk import tools, trust
from caseward.store import people, phases, proven, releases
from caseward.store.db import transaction
from caseward.store.phases import PhaseDecision, Topology
from caseward.store.proven import Proven
from caseward.web import amending, failures, render, rulewords, targets, words
from caseward.web.card import Notice
from caseward.web.menu import SettingsItem
from caseward.web.reasons import tongue
from caseward.web.session import NotForRole, Visitor, form_visitor, only
from caseward.web.trying import READERS

HERE = "/settings/phase"
SETTINGS = SettingsItem(href=HERE, label="Phase", order=23, roles=READERS)
PAST = 200
"""Recorded decisions that are decided again: enough to see what changes, and done in a moment."""
LOOKED_BACK = timedelta(days=28)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEffect:
    """Who consents to a tier, now and then."""

    tier: Tier
    now: Sequence[rulewords.Line]
    then: Sequence[rulewords.Line]

    @property
    def same(self) -> bool:
        """Whether nothing changes."""
        return self.now == self.then


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What would have become of decisions that were taken."""

    tried: int
    changed: Sequence[tuple[str, int]]
    """What was asked and would have been, with how many; the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision on the phase, in words."""

    what: str
    was: str
    by: str
    reason: str
    at: Any
    met: int
    criteria: int


@router.get(HERE)
def shown(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show where the desk stands, since when, what it has shown, and what was decided before."""
    with transaction():
        at, decided = trust.standing(), phases.every(limit=20)
        names, shown_ = people.names(), proven.since(tools.now() - LOOKED_BACK)
        kept = targets.outcomes(tools.pack(), tools.pack().profile.sla)
        following = trust.following(at.phase)
        context = {
            "at": at,
            "decided": [_decided(each, names) for each in decided],
            "following": following,
            "criteria": trust.criteria(following) if following else (),
            "ways": _ways(at),
            "lane": words.lane(tools.pack(), trust.lane_of(following or at.phase)),
            "proven": _figures(shown_),
            "kept": kept,
        }
    return render.setting(request, "settings_phase.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/decide")
def look(
    request: Request, visitor: Annotated[Visitor, Depends(only(READERS))], phase: str = "", topology: str = ""
) -> Response:
    """Show what another phase or topology would change, and the form that decides on it for whoever may."""
    return _look(request, visitor, phase, topology)


@router.post(f"{HERE}/decide")
def decide(
    request: Request,
    visitor: Annotated[Visitor, Depends(form_visitor)],
    phase: Annotated[str, Form(max_length=40)] = "",
    topology: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=10_000)] = "",
    tick: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Record the decision, which every process goes by within seconds."""
    person = visitor.person
    if person.role not in READERS:
        raise NotForRole("this role decides nothing about the phase")
    try:
        with transaction():
            stated = trust.criteria(phase)
            ticked = [stated[n] for n in tick or () if 0 <= n < len(stated)]
            trust.decide(phase, person=person.id, role=person.role, reason=reason, topology=topology, ticked=ticked)
    except (BadInput, Refused, Conflict) as error:
        return _look(request, visitor, phase, topology, wrong=error, reason=reason, ticked=tick or ())
    return RedirectResponse(HERE, status_code=303)


def _look(
    request: Request,
    visitor: Visitor,
    phase: str,
    topology: str,
    *,
    wrong: BadInput | Refused | Conflict | None = None,
    reason: str = "",
    ticked: Sequence[int] = (),
) -> Response:
    pack, person = tools.pack(), visitor.person
    with transaction():
        at = trust.standing()
        to = trust.Standing(phase=phase or at.phase, topology=topology or at.topology)
        if to.phase not in trust.PHASES or to.topology not in trust.TOPOLOGIES:
            raise BadInput(f"there is no phase {to.phase}, {to.topology}")
        step = trust.PHASES.index(to.phase) - trust.PHASES.index(at.phase)
        context = {
            "at": at,
            "to": to,
            "step": step,
            "tiers": _tiers(pack, at, to),
            "past": _past(pack, at, to),
            "criteria": trust.criteria(to.phase) if step > 0 else (),
            "may": step <= 1 and to != at and trust.may(to.phase, person=person.id, role=person.role),
            "who": words.deciders(pack, trust.lane_of(to.phase)),
            "reason": reason,
            "ticked": ticked,
            "notice": _notice(wrong) if wrong else None,
        }
    status = failures.status_of(wrong) if wrong else 200
    return render.setting(request, "settings_phase_decide.html", context, visitor=visitor, here=HERE, status=status)


def _ways(at: trust.Standing) -> Sequence[tuple[str, str]]:
    """Return what could be decided: label and address."""
    order, here = trust.PHASES, trust.PHASES.index(at.phase)
    found = [(f"Enter {order[here + 1]}", order[here + 1], at.topology)] if here + 1 < len(order) else []
    found += [(f"Step back to {phase}", phase, at.topology) for phase in reversed(order[:here])]
    found += [(f"Change to {each}", at.phase, each) for each in get_args(Topology) if each != at.topology]
    return [(label, f"{HERE}/decide?phase={phase}&topology={topology}") for label, phase, topology in found]


def _at(pack: Pack, standing: trust.Standing) -> Pack:
    return replace(pack, policy=replace(pack.policy, phase=standing.phase, topology=standing.topology))


def _tiers(pack: Pack, at: trust.Standing, to: trust.Standing) -> Sequence[TierEffect]:
    say = tongue(pack.policy)
    return [
        TierEffect(
            tier=tier,
            now=rulewords.consents(_at(pack, at), say, tier).lines,
            then=rulewords.consents(_at(pack, to), say, tier).lines,
        )
        for tier in Tier
    ]


def _past(pack: Pack, at: trust.Standing, to: trust.Standing) -> Past:
    """Decide what was decided of late again, in the phase and topology that would be."""
    from caseward.packs import whatif  # the prover comes with it, and only who decides waits for that

    past = [whatif.Past(where=str(each.case), facts=each.facts, at=each.at) for each in releases.past(limit=PAST)]
    replay = whatif.replay(_at(pack, at), _at(pack, to), past)
    kinds = Counter(f"{each.before.tier}: {_asks(pack, each.before)} becomes {_asks(pack, each.after)}"
                    for each in replay.cases if _asks(pack, each.before) != _asks(pack, each.after))  # fmt: skip
    return Past(tried=replay.tried, changed=kinds.most_common(12))


def _asks(pack: Pack, decision: Decision) -> str:
    if decision.auto_send:
        return "goes out by itself"
    more = f", {decision.needs} people" if decision.needs > 1 else ""
    return f"asks {words.lane(pack, decision.approval)}{more}"


def _figures(shown: Proven) -> Sequence[tuple[str, str]]:
    return [
        ("Cases", str(shown.cases)),
        ("Resolved", f"{shown.settled} of {shown.cases}"),
        ("Came back after they were resolved", f"{shown.reopened} of {shown.cases}"),
        ("Approved as drafted", f"{shown.approved} of {shown.asked}"),
        ("Edited before they went out", f"{shown.edited} of {shown.asked}"),
        ("Denied", f"{shown.denied} of {shown.asked}"),
        ("A fault of ours, a person took over", f"{shown.faults} of {shown.cases}"),
    ]


def _decided(each: PhaseDecision, names: Mapping[str, str]) -> Decided:
    return Decided(
        what=f"{each.phase}, {each.topology}",
        was=each.was,
        by=words.who(each.by, names),
        reason=each.reason,
        at=each.at,
        met=sum(each.criteria.values()),
        criteria=len(each.criteria),
    )


def _notice(error: BadInput | Refused | Conflict) -> Notice:
    return replace(amending.complaint(error), title="This was not decided")
