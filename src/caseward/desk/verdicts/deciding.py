"""What people say to a request comes in here: on exactly the words they saw, on facts that may still be relied on, in
time, by as many as policy asks for. Whichever way it came, the same is refused.

Consent may be held for a while before anything is done; until that ends, whoever may decide can take it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta

from caseward.core import ids
from caseward.core.approval import AGREED, ApprovalState, Vote, Word, agreed, in_lane
from caseward.core.case import Case, IdentityState
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.ids import ApprovalId, DraftId
from caseward.core.review import Check, Subject
from caseward.core.review import review as run_rules
from caseward.core.roles import Effect, Role
from caseward.core.task import Draft, ResultStatus
from caseward.core.text import clean
from caseward.desk import tools
from caseward.desk.verdicts import freshness
from caseward.store import approvals as store
from caseward.store import cases, contacts, db, log, people, preferences, presence, timers, votes
from caseward.store.approvals import Request

HOLD = "hold:"
"""Kind of the timer that ends a hold, with the request's id behind it."""
MAX_REASON = 2000
ENDS = {Word.DENY: ApprovalState.DENIED, Word.ESCALATE: ApprovalState.ESCALATED}


class Repeated(Conflict):
    """Somebody consents to words that they have consented to; it waits for others."""


def decide(
    approval_id: str,
    word: Word,
    *,
    person: str,
    role: str,
    digest: str,
    text: str | None = None,
    reason: str = "",
    conditions: str = "",
) -> Request:
    """Record a person's verdict, and begin what follows from it once it settles the request.

    Consent settles it when as many as are needed have given it to the same words; an edit makes new words, which the
    editor consents to and the others are asked about anew. One denial or escalation settles it at once.

    Raises:
        NotFound: there is no such request.
        Refused: this person may not decide it.
        Conflict: it was decided, has expired, or the draft is not the one with this digest; Repeated: they consented
            before; NotNow: its facts are too old or a system that it needs is degraded; Held: somebody else is editing
            the reply.
        BadInput: a denial or escalation without a reason, an edit without words or with words the QA gate refuses.
    """
    text, reason, conditions = clean(text or "").strip(), clean(reason).strip(), clean(conditions).strip()
    case, request = _locked(approval_id)
    now = tools.now()
    _require_decider(case, request, person, role, word)
    if request.state is not ApprovalState.OPEN:
        by = f" by {request.decided_by}" if request.decided_by else ""
        raise Conflict(f"this request was already {request.state}{by}")
    if now >= request.expires_at:
        raise Conflict("this request has expired, which counts as denied; nothing was sent")
    if digest != request.digest:
        raise Conflict("the draft changed since you read it; read it again")
    if word in ENDS and not reason:
        raise BadInput(f"reason: say why you {word}, so that it can be understood later")
    if max(len(reason), len(conditions)) > MAX_REASON:
        raise BadInput(f"reason, conditions: write at most {MAX_REASON} characters each")

    draft, checks, _at = store.draft(request.draft_id)
    said = {"verdict": word, "role": role, "reason": reason, "conditions": conditions, "digest": digest}
    if word in ENDS:
        if not store.settle(request.id, ENDS[word], by=person, at=now, reason=reason, conditions=conditions):
            raise Conflict("somebody else decided this first")
        cases.set_clock(case.id, "decision", met_at=now)
        _log(case, "verdict", person, {"approval": request.id, **said, "reply": draft.reply})
        tools.begin("conclude", request.id, f"conclude:{request.id}")
        tools.announce("approval", request.id, case.id)
        return store.get(request.id)
    freshness.require(draft)
    if word is Word.EDIT:
        editor = presence.holder(request.id, but=person, now=now)
        if editor is not None:
            raise presence.Held(editor)
        presence.free(request.id, person)
        draft = _edited(case, draft, text, by=person)
        if not store.revise(request.id, draft, was=digest):
            raise Conflict("somebody else decided this first")
        request = store.get(request.id)
        said["digest"] = request.digest
    else:
        failed = [f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]]
        if failed:
            raise BadInput("the draft cannot be approved as it is: " + "; ".join(failed))
    vote = Vote(person=person, role=role, word=word, at=now, conditions=conditions)
    return _vote(case, request, vote, {**said, "reply": draft.reply}, reason=reason)


def stand_for(approval_id: str, *, person: str, role: str) -> Request:
    """Record that a person consents to the words they wrote themselves; where more are needed, the others are asked.

    Raises Refused when they may not decide it.
    """
    case, request = _locked(approval_id)
    _require_decider(case, request, person, role)
    draft, _checks, _at = store.draft(request.draft_id)
    vote = Vote(person=person, role=role, word=Word.EDIT, at=tools.now())
    return _vote(case, request, vote, {"verdict": "write", "role": role, "digest": draft.digest, "reply": draft.reply})


def read_now(approval_id: str, *, person: str, role: str) -> None:
    """Have what an open request rests on read anew; it can be decided once that is done.

    Raises:
        NotFound: there is no such request.
        Refused: this person may neither decide it nor send it on.
        Conflict: it is not open any more.
    """
    case, request = _locked(approval_id)
    _require_decider(case, request, person, role, Word.ESCALATE)
    if request.state is not ApprovalState.OPEN:
        raise Conflict(f"this request was already {request.state}")
    _log(case, "read", person, {"approval": request.id})
    tools.begin("read_anew", request.id, ids.new("read"))


def undo(approval_id: str, *, person: str, role: str) -> Request:
    """Take consent back while it is held: the request is open again, and everybody is asked anew.

    Raises:
        NotFound: there is no such request.
        Refused: this person may not decide it.
        Conflict: it was not consented to, or the hold is over.
    """
    case, request = _locked(approval_id)
    now = tools.now()
    _require_decider(case, request, person, role)
    if request.state not in AGREED or request.decided_at is None:
        raise Conflict(f"there is nothing to undo: this request is {request.state}")
    lost = now - request.decided_at  # nobody could decide meanwhile
    if not store.take_back(request.id, expires_at=request.expires_at + lost, now=now):
        raise Conflict("it is too late to undo: the hold is over, and what was approved is being done")
    timers.cancel(case.id, HOLD + request.id)
    clock = cases.clocks_of(case.id).get("decision")
    if clock is not None:
        cases.start_clock(case.id, "decision", now=clock.started_at, due=clock.due_at + lost)
        timers.set_timer(case.id, "decision_breach", clock.due_at + lost)
    _log(case, "verdict", person, {"approval": request.id, "verdict": "undo", "role": role, "digest": request.digest})
    tools.announce("approval", request.id, case.id)
    return store.get(request.id)


def let_go(approval_id: str) -> bool:
    """Begin what was consented to, now that the hold is over; return False when it was taken back."""
    if not store.let_go(ApprovalId(approval_id), tools.now()):
        return False
    tools.begin("conclude", approval_id, f"conclude:{approval_id}")
    tools.announce("approval", approval_id)
    return True


def preview(approval_id: str, text: str) -> Sequence[Check]:
    """Return what the QA gate would say to an edit, without recording anything."""
    request = store.get(approval_id)
    draft, _checks, _at = store.draft(request.draft_id)
    edited = replace(draft, replies={**draft.replies, ResultStatus.SUCCESS: clean(text)})
    return _review(cases.get(request.case_id), edited)


MAY_ESCALATE = frozenset({Role.OPS_LEAD})
"""Roles that see the backlog of every lane, and may send on what they may not decide."""


def barred(case: Case, request: Request, person: str, role: str, word: Word | None = None) -> str:
    """Return why somebody may not decide a request, or may not say `word` to it; nothing when they may.

    They must be of the lane now, have been of it when the request was opened, and not be the customer. Whoever sees the
    backlog of every lane may escalate in any.
    """
    if word is Word.ESCALATE and role in MAY_ESCALATE:
        return _own_case(case, person)
    lane = tools.pack().profile.lanes.get(request.lane)
    if lane is None or role not in lane.roles:
        return f"the role {role.replace('_', ' ')} does not decide in the lane {request.lane}"
    if not in_lane(lane, person, role):
        return f"only the people named for the lane {request.lane} decide in it"
    known = people.known(person)
    if request.approvers is not None and not request.approvers.had(person, of_the_house=known is not None):
        return "this was asked before you could decide such a matter; who could then decides it"
    return _own_case(case, person)


def _own_case(case: Case, person: str) -> str:
    known = people.known(person)
    contact = contacts.get(case.contact_id) if case.contact_id else None
    if known is not None and contact is not None and known.email and known.email.lower() == contact.email.lower():
        return "this is your own case; somebody else decides it"
    return ""


def _locked(approval_id: str) -> tuple[Case, Request]:
    """Lock the case first, as every story does, then the request."""
    case = cases.get(store.get(approval_id).case_id, lock=True)
    return case, store.get(approval_id, lock=True)


def _require_decider(case: Case, request: Request, person: str, role: str, word: Word | None = None) -> None:
    why = barred(case, request, person, role, word)
    if why:
        with db.apart():  # kept though the caller's transaction is not
            of = {"effect": Effect.APPROVE, "approval": request.id, "role": role, "lane": request.lane, "why": why}
            log.append("denied", person, of, at=tools.now(), case_id=case.id)
        raise Refused(why)


def _vote(case: Case, request: Request, vote: Vote, said: dict[str, object], *, reason: str = "") -> Request:
    """Count one consent more; when it is enough, settle the request and begin what follows, now or after a hold."""
    needs = request.terms.needs
    if not votes.cast(request.id, request.digest, vote):
        raise Repeated("you have approved this already; it waits for somebody else")
    given = _standing(case, request, vote)
    held_until = None
    if len(given) >= needs:
        hold = timedelta(seconds=preferences.of(vote.person).held(request.terms.hold_seconds))
        held_until = vote.at + hold if hold else None
        conditions = "; ".join(each.conditions for each in given if each.conditions)
        if not store.settle(request.id, agreed(given), by=vote.person, at=vote.at, reason=reason,
                            conditions=conditions, held_until=held_until):  # fmt: skip
            raise Conflict("somebody else decided this first")
        cases.set_clock(case.id, "decision", met_at=vote.at)
        if held_until is None:
            tools.begin("conclude", request.id, f"conclude:{request.id}")
        else:
            timers.set_timer(case.id, HOLD + request.id, held_until)
    _log(case, "verdict", vote.person, {"approval": request.id, **said, "votes": len(given), "needs": needs,
                             **({"held_until": held_until} if held_until else {})})  # fmt: skip
    tools.announce("approval", request.id, case.id)
    return store.get(request.id)


def _standing(case: Case, request: Request, last: Vote) -> Sequence[Vote]:
    """Return the consents that count, `last` among them; those of people who have lost the right are void."""
    given = votes.of([request])[request.id]
    earlier = [vote.person for vote in given if vote.person != last.person]
    if not earlier:
        return given
    roles = people.roles_of(earlier, now=tools.now())
    void = [each for each in earlier if each not in roles or barred(case, request, each, roles[each])]
    votes.discard(request.id, void)
    return [vote for vote in given if vote.person not in void]


def _edited(case: Case, draft: Draft, text: str, *, by: str) -> Draft:
    edited = replace(
        draft,
        id=DraftId(ids.new("drf")),
        template="",
        replies={**draft.replies, ResultStatus.SUCCESS: text},
    )
    if edited.digest == draft.digest:
        raise BadInput("text: nothing was changed; approve it, or edit the words")
    checks = _review(case, edited)
    failed = [f"{check.name}: {check.detail}" for check in checks if not check.ok]
    if failed:
        raise BadInput("text: " + "; ".join(failed))
    store.keep_draft(edited, checks=[asdict(check) for check in checks], at=tools.now())
    _log(case, "draft", by, {"draft": edited.id, "digest": edited.digest, "reply": text, "edited_from": draft.id})
    return edited


def _review(case: Case, draft: Draft) -> Sequence[Check]:
    verified = case.contact_id is not None and contacts.get(case.contact_id) is not None
    return run_rules(
        Subject(
            draft=draft,
            text=draft.reply,
            identity=IdentityState.VERIFIED if verified else IdentityState.UNKNOWN,
            pack=tools.pack(),
            today=tools.now().astimezone(tools.pack().hours.zone).date(),
            by_person=True,
        )
    )


def _log(case: Case, kind: str, actor: str, payload: dict[str, object]) -> None:
    log.of_case(case, kind, actor, payload, at=tools.now(), release=tools.pack().profile.release)
