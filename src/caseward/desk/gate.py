"""Policy is asked here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from caseward.core import policy
from caseward.core.case import Case
from caseward.core.policy import Decision
from caseward.core.turn import Picture
from caseward.desk import tools
from caseward.store import cases, log


def decide(case: Case, turn: int, picture: Picture) -> tuple[Case, Decision, int]:
    """Return the case as it stands after it, what policy calls for, and the id under which all of it is recorded."""
    now = tools.now()
    decision = policy.decide(tools.pack().policy, picture.plain())
    reasons = _wants_a_person(case, picture)
    if reasons:
        decision = _to_a_person(decision)
    seen = picture.understanding
    body = {
        **{key: value for key, value in asdict(decision).items() if key not in ("tier", "release", "holds")},
        "facts": [
            {"name": fact.name, "value": fact.value, "source": fact.source, "at": fact.at}
            for fact in picture.facts.values()
        ],
        "reasons": list(reasons),
        "understanding": {
            "intent": seen.intent,
            "category": seen.category,
            "severity": seen.severity,
            "sentiment": seen.sentiment,
            "language": seen.language,
            "signals": list(seen.signals),
            "confidence": seen.confidence,
        },
    }
    decision_id = cases.record_decision(
        case.id, turn=turn, tier=decision.tier, release=decision.release, body=body, at=now
    )
    log.append(
        "decision",
        "A",
        {"tier": str(decision.tier), **{k: v for k, v in body.items() if k != "understanding"}},
        at=now,
        case_id=case.id,
        conversation_id=case.conversation_id,
        release=decision.release,
    )
    case = cases.change(
        case,
        now,
        tier=decision.tier,
        intent=seen.intent,
        category=seen.category,
        severity=seen.severity,
        language=tools.pack().language(seen.language),
    )
    return case, decision, decision_id


def still_allows(picture: Picture, approved: Decision | policy.Tier) -> str:
    """Return why work approved earlier may no longer be done, or nothing when it may."""
    tier = approved if isinstance(approved, policy.Tier) else approved.tier
    decision = policy.decide(tools.pack().policy, picture.plain())
    if decision.tier > tier:
        return f"it was approved as {tier} and is {decision.tier} now ({', '.join(decision.rules) or 'unforeseen'})"
    if decision.hold is not None:
        return f"policy holds it: {decision.hold}" + (f" ({', '.join(decision.missing)})" if decision.missing else "")
    return "" if decision.executor else "no rule lets operations run it"


def _wants_a_person(case: Case, picture: Picture) -> Sequence[str]:
    """Return why a person must look, whatever the tier (SUP-9, SUP-13)."""
    limits = tools.pack().profile.limits
    reasons = []
    if case.owner != "desk":
        reasons.append("a person holds the case")
    if "person" in picture.understanding.signals:
        reasons.append("the contact asks for a person")
    if case.turns > limits.turns:
        reasons.append(f"more than {limits.turns} turns")
    if case.questions > limits.questions:
        reasons.append(f"more than {limits.questions} questions asked")
    return reasons


def _to_a_person(decision: Decision) -> Decision:
    lanes = tools.pack().policy.lanes
    asked = next((lane for lane in lanes if tools.pack().profile.lanes[lane].roles), lanes[-1])
    lane = max(decision.approval, asked, key=lanes.index)
    return replace(decision, approval=lane, auto_send=False)
