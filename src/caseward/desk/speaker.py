"""The only door out: one voice, and nothing passes it without consent to exactly these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids, review, roles
from caseward.core.approval import Approval
from caseward.core.case import Case, IdentityState
from caseward.core.errors import Refused
from caseward.core.ids import DraftId
from caseward.core.messages import Choice
from caseward.core.policy import Decision
from caseward.core.roles import Actor, Effect
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.core.turn import SLOT
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import approvals, cases, citations, db, log, messages, outbox, running


def say(
    case: Case,
    draft: Draft,
    approval: Approval,
    *,
    identity: IdentityState,
    outcome: ResultStatus = ResultStatus.SUCCESS,
    key: str,
    actor: str = Actor.B,
    by_person: bool = False,
    choices: Sequence[Choice] = (),
    courtesy: bool = False,
    unasked: bool = False,
    enclosed: str = "",
) -> bool:
    """Send one of the draft's replies, once for `key`; return False when it was said before, or when a person answers
    outside the desk, who alone speaks then.

    Where its vendor takes no free words, it waits until the consent to it expires. `choices` are what the contact may
    pick as an answer; nobody is troubled over a `courtesy` that came too late. What is `unasked` goes out in no quiet
    hour, and to nobody who has said meanwhile that they want none of it. What is `enclosed` was said before, and is no
    answer.

    Raises:
        Refused: the actor may not speak, the approval covers something else or has expired, the outcome has no words,
            or a QA rule fails. The attempt is logged whatever becomes of the caller's transaction.
    """
    now = tools.now()
    text = draft.replies.get(outcome, "")
    try:
        roles.require(actor, Effect.SEND)
        approval.require(draft, case_id=case.id, now=now)
        _require_quality(draft, text, identity, by_person=by_person)
    except Refused as refusal:
        _denied(case, actor, str(refusal))
        raise
    if case.leased(now) and not by_person:
        _withhold(case, actor, text, key, of_work=draft.task is not None)
        return False
    channel_name, _, address = draft.address.partition(":")
    channel = tools.channel(channel_name)
    message_id = ids.new("msg")
    parcel = outbox.put(
        case_id=case.id,
        message_id=message_id,
        channel=channel_name,
        address=address,
        text=text,
        key=key,
        approvers=approval.approvers,
        delivered=channel.pull,
        now=now,
        reply=None
        if channel.pull
        else _beside_the_text(case, draft, outcome, choices, courtesy=courtesy, unasked=unasked)
        | ({"enclosed": enclosed} if enclosed else {}),
        keeps_until=approval.expires_at,
    )
    if parcel is None:
        return False
    messages.say(case.conversation_id, case_id=case.id, text=text, at=now, id=message_id, to=draft.address,
                 choices=choices)  # fmt: skip
    if not channel.pull:
        tools.carry("deliver", parcel)
    log.of_case(
        case,
        "send",
        actor,
        {
            "message": message_id,
            "channel": channel_name,
            "text": text,
            "approvers": list(approval.approvers),
            "digest": draft.digest,
            "template": draft.template,
            "key": key,
        },
        at=now,
        release=tools.pack().profile.release,
    )
    citations.keep(draft, release=tools.pack().profile.release, at=now)
    if not enclosed:
        cases.set_clock(case.id, "first_response", met_at=now)
    if outcome is ResultStatus.SUCCESS and draft.template in tools.pack().channels.confirmations:
        tools.begin("confirm", draft.id, f"confirm:{draft.id}")
    return True


OWN = ("promise_time", "options", "reference", "masked_email")
"""Values that a courtesy may carry."""


def tell(case: Case, template: str, values: Mapping[str, Any], *, address: str, key: str) -> bool:
    """Send a courtesy: an approved template that says nothing of any account, on the pack's own consent.

    It may carry a promised time, the offered free times, the case's number, the masked address that a mail went to, the
    business's name and nothing else; so it needs no person in any phase. Return False when it was said before.
    """
    if outbox.said(key):
        return False
    pack, now = tools.pack(), tools.now()
    language = pack.language(case.language)
    own = {name: values[name] for name in OWN if values.get(name)}
    printed = {name: wording.show(pack, name, value, language, now=now) for name, value in own.items()}
    offered = pack.template(template).choices.get(language, ())
    draft = Draft(
        id=DraftId(ids.new("drf")),
        case_id=case.id,
        language=language,
        template=template,
        replies={
            ResultStatus.SUCCESS: wording.render(
                pack, template, language, {**own, "business": pack.profile.title}, now=now
            )
        },
        evidence=(
            Evidence(
                id="house",
                kind="house",
                title="What we may say of ourselves",
                excerpt=pack.profile.title,
                source=pack.profile.release,
                at=now,
                values=(*printed.values(), *map(str, range(1, len(offered) + 1))),
            ),
        ),
        address=address,
    )
    approvals.keep_draft(draft, checks=[], at=now)
    consent = Approval.of(draft, approver="policy", expires_at=now + timedelta(minutes=1))
    choices = [Choice(id=f"{SLOT}{each}", label=wording.show(pack, "slot", each, language, now=now))
               for each in own.get("options", ())]  # fmt: skip
    choices += [Choice(id=f"{template}:{case.number}:{n}", label=label) for n, label in enumerate(offered, 1)]
    return say(case, draft, consent, identity=IdentityState.UNKNOWN, key=key, choices=choices, courtesy=True)


def _beside_the_text(
    case: Case, draft: Draft, outcome: ResultStatus, choices: Sequence[Choice], *, courtesy: bool, unasked: bool
) -> dict[str, Any]:
    """Return what a channel is handed with the words: from which template they are, and what was printed in it, so that
    the vendor's approved wording of the same can be said in their place."""
    given: dict[str, Any] = {"case": case.number}
    if choices:
        given["choices"] = [{"id": each.id, "label": each.label} for each in choices]
    given |= {name: True for name, so in (("courtesy", courtesy), ("unasked", unasked)) if so}
    pack, text = tools.pack(), draft.replies[outcome]
    for name in _templates(case, draft, outcome):
        template = pack.templates.get(name)
        read = wording.read_back(template, text) if template is not None else None
        if template is not None and read is not None:
            language, values = read
            own = {"case": str(case.number), "reference": f"#{case.number}", "business": pack.profile.title, **values}
            subject = wording.fill(template.subject.get(language, ""), own)
            return given | {"template": name, "language": language, "values": values, "subject": subject}
    return given


def _templates(case: Case, draft: Draft, outcome: ResultStatus) -> Sequence[str]:
    """Return the templates that a reply may be made of; none for a person's own words."""
    if not draft.template or outcome is ResultStatus.SUCCESS:
        return [draft.template] if draft.template else []
    intent = tools.pack().intents.get(case.intent)
    plans = intent.plans if intent is not None else ()
    return [plan.failed for plan in plans if plan.template == draft.template and plan.failed]


def by_policy(draft: Draft, decision: Decision, *, now: datetime) -> Approval:
    """Return the pack's own consent to a draft; raise Refused unless the decision lets it go out by itself."""
    if not decision.auto_send:
        raise Refused(f"{decision.tier} does not go out by itself here; lane {decision.approval} must consent")
    return Approval.of(draft, approver="policy", expires_at=now + timedelta(minutes=1))


def _require_quality(draft: Draft, text: str, identity: IdentityState, *, by_person: bool) -> None:
    subject = review.Subject(
        draft=draft,
        text=text,
        identity=identity,
        pack=tools.pack(),
        today=tools.now().astimezone(tools.pack().hours.zone).date(),
        degraded=frozenset(name for name, health in running.systems().items() if health.degraded),
        by_person=by_person,
    )
    failed = [check for check in review.review(subject) if not check.ok]
    if failed:
        raise Refused("; ".join(f"{check.name}: {check.detail}" for check in failed))


def _withhold(case: Case, actor: str, text: str, key: str, *, of_work: bool) -> None:
    """Record what is not said because a person speaks; what became of work, they are to read in the case."""
    log.of_case(case, "withheld", actor, {"text": text, "key": key, "owner": case.owner}, at=tools.now())
    if of_work:
        note = f"Not said, because a person answers outside the desk: {text}"
        messages.add(case.conversation_id, case_id=case.id, author="house", kind="note", text=note, at=tools.now())


def _denied(case: Case, actor: str, why: str) -> None:
    with db.apart():
        log.append("denied", actor, {"effect": Effect.SEND, "why": why}, at=tools.now(), case_id=case.id)
