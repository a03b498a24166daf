"""What is asked, and the facts that policy needs to decide it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from caseward.core.case import Case, IdentityState, Who
from caseward.core.entities import blank, shapes
from caseward.core.errors import SystemDown
from caseward.core.facts import Value
from caseward.core.ids import ContactId
from caseward.core.knowledge import Finding
from caseward.core.messages import Understanding
from caseward.core.task import ResultStatus
from caseward.core.turn import ASK_IDENTITY, ASK_SLOT, SLOT, Fact, Picture, Reading, Turn
from caseward.desk import tools
from caseward.store import cases, context, log, running

PROBE_AFTER = timedelta(minutes=1)
"""A system that failed is asked again after this, so that degraded mode ends by itself."""
AUTO = "auto"


def understand(case: Case, turn: Turn, *, again: bool = False) -> Understanding:
    """Return what the turn means, in the light of what we asked before.

    An answer to our question keeps the matter it belongs to, its language and what the detectors found in it; so does a
    turn that is worked `again`.
    """
    seen = tools.brain().understand(turn.text, language=case.language or None)
    if turn.picked and case.language:  # what stands on a button is our words
        seen = replace(seen, language=case.language)
    pending = case.pending
    picked = pending.get("ask") == ASK_SLOT and turn.picked.startswith(SLOT)
    if pending.get("intent") and (again or picked or _answers(pending, seen, turn.text)):
        intent = tools.pack().intents[pending["intent"]]
        seen = replace(
            seen,
            intent=intent.id,
            category=intent.category,
            confidence=1.0,
            language=case.language or seen.language,
            flags={**seen.flags, **dict.fromkeys(pending.get("flags", ()), True)},
            severity=min(seen.severity, pending.get("severity", seen.severity)),
            entities=_with_earlier(turn, seen, pending),
        )
    log.of_case(
        case,
        "triage",
        "B",
        {
            "intent": seen.intent,
            "category": seen.category,
            "severity": seen.severity,
            "sentiment": seen.sentiment,
            "language": seen.language,
            "signals": list(seen.signals),
            "confidence": round(seen.confidence, 3),
            "turn": turn.number,
        },
        at=tools.now(),
    )
    return seen


def _with_earlier(turn: Turn, seen: Understanding, pending: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return what the turn names, with what of the pack's own entities was named before we asked; the latest first.

    Where we asked which one is meant, the answer stands alone.
    """
    before = tools.brain().understand(turn.earlier).entities if turn.earlier else {}
    named = dict(seen.entities)
    for kind in tools.pack().entities:
        if not (named.get(kind) and pending.get("ask") == ASK_SLOT):
            values = tuple(dict.fromkeys((*named.get(kind, ()), *before.get(kind, ()))))
            named |= {kind: values} if values else {}
    proofs = tools.pack().profile.identity.fields
    if pending.get("ask") == ASK_IDENTITY and any(seen.entities.get(name) for name in proofs):
        # Proofs may come one message at a time; each counts as it was given last.
        latest = {name: (*seen.entities.get(name, ()), *reversed(before.get(name, ()))) for name in proofs}
        named |= {name: values for name, values in latest.items() if values}
    return named


def _answers(pending: Mapping[str, Any], seen: Understanding, text: str) -> bool:
    if any(signal.floor for signal in tools.pack().signals if signal.id in seen.signals):
        return False
    if _is_bare(text, seen):
        return True
    if pending.get("ask") == ASK_IDENTITY:
        proofs = tools.pack().profile.identity.fields
        return any(seen.entities.get(name) for name in proofs) or seen.intent == "other"
    return pending.get("ask") == ASK_SLOT and _goes_on(pending["intent"], seen.intent)


def _goes_on(asked: str, heard: str) -> bool:
    """Return whether words that sound like `heard` may answer a question about `asked`: nothing else is wanted."""
    intents = tools.pack().intents
    alike = intents[heard].category == intents[asked].category and not intents[heard].transactional
    return heard in (asked, "other") or alike


def _is_bare(text: str, seen: Understanding) -> bool:
    """Return whether a text is nothing but numbers, addresses and the like: it belongs to what was said before."""
    text = blank(" ".join(text.lower().split()), shapes(tools.pack().entities))
    for values in seen.entities.values():
        for value in values:
            text = text.replace(value, " ")
    return not re.search(r"[^\W\d_]{3,}", text)


def small_talk(text: str, *, settled: bool) -> str:
    """Return `greeting` or `thanks` when the text is nothing but courtesies; empty otherwise.

    Once the matter is `settled`, to say that one has read the answer is a thank-you too; before, it may be an answer.
    """
    kinds = [("thanks", "thanks"), ("greetings", "greeting"), *([("heard", "thanks")] if settled else ())]
    rest, found = text.casefold(), ""
    for kind, template in kinds:
        for lexicon in tools.pack().lexicon.values():
            for word in getattr(lexicon, kind):
                shorter = re.sub(rf"(?<!\w)(?:{word})(?!\w)", " ", rest)
                found = found or (template if shorter != rest else "")
                rest = shorter
    return "" if re.search(r"\w", rest) else found


def collect(case: Case, turn: Turn, seen: Understanding, who: Who) -> Picture:
    """Return the picture that the gate decides on; nothing of an account is read unless identity is verified."""
    pack, now = tools.pack(), tools.now()
    intent = pack.intents[seen.intent]
    finding = tools.brain().find(turn.text, language=seen.language)
    degraded = {name for name, health in running.systems().items() if health.degraded}
    heard: dict[str, str] = {}
    proven = who.contact.id if who.contact is not None and who.state is IdentityState.VERIFIED else None
    readings = _readings(case, proven, intent.reads, seen.entities, degraded, heard)
    values = {key: value for reading in readings.values() for key, value in reading.values.items()}
    facts: dict[str, Fact] = {}

    def know(name: str, value: Value, source: str, at: datetime = now) -> None:
        if name in pack.policy.facts:
            facts[name] = Fact(name=name, value=pack.policy.facts[name].parse(value), source=source, at=at)

    for name, flag in seen.flags.items():
        know(name, flag, "detectors")
    know("knowledge_contradiction", False, "knowledge")
    know("intent", seen.intent, "triage")
    know("account_specific", intent.account_specific, "triage")
    know("transactional", intent.transactional, "triage")
    know("published_answer", _is_answered(finding) and not intent.account_specific, "knowledge")
    know("identity", str(who.state), "identity", who.at or now)
    know("insists_unverified", who.insists, "identity")
    know("degraded", frozenset(degraded & set(pack.profile.systems)), "health")
    know("attachment", any(message.kind == "media" for message in turn.messages), "channel")
    facts |= _facts_of(case, readings, now)
    for fact in facts.values():
        if fact.source in pack.profile.systems:
            log.of_case(
                case,
                "fact",
                "C",
                {"name": fact.name, "value": fact.value, "source": fact.source, "read_at": fact.at},
                at=now,
            )
    return Picture(
        understanding=seen,
        finding=finding,
        who=who,
        facts=facts,
        values=values,
        readings=readings,
        degraded=frozenset(degraded),
        heard=heard,
    )


def _is_answered(finding: Finding) -> bool:
    """Return whether one published page that is in force today surely answers."""
    if not finding.sure:
        return False
    article = tools.pack().articles[finding.hits[0].article_id]
    return article.in_force(tools.now().astimezone(tools.pack().hours.zone).date())


def refresh(case: Case, who: Who, decision_id: int) -> Picture:
    """Return the picture of a decision with every system read anew, just before an effect."""
    pack, now = tools.pack(), tools.now()
    body = cases.decision(case.id, decision_id) or {"facts": [], "understanding": {}}
    named = {kind: tuple(values) for kind, values in body["understanding"].get("named", {}).items()}
    intent = body["understanding"].get("intent", case.intent)
    degraded = {name for name, health in running.systems().items() if health.degraded}
    heard: dict[str, str] = {}
    reads = pack.intents[intent].reads if intent in pack.intents else ()
    read_anew = {tools.skill(name).system for name in reads}
    contact_id = who.contact.id if who.contact is not None else None
    if contact_id is not None:
        context.drop(contact_id)
    readings = _readings(case, contact_id, reads, named, degraded, heard)
    specs = pack.policy.facts
    facts = {
        each["name"]: Fact(
            name=each["name"],
            value=specs[each["name"]].parse(each["value"]),
            source=each["source"],
            at=datetime.fromisoformat(each["at"]),
        )
        for each in body["facts"]
        if each["name"] in specs and each["source"] not in read_anew
    }
    facts["identity"] = Fact(name="identity", value=str(who.state), source="identity", at=now)
    down = frozenset(degraded & set(pack.profile.systems))
    facts["degraded"] = Fact(name="degraded", value=down, source="health", at=now)
    facts |= _facts_of(case, readings, now)
    return Picture(
        understanding=Understanding(
            intent=intent,
            category=case.category,
            severity=case.severity,
            sentiment="neutral",
            language=case.language,
            entities=named,
            signals=(),
            confidence=1.0,
        ),
        finding=Finding(hits=(), sure=False, why="not searched"),
        who=who,
        facts=facts,
        values={key: value for reading in readings.values() for key, value in reading.values.items()},
        readings=readings,
        degraded=frozenset(degraded),
        heard=heard,
    )


def _facts_of(case: Case, readings: Mapping[str, Reading], now: datetime) -> dict[str, Fact]:
    """Return what readings say of the pack's facts; `minutes_to_x` and `minutes_since_x` are counted from the reading's
    `x_at`, now. What says no such thing leaves its fact unknown, and is logged."""
    specs = tools.pack().policy.facts
    facts: dict[str, Fact] = {}

    def know(name: str, raw: object, reading: Reading, at: datetime) -> None:
        value = specs[name].told(raw)
        if value is None:
            what = f"{reading.name} says {raw!r:.60}, and {name} is {specs[name].allowed()}: it counts as unknown"
            log.of_case(case, "error", "house", {"what": what}, at=now)
        else:
            facts[name] = Fact(name=name, value=value, source=reading.source, at=at)

    for reading in readings.values():
        for key, value in reading.values.items():
            if value is not None and key in specs:
                know(key, value, reading, reading.read_at)
            since = _since(value, now) if key.endswith("_at") else None
            if since is not None:
                name = key.removesuffix("_at")
                for counted, span in ((f"minutes_to_{name}", -since), (f"minutes_since_{name}", since)):
                    if counted in specs:
                        know(counted, span // timedelta(minutes=1), reading, now)
    return facts


def _since(value: object, now: datetime) -> timedelta | None:
    """Return the time since an instant of ISO form, negative while it is ahead; None for anything else."""
    try:
        return now - datetime.fromisoformat(str(value))
    except (ValueError, TypeError):
        return None


def _may_probe(health: running.Health | None, now: datetime) -> bool:
    """Return whether a system that failed by itself may be asked again; what a person declared is theirs to end."""
    return health is not None and health.by == AUTO and now - health.since >= PROBE_AFTER


def _readings(
    case: Case,
    contact_id: ContactId | None,
    reads: Sequence[str],
    named: Mapping[str, tuple[str, ...]],
    degraded: set[str],
    heard: dict[str, str],
) -> dict[str, Reading]:
    """Return what the systems say, in the order asked; to nobody proven only what is about nobody."""
    readings: dict[str, Reading] = {}
    for name in reads:
        if contact_id is not None or tools.pack().tells_everybody(name):
            reading = _read(case, contact_id, name, _meant(name, named, readings), degraded, heard)
            if reading is not None:
                readings[name] = reading
    return readings


def _read(
    case: Case,
    contact_id: ContactId | None,
    name: str,
    args: Mapping[str, Any],
    degraded: set[str],
    heard: dict[str, str],
) -> Reading | None:
    """Return a reading, from the contact's context while it is fresh, else through the skill; None when it failed.

    What is read of a record that `args` name is not kept: the next message may mean another one.
    """
    now, pack = tools.now(), tools.pack()
    kept = None if args or contact_id is None else context.fresh(contact_id, now).get(name)
    if kept is not None:
        return kept
    skill = tools.skill(name)
    if skill.system in degraded and not _may_probe(running.systems().get(skill.system), now):
        return None
    try:
        result = skill.run({"contact": contact_id, **args}, key=f"read:{case.id}:{name}", now=now)
    except SystemDown as down:
        degraded.add(skill.system)
        heard[skill.system] = str(down)
        return None
    degraded.discard(skill.system)
    heard.setdefault(skill.system, "")
    if result.status is not ResultStatus.SUCCESS:
        return None
    minutes = pack.profile.freshness_minutes.get(name, 0)
    reading = Reading(
        name=name,
        values=dict(result.values),
        source=skill.system,
        read_at=now,
        expires_at=now + timedelta(minutes=minutes),
        revision=int(now.timestamp() * 1000),
    )
    if not args and contact_id is not None:
        context.keep(contact_id, reading)
    return reading


def _meant(name: str, named: Mapping[str, tuple[str, ...]], earlier: Mapping[str, Reading]) -> Mapping[str, Any]:
    """Return which record a declared reading is to look at: one that the contact named, or that was read before it."""
    declared = tools.pack().skills.get(name)
    look = declared.reads if declared else None
    if look is None:
        return {}
    if look.of:
        return {look.of: [each.values[look.of] for each in earlier.values() if look.of in each.values]}
    return {look.named: list(named[look.named])} if named.get(look.named) else {}
