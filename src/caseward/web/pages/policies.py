"""The rules as they are served, and a place to try them: facts in, the decision and its reasons out."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caseward.core.explain import explain
from caseward.core.policy import Policy, Tier
from caseward.desk import tools
from caseward.web import render, rulewords, words
from caseward.web.menu import SettingsItem
from caseward.web.reasons import reasons, tongue
from caseward.web.session import Visitor, only
from caseward.web.trying import PAGE, READERS, form

HERE = "/settings/policies"
SETTINGS = SettingsItem(href=HERE, label="Policies", order=20, roles=READERS)

router = APIRouter()


@router.get(HERE)
def rules(request: Request, visitor: Annotated[Visitor, Depends(only(READERS))]) -> Response:
    """Show the rules, the approval matrix of the phase, and what wakes a person."""
    pack = tools.pack()
    say = tongue(pack.policy)
    context = {
        "release": pack.profile.release,
        "setting": f"{pack.policy.phase}, {pack.policy.topology}",
        "shelves": [
            rulewords.Shelf(
                tier=tier, lines=[rulewords.rule(pack, say, rule) for rule in pack.policy.rules if rule.tier == tier]
            )
            for tier in Tier
        ],
        "matrix": [rulewords.consents(pack, say, row_tier) for row_tier in Tier],
        "triggers": [
            rulewords.Line(
                id=trigger.id,
                because=trigger.because,
                when=rulewords.sentence(say.condition(trigger.when)),
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
