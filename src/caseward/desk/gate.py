"""Policy is asked here, and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, replace

from caseward.core import policy
from caseward.core.case import Case
from caseward.core.policy import Decision, Trigger
from caseward.core.turn import Picture
from caseward.desk import tools
from caseward.store import cases, log
from caseward.store.approvals import Request


def decide(case: Case, turn: int, picture: Picture) -> tuple[Case, Decision, int]:
    """Return the case as it stands after it, what policy calls for, and the id under which all of it is recorded."""
    now = tools.now()
    decision = policy.decide(tools.pack().policy, picture.plain())
    decision = replace(decision, break_glass=tuple(trigger.id for trigger in _woken_by(decision, picture)))
    reasons = [*_wants_a_person(case, picture), *_not_sure_enough(decision, picture)]
    if reasons:
        decision = _to_a_person(decision)
    seen = picture.understanding
    body = {
        **{key: value for key, value in asdict(decision).items() if key not in ("tier", "release", "holds")},
        "phase": tools.pack().policy.phase,
        "topology": tools.pack().policy.topology,
        "facts": [
            {"name": fact.name, "value": fact.value, "source": fact.source, "at": fact.at}
            for fact in picture.facts.values()
        ],
        "reasons": reasons,
        "understanding": {
            "intent": seen.intent,
            "category": seen.category,
            "severity": seen.severity,
            "sentiment": seen.sentiment,
            "language": seen.language,
            "signals": list(seen.signals),
            "confidence": seen.confidence,
            "named": {kind: list(seen.entities[kind]) for kind in tools.pack().entities if kind in seen.entities},
        },
    }
    decision_id = cases.record_decision(
        case.id, turn=turn, tier=decision.tier, release=decision.release, body=body, at=now
    )
    log.of_case(
        case,
        "decision",
        "A",
        {"tier": str(decision.tier), **{k: v for k, v in body.items() if k != "understanding"}},
        at=now,
        release=decision.release,
    )
    case = _wake(case, decision)
    case = cases.change(
        case,
        now,
        tier=decision.tier,
        intent=seen.intent,
        category=seen.category,
        severity=min([seen.severity, *_severities(case)]),
        language=tools.pack().language(seen.language),
    )
    return case, decision, decision_id


def unforeseen() -> Decision:
    """Return the strictest that policy asks for: what holds where nothing is known."""
    return policy.decide(tools.pack().policy, {})


def still_allows(picture: Picture, approved: Decision | policy.Tier) -> str:
    """Return why work approved earlier may no longer be done, or nothing when it may."""
    tier = approved if isinstance(approved, policy.Tier) else approved.tier
    decision = policy.decide(tools.pack().policy, picture.plain())
    if decision.tier > tier:
        return f"it was approved as {tier} and is {decision.tier} now ({', '.join(decision.rules) or 'unforeseen'})"
    if decision.hold is not None:
        return f"policy holds it: {decision.hold}" + (f" ({', '.join(decision.missing)})" if decision.missing else "")
    return "" if decision.executor else "no rule lets operations run it"


def moved(picture: Picture, asked: Request, *, drafted: policy.Tier | None, executes: bool) -> list[str]:
    """Return what policy says of a case now other than when people were asked, in words.

    Args:
        picture: the case as it is now.
        asked: what they were asked.
        drafted: the tier that the desk drafted for, which decides the words; None for words of a person.
        executes: whether there is work to do.
    """
    lanes, decision = tools.pack().policy.lanes, policy.decide(tools.pack().policy, picture.plain())
    said = []
    if decision.tier > asked.tier or drafted not in (None, decision.tier):
        rules = ", ".join(decision.rules) or "unforeseen"
        said.append(f"{asked.tier if drafted is None else drafted} is {decision.tier} now ({rules})")
    if asked.lane not in lanes or lanes.index(decision.approval) > lanes.index(asked.lane):
        said.append(f"the lane {decision.approval} must consent")
    if decision.needs > asked.terms.needs:
        said.append(f"{decision.needs} people must consent")
    if decision.hold is not None:
        said.append(f"policy holds it: {decision.hold}")
    if executes and decision.executor is None:
        said.append("no rule lets operations run it")
    return said


def _wants_a_person(case: Case, picture: Picture) -> list[str]:
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


def _not_sure_enough(decision: Decision, picture: Picture) -> list[str]:
    """Return why what would go out by itself is looked at first: the message or the page that answers it is a guess."""
    if not decision.auto_send:
        return []
    guesses = {"the message was understood": picture.understanding.confidence}
    if picture.finding.hits and "published_answer" in picture.facts and picture.facts["published_answer"].value:
        guesses["the page that answers it was found"] = picture.finding.hits[0].score
    return [
        f"{what} with {int(sure * 100)} % confidence, and {decision.confidence} % are asked for"
        for what, sure in guesses.items()
        if sure * 100 < decision.confidence
    ]


def _woken_by(decision: Decision, picture: Picture) -> list[Trigger]:
    """Return the triggers that wake a person: at once where they surely hold, and where they only may, as soon as
    nothing is asked or waited for that would settle it."""
    broken = [trigger for trigger in tools.pack().policy.triggers if trigger.id in decision.break_glass]
    if decision.hold is None or not broken:
        return broken
    facts = picture.plain()
    return [trigger for trigger in broken if trigger.when.truth(facts)]


def _wake(case: Case, decision: Decision) -> Case:
    """Record who is woken, once a case and trigger, and mark the case."""
    pack = tools.pack()
    fresh = [trigger for trigger in pack.policy.triggers if trigger.id in set(decision.break_glass) - set(case.woken)]
    for trigger in fresh:
        log.of_case(
            case,
            "break_glass",
            "A",
            {
                "trigger": trigger.id,
                "because": trigger.because,
                "lane": trigger.lane,
                "wakes": pack.profile.lanes[trigger.lane].title,
                "severity": trigger.severity,
            },
            at=tools.now(),
            release=decision.release,
        )
    if not fresh:
        return case
    return cases.change(case, tools.now(), woken=(*case.woken, *(trigger.id for trigger in fresh)))


def _severities(case: Case) -> list[str]:
    """Return the severities to which the case was raised: what woke a person stays urgent."""
    raised = (trigger.severity for trigger in tools.pack().policy.triggers if trigger.id in case.woken)
    return [severity for severity in raised if severity]


def _to_a_person(decision: Decision) -> Decision:
    lanes = tools.pack().policy.lanes
    asked = next((lane for lane in lanes if tools.pack().profile.lanes[lane].roles), lanes[-1])
    lane = max(decision.approval, asked, key=lanes.index)
    return replace(decision, approval=lane, auto_send=False)
