"""What a person does with a case of their own accord: answer in their own words, settle it, give it back."""

from __future__ import annotations

from caseward.core import ids
from caseward.core.approval import ApprovalState, Terms, in_lane
from caseward.core.case import DONE, Case, CaseStatus
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.ids import ApprovalId, DraftId
from caseward.core.policy import Tier
from caseward.core.roles import Effect
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.core.text import clean
from caseward.desk import approvals, casework, identity, intake, macros, promises, review, takeover, tools, verdicts
from caseward.store import approvals as requests
from caseward.store import cases, db, log, timers


def write(case_id: str, text: str, *, person: str, role: str) -> ApprovalId:
    """Have a person answer a case in their own words; they take the case, and consent to what they wrote.

    Where policy asks for the consent of several people, the others are asked before the words go out.

    Raises:
        NotFound: there is no such case.
        Refused: this person may not decide for the case's tier.
        Conflict: the case is part of another.
        BadInput: the QA gate refuses the words, or a place of a template is still open in them.
    """
    with db.transaction():
        case = casework.hold_still(case_id)
        text, now, pack = clean(text).strip(), tools.now(), tools.pack()
        _require_whole(case)
        left = macros.open_places(text)
        if left:
            raise BadInput(f"text: {', '.join(f'{{{each}}}' for each in left)} is still open; write what belongs there")
        lanes = [name for name, lane in pack.profile.lanes.items() if in_lane(lane, person, role)]
        waiting = requests.open_of(case.id)
        needed = max((request.lane for request in waiting), key=pack.policy.lanes.index, default=None)
        if not lanes or (needed is not None and needed not in lanes):
            _denied(case_id, person, Effect.APPROVE, role, needed or "")
            raise Refused(f"the role {role.replace('_', ' ')} does not answer for the lane {needed or 'of any case'}")
        said = Evidence(id=person, kind="person", title="Stated by a person", excerpt=text, source=role, at=now)
        draft = Draft(
            id=DraftId(ids.new("drf")),
            case_id=case.id,
            language=pack.language(case.language),
            template="",
            replies={ResultStatus.SUCCESS: text},
            evidence=(said,),
            resolves=False,
            address=casework.address(case),
        )
        checks = review.check(case, draft, identity.of(case).state, by_person=True)
        failed = review.failures(checks)
        if failed:
            raise BadInput("text: " + "; ".join(failed))
        approval_id = approvals.open(
            case, draft, checks, lane=needed or lanes[-1], tier=case.tier if case.tier is not None else Tier.R3,
            question="Answer in own words", why="", terms=Terms.recorded(cases.decision(case.id) or {}),
        )  # fmt: skip
        if case.lease_until is not None:
            case = takeover.end(case, person)
        case = cases.change(case, now, owner=person)
        if verdicts.stand_for(approval_id, person=person, role=role).state is ApprovalState.OPEN:
            promises.on_request(case)
            casework.become(case, CaseStatus.WAITING_APPROVAL)
        return approval_id


BY_HAND = "by a person"
"""How a case is settled where nobody says how."""
DISPOSITION_CHARS = 80


def resolve(case_id: str, *, person: str, role: str, disposition: str = "") -> str:
    """Have a person settle a case they hold; what is still asked about it is withdrawn, undone.

    Raises NotFound for no such case, Refused for a role that decides in no lane, Conflict for a case that is part of
    another, BadInput for a disposition that is no short line.
    """
    disposition = " ".join(clean(disposition).split())
    if len(disposition) > DISPOSITION_CHARS:
        raise BadInput(f"disposition: write at most {DISPOSITION_CHARS} characters; these are {len(disposition)}")
    with db.transaction():
        _require_a_decider(case_id, person, role)
        case = casework.hold_still(case_id)
        _require_whole(case)
        approvals.withdraw(case, f"the case was resolved by {person}")
        if case.lease_until is not None:
            case = takeover.end(case, person)
        said = {"status": "resolved by a person", **({"disposition": disposition} if disposition else {})}
        log.append("case", person, said, at=tools.now(), case_id=case.id)
        return casework.become(case, CaseStatus.RESOLVED, disposition=disposition or BY_HAND, pending={})


def reopen(case_id: str, *, person: str, role: str) -> None:
    """Have a person take a settled case up again; it is theirs, and the time to settle it begins anew.

    Raises:
        NotFound: there is no such case.
        Refused: this role decides in no lane.
        Conflict: the case is not settled, or is part of another.
    """
    with db.transaction():
        _require_a_decider(case_id, person, role)
        case = casework.hold_still(case_id)
        _require_whole(case)
        if case.status not in DONE:
            raise Conflict(f"case #{case.number} is not settled")
        timers.cancel(case.id)
        case = intake.reopen(case, by=person)
        promises.on_decision(case, case.tier if case.tier is not None else Tier.R0)


def hand_back(case_id: str, *, person: str, role: str) -> None:
    """Have a person give a case back to the desk, which answers by itself again where policy lets it."""
    with db.transaction():
        _require_a_decider(case_id, person, role)
        case = casework.hold_still(case_id)
        takeover.end(case, person)


def _require_whole(case: Case) -> None:
    if case.merged is not None:
        raise Conflict(f"case #{case.number} is part of another; go on there, or undo that first")


def _require_a_decider(case_id: str, person: str, role: str) -> None:
    if not any(role in lane.roles for lane in tools.pack().profile.lanes.values()):
        _denied(case_id, person, "case", role, "")
        raise Refused(f"a {role.replace('_', ' ')} reads cases and does not settle them")


def _denied(case_id: str, person: str, effect: str, role: str, lane: str) -> None:
    with db.apart():  # kept though the caller's transaction is not
        log.append("denied", person, {"effect": effect, "role": role, "lane": lane}, at=tools.now(), case_id=case_id)
