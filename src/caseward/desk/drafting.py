"""A reply is proposed: from a published page or an approved template, with the work behind it and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from caseward.core import ids
from caseward.core.case import Case
from caseward.core.errors import PackError
from caseward.core.ids import DraftId
from caseward.core.pack import Pack, Plan
from caseward.core.policy import Decision, Tier
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.core.turn import ASK_IDENTITY, SLOT, Picture, Turn
from caseward.core.when import Chooser
from caseward.desk import tools
from caseward.packs import wording

MAX_OPTIONS = 5
READINGS = ("reading", "notice")
TAKE_OVER = Plan(template="person-takes-over", question="Take over this conversation?", resolves=False)
"""Followed where no plan of the pack may be: a person carries on."""
ANOTHER = replace(TAKE_OVER, why="The message names another record than the one that was read.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to do about a turn."""

    plan: Plan
    draft: Draft | None
    """None while the contact must choose first."""
    options: tuple[datetime, ...] = ()
    """The times to offer, when there is a choice to make."""
    values: Mapping[str, Any] = field(default_factory=dict)


def propose(
    case: Case, turn: Turn, picture: Picture, decision: Decision, *, decision_id: int, promise: datetime
) -> Proposal:
    """Return the plan for the turn's intent with its draft, or with the choice the contact must make first.

    `promise` is the time by which we say to be back, where a template names one.
    """
    intent = tools.pack().intents[picture.understanding.intent]
    values = _values(case, picture, decision, promise)
    chosen = _choose(case, turn, [datetime.fromisoformat(str(each)) for each in values.get("slots", ())])
    if chosen is not None:
        values |= {"slot": chosen.isoformat(), "choice": "made"}
    fitting = [each for each in intent.plans if _holds(each.when, values)]
    if decision.executor is None:  # work that nothing may run is not proposed, and its words would not come true
        fitting = [each for each in fitting if not each.task]
    unread = [name for name in intent.reads if name not in picture.readings]
    # Without its readings a plan that says "none is on record" would be believed: nothing is claimed instead.
    plan = fitting[0] if fitting and not unread else TAKE_OVER
    if _means_another(case, picture):
        plan = ANOTHER
    if plan.needs and plan.needs not in values and decision.break_glass:
        plan = TAKE_OVER  # a person is woken now, not after the contact's choice
    elif plan.needs and plan.needs not in values:
        slots = tuple(datetime.fromisoformat(str(each)) for each in values.get("slots", ()))
        return Proposal(plan=plan, draft=None, options=slots[:MAX_OPTIONS], values=values)
    try:
        draft = _draft(case, turn, picture, plan, values, decision_id)
    except PackError:  # a value its words need is not known, such as the name of somebody unproven
        plan = TAKE_OVER
        draft = _draft(case, turn, picture, plan, values, decision_id)
    return Proposal(plan=plan, draft=draft, values=values)


def _means_another(case: Case, picture: Picture) -> bool:
    """Return whether the contact names a record other than the one that was read for them. What is given to prove who
    they are names none."""
    named, proofs = picture.understanding.entities, tools.pack().profile.identity.fields
    if case.pending.get("ask") == ASK_IDENTITY or (proofs and all(named.get(name) for name in proofs)):
        return False
    read = {kind: picture.values.get(f"{kind}_id") for kind in named}
    return any(value is not None and value not in named[kind] for kind, value in read.items() if named[kind])


def _holds(when: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    for name, wanted in when.items():
        value = values.get(name)
        actual = "none" if value is None or value == [] else value
        if actual not in (wanted if isinstance(wanted, tuple | list) else (wanted,)):
            return False
    return True


def _values(case: Case, picture: Picture, decision: Decision, promise: datetime) -> dict[str, Any]:
    pack = tools.pack()
    language = pack.language(case.language)
    named = {kind: picture.understanding.entities.get(kind, ()) for kind in pack.entities}
    values: dict[str, Any] = {kind: found[0] for kind, found in named.items() if len(found) == 1} | dict(picture.values)
    contact = picture.who.contact
    values |= {
        "business": pack.profile.title,
        "language": language,
        "tier": str(decision.tier),
        "exception": decision.tier is Tier.R3,
        "promise_time": promise,
        "case": case.number,
        "reference": f"#{case.number}",
        "name": contact.name.split()[0] if contact and contact.name else None,
    }
    hit = picture.finding.hits[0] if picture.finding.sure and picture.finding.hits else None
    if hit is not None:
        article = pack.articles[hit.article_id]
        values["answer"] = article.answer.get(language) or next(iter(article.answer.values()))
        values["article"] = article.id
    return values


_choosers: dict[str, Chooser] = {}


def _chooser(pack: Pack) -> Chooser:
    """Return the pack's chooser, compiled once."""
    chooser = _choosers.get(pack.digest)
    if chooser is None:
        chooser = Chooser(pack.lexicon, pack.entities)
        _choosers.clear()
        _choosers[pack.digest] = chooser
    return chooser


def _choose(case: Case, turn: Turn, slots: list[datetime]) -> datetime | None:
    """Return the one free time the contact means: by number among those offered, or by day and hour among all."""
    if not slots:
        return None
    pack, now = tools.pack(), tools.now()
    if turn.picked.startswith(SLOT):  # a button says exactly which, whatever stands on it
        return next((each for each in slots if turn.picked == f"{SLOT}{each.isoformat()}"), None)
    offered = [datetime.fromisoformat(each) for each in case.pending.get("options", ())]
    chooser = _chooser(pack)
    if offered:
        chosen = chooser.choose(turn.text, offered, now=now, zone=pack.hours.zone).chosen
        if chosen is not None and chosen in slots:
            return chosen
    for text in (turn.text, turn.earlier):
        if any(char.isdigit() for char in text):
            wished = chooser.choose(text, slots, now=now, zone=pack.hours.zone).chosen
            if wished is not None:
                return wished
    return None


def outdated(draft: Draft, picture: Picture, language: str) -> list[str]:
    """Return the readings of a draft that say something else by now; the time that passes by itself does not count."""
    pack, now = tools.pack(), tools.now()
    drafted = {each.id: each.excerpt for each in draft.evidence if each.kind in READINGS}
    current = {name: _printed(pack, reading.values, language, now) for name, reading in picture.readings.items()}
    return [name for name, excerpt in drafted.items() if name in current and _excerpt(current[name]) != excerpt]


def moved(draft: Draft, intent: str, before: Pack | None) -> list[str]:
    """Return what a draft rests on that says something else in the pack in force than in the one it was made with.

    `before` is that one; None when nobody knows any more what it said.
    """
    now = tools.pack()
    if before is None:
        return ["what it was drafted from was not kept"]
    pages = [each.id for each in draft.evidence if each.kind == "article"]
    said = [f"page {id}" for id in pages if _page(before, id) != _page(now, id)]
    if draft.template:
        was, will_be = before.intents.get(intent), now.intents.get(intent)
        if (was and (was.plans, was.reads)) != (will_be and (will_be.plans, will_be.reads)):
            said.append(f"how {intent} is answered")
        failed = [plan.failed for plan in (was.plans if was else ()) if plan.template == draft.template and plan.failed]
        said += [f"template {id}" for id in (draft.template, *failed) if _words(before, id) != _words(now, id)]
    return list(dict.fromkeys(said))


def _page(pack: Pack, id: str) -> object:
    page = pack.articles.get(id)
    return page and (page.answer, page.status, page.effective)


def _words(pack: Pack, id: str) -> object:
    template = pack.templates.get(id)
    return template and (template.text, template.status)


def renewed(draft: Draft) -> Draft:
    """Return a draft that cites its pages as they are in the pack in force; one that is not there is not cited."""
    pack, today = tools.pack(), tools.now().astimezone(tools.pack().hours.zone).date()
    found = []
    for each in draft.evidence:
        page = pack.articles.get(each.id) if each.kind == "article" else None
        if page is not None and page.in_force(today):
            excerpt = page.answer.get(draft.language, "")
            found.append(replace(each, excerpt=excerpt, source=pack.profile.release))
        elif each.kind != "article":
            found.append(each)
    return replace(draft, evidence=tuple(found))


def _draft(case: Case, turn: Turn, picture: Picture, plan: Plan, values: Mapping[str, Any], decision_id: int) -> Draft:
    pack, now = tools.pack(), tools.now()
    language = pack.language(case.language)
    told = {**values, **{place: values.get(name) for place, name in plan.says.items()}}
    replies = {ResultStatus.SUCCESS: wording.render(pack, plan.template, language, told, now=now)}
    task = None
    if plan.task:
        filled = {name: wording.show(pack, name, value, language, now=now) for name, value in _known(values).items()}
        plain = {name: _plain(value) for name, value in _known(values).items()}
        try:
            task = TaskRequest(
                skill=plan.task,
                args={**{arg: plain[name] for arg, name in plan.args.items()}, "contact": case.contact_id},
                key=plan.key.format_map(plain),
                summary=plan.summary.format_map(filled),
            )
        except KeyError as error:
            fix = "have the plan hold only where it is known"
            raise PackError(f"no value for {error.args[0]}", file="intents.yaml", rule=plan.task, fix=fix) from None
        if plan.failed:
            replies[ResultStatus.FAILED] = wording.render(pack, plan.failed, language, values, now=now)
    return Draft(
        id=DraftId(ids.new("drf")),
        case_id=case.id,
        language=language,
        template=plan.template,
        replies=replies,
        task=task,
        evidence=tuple(_evidence(case, picture, plan, values, language)),
        address=turn.to,
        resolves=plan.resolves,
        disposition=plan.disposition,
        decision=decision_id,
    )


def _evidence(case: Case, picture: Picture, plan: Plan, values: Mapping[str, Any], language: str) -> list[Evidence]:
    pack, now = tools.pack(), tools.now()
    found: list[Evidence] = []
    who = picture.who
    if who.contact is not None:
        known = (who.contact.name, who.contact.name.split()[0])
        found.append(
            Evidence(
                id=who.contact.id,
                kind="identity",
                title=who.contact.name,
                excerpt=f"Proved by {who.method}",
                source="identity",
                at=who.at or now,
                values=known,
            )
        )
    if "article" in values and "{answer}" in "".join(pack.template(plan.template).text.values()):
        article = pack.articles[str(values["article"])]
        found.append(
            Evidence(
                id=article.id,
                kind="article",
                title=article.title.get(language, article.id),
                excerpt=article.answer.get(language, ""),
                source=pack.profile.release,
                at=now,
            )
        )
    for reading in picture.readings.values():
        printed = _printed(pack, reading.values, language, now)
        slots = [wording.show(pack, "slot", slot, language, now=now) for slot in reading.values.get("slots", ())]
        found.append(
            Evidence(
                id=reading.name,
                kind="notice" if pack.tells_everybody(reading.name) else "reading",
                title=reading.name.replace("_", " ").capitalize(),
                excerpt=_excerpt(printed),
                source=reading.source,
                at=reading.read_at,
                values=(*printed.values(), *slots),
            )
        )
    ours = [wording.show(pack, "promise_time", values["promise_time"], language, now=now), f"#{case.number}"]
    found.append(
        Evidence(
            id="house",
            kind="house",
            title="What we may say of ourselves",
            excerpt=pack.profile.title,
            source=pack.profile.release,
            at=now,
            values=tuple(ours),
        )
    )
    return found


def _printed(pack: Pack, values: Mapping[str, Any], language: str, now: datetime) -> dict[str, str]:
    return {
        name: wording.show(pack, name, value, language, now=now)
        for name, value in sorted(values.items())
        if value is not None
        and not isinstance(value, list | dict)
        and not name.startswith(("minutes_to_", "minutes_since_"))
    }


def _excerpt(printed: Mapping[str, str]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in printed.items())


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, list)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
