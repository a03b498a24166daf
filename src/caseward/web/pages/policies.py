"""The rules as they are served, and a place to try them: facts in, the decision and its reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caseward.core.explain import explain
from caseward.core.pack import Pack
from caseward.core.policy import ALWAYS, Policy, Rule, Tier
from caseward.core.telling import Tongue, demands, joined
from caseward.desk import tools
from caseward.web import render, words
from caseward.web.menu import SettingsItem
from caseward.web.reasons import reasons, tongue
from caseward.web.session import Visitor, only
from caseward.web.trying import PAGE, READERS, form

HERE = "/settings/policies"
SETTINGS = SettingsItem(href=HERE, label="Policies", order=20, roles=READERS)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A rule, a row of the matrix or a trigger, in words."""

    id: str
    because: str
    when: str
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The rules of one tier."""

    tier: Tier
    lines: Sequence[Line]


@router.get(HERE)
def rules(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show the rules, the approval matrix of the phase, and what wakes a person."""
    pack = tools.pack()
    say = tongue(pack.policy)
    context = {
        "release": pack.profile.release,
        "setting": f"{pack.policy.phase}, {pack.policy.topology}",
        "shelves": [
            Shelf(tier=tier, lines=[_rule(pack, say, rule) for rule in pack.policy.rules if rule.tier == tier])
            for tier in Tier
        ],
        "matrix": [_row(pack, say, row_tier) for row_tier in Tier],
        "triggers": [
            Line(
                id=trigger.id,
                because=trigger.because,
                when=_sentence(say.condition(trigger.when)),
                asks=words.joined([words.lane(pack, trigger.lane), trigger.severity]),
            )
            for trigger in pack.policy.triggers
        ],
        "promises": [each.because for each in pack.invariants],
    }
    return render.setting(request, "policies.html", context, visitor=visitor, here=HERE)


@router.get(PAGE)
def try_them(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show what the rules decide on the facts in the address, and why."""
    pack = tools.pack()
    asked = form(pack.policy, request.query_params.multi_items())
    policy: Policy = replace(pack.policy, phase=asked.phase, topology=asked.topology)
    told = None if asked.wrong or not asked.asked else reasons(pack, policy, explain(policy, asked.facts))
    context = {
        "form": asked,
        "reasons": told,
        "release": policy.release,
        "setting": f"{policy.phase}, {policy.topology}",
    }
    return render.setting(
        request, "policies_try.html", context, visitor=visitor, here=HERE, status=400 if asked.wrong else 200
    )


def _rule(pack: Pack, say: Tongue, rule: Rule) -> Line:
    lane = replace(rule, lane=words.lane(pack, rule.lane)) if rule.lane else rule
    return Line(id=rule.id, because=rule.because, when=_sentence(say.condition(rule.when)), asks=demands(lane))


def _row(pack: Pack, say: Tongue, tier: Tier) -> Shelf:
    """Return who must consent to a tier in the phase and topology that are served."""
    policy = pack.policy
    rows = [
        row
        for row in policy.matrix
        if row.tier == tier and policy.phase in row.phases and policy.topology in row.topologies
    ]
    return Shelf(
        tier=tier,
        lines=[
            Line(
                id="",
                because="",
                when=_sentence(say.condition(row.when)) if row.when != ALWAYS else "Always",
                asks=joined(
                    [
                        "Goes out by itself" if row.auto_send else words.lane(pack, row.lane),
                        *([f"{row.needs} people"] if row.needs > 1 else []),
                        *([f"looked at below {row.confidence} % confidence"] if row.confidence else []),
                        *([f"held for {row.hold_seconds} s"] if row.hold_seconds else []),
                    ]
                ),
            )
            for row in rows
        ],
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
