"""What moved under a draft while people were asked, and what of it they need not be asked about again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from caseward.core.case import Case
from caseward.core.policy import Decision, Tier
from caseward.core.task import Draft
from caseward.core.turn import Picture, Turn
from caseward.desk import current, drafting, gate, intake, tools
from caseward.store import cases
from caseward.store.approvals import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """What a person consented to before policy moved."""

    request: Request
    why: str
    """What moved, for whoever is asked about it anew."""

    def covers(self, draft: Draft, decision: Decision) -> bool:
        """Return whether what was drafted anew is the same in words and effects, and asks for no more consent."""
        lanes, asked = tools.pack().policy.lanes, self.request
        same = draft.digest == asked.digest and decision.tier <= asked.tier and decision.needs <= asked.terms.needs
        return same and asked.lane in lanes and lanes.index(decision.approval) <= lanes.index(asked.lane)


def taken_up(case: Case, draft: Draft) -> tuple[Case, Turn | None]:
    """Return the case and the turn that a draft answers, to be worked once more: what the contact wrote since may be
    about something else. None where nobody wrote."""
    body = cases.decision(case.id, draft.decision) if draft.decision else None
    if body is None:
        return case, intake.again(case)
    intent = body["understanding"]["intent"]
    found = {each["name"] for each in body["facts"] if each["source"] == "detectors" and each["value"] is True}
    flags = sorted(found.union(case.pending.get("flags", ())))
    known = intent if intent in tools.pack().intents else ""
    case = replace(case, pending={**case.pending, "intent": known, "flags": flags})
    return case, intake.again(case, body["turn"])


def what_moved(case: Case, request: Request, draft: Draft, picture: Picture) -> list[str]:
    """Return what the draft rests on that another release or phase has changed since, in words."""
    body = cases.decision(case.id, draft.decision)
    policy = tools.pack().policy
    if body is None or (body["release"], body.get("phase"), body.get("topology")) == (
        policy.release, policy.phase, policy.topology,
    ):  # fmt: skip
        return []
    drafted = Tier[body["tier"]] if draft.template else None
    said = gate.moved(picture, request, drafted=drafted, executes=draft.task is not None)
    if body["release"] != policy.release:
        intent = body.get("understanding", {}).get("intent", case.intent)
        said += drafting.moved(draft, intent, current.of_release(body["release"]))
    return said
