"""What the files of a pack say of each other: whatever is named exists, in every language, with the same places."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from string import Formatter

from caseward.core.errors import PackError
from caseward.core.facts import FactKind
from caseward.core.knowledge import Article
from caseward.core.pack import Intent, Pack, Plan, Signal, Template, Words
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.packs import bounds, channels, filling, house, spoken, wording
from caseward.packs import skills as declared
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean

SPOKEN = {
    *("acknowledgement", "closing", "declined", "degraded", "greeting", "identity-locked", "identity-mismatch"),
    *("identity-request", "person-takes-over", "stalled", "thanks"),
}
"""Templates that the desk says by name, whatever the pack's plans say."""
MAY_SAY = {
    *("continues-by-email", "formal-verification", "message-too-long", "message-unreadable", "rating-request"),
    "rating-thanks",
}
"""Templates that the desk says by name where a pack has them."""


def check(pack: Pack, places: Places, *, skills: Collection[str]) -> Iterator[PackError]:
    """Yield everything that is named and does not exist, and everything that lacks a language or an owner."""
    yield from declared.check(pack, places, built_in=skills)
    yield from house.check(pack, places)
    yield from bounds.check(pack.profile, places)
    yield from channels.check(pack, places)
    yield from spoken.check(pack, places, by_name=SPOKEN | MAY_SAY)
    yield from filling.check(pack, places)
    skills = {*skills, *pack.skills}
    for name in sorted(SPOKEN - pack.templates.keys()):
        fix = f"write templates/{name}.yaml"
        yield PackError("the desk says this template, and it is missing", file=f"templates/{name}.yaml", fix=fix)
    for template in pack.templates.values():
        yield from _template(pack, template, places)
    for article in pack.articles.values():
        yield from _article(pack, article, places)
    for intent in pack.intents.values():
        yield from _intent(pack, intent, places, skills)
    for rule in pack.policy.rules:
        if rule.source and (rule.source not in pack.articles or pack.articles[rule.source].status != "published"):
            fix = did_you_mean(rule.source, (id for id, each in pack.articles.items() if each.status == "published"))
            file = places.rule_file(rule.id)
            yield places.entry(file, rule.id, f"source {rule.source!r} is no published page", at=("source",), fix=fix)
    for signal in pack.signals:
        yield from _signal(pack, signal, places)
    yield from _profile(pack, places, skills)
    yield from _patterns(pack.voice.forbidden, "voice.yaml", ("forbidden",), places)
    yield from _patterns(pack.voice.promises, "voice.yaml", ("promises",), places)


def _template(pack: Pack, template: Template, places: Places) -> Iterator[PackError]:
    file = f"templates/{template.id}.yaml"
    if not template.owner.strip():
        yield places.error(file, "nobody owns this template", at=("owner",), fix="name who keeps it up to date")
    if template.id in SPOKEN and template.status != "approved":
        message = f"the desk says this template, and it is {template.status}"
        yield places.error(file, message, at=("status",), fix="approve it: `status: approved`")
    yield from _languages(pack, template.text, file, ("text",), places)
    if template.choices:
        yield from _languages(pack, template.choices, file, ("choices",), places)
        if len({len(labels) for labels in template.choices.values()}) > 1:
            fix = "give every language the same choices, in the same order"
            yield places.error(file, "the languages do not offer equally many choices", at=("choices",), fix=fix)
    found = wording.places(template)
    for language, names in found.items():
        first = next(iter(found))
        if names != found[first]:
            odd = ", ".join(sorted(names ^ found[first]))
            message = f"{language} and {first} do not have the same places: {odd}"
            yield places.error(file, message, at=("text", language), fix="give every language the same {value} places")


def _article(pack: Pack, article: Article, places: Places) -> Iterator[PackError]:
    file = f"knowledge/{article.id}.yaml"
    if not article.owner.strip():
        yield places.error(file, "nobody owns this page", at=("owner",), fix="name who keeps it up to date")
    if article.review_days < 1:
        yield places.error(
            file, "this page is never reviewed", at=("review_days",), fix="give a number of days, 180 say"
        )
    for name in ("title", "answer"):
        yield from _languages(pack, getattr(article, name), file, (name,), places)


def _intent(pack: Pack, intent: Intent, places: Places, skills: Collection[str]) -> Iterator[PackError]:
    for name in intent.reads:
        if name not in skills:
            fix = did_you_mean(name, skills)
            yield places.entry("intents.yaml", intent.id, f"no skill reads {name!r}", at=("reads",), fix=fix)
    if not intent.plans:
        yield places.entry("intents.yaml", intent.id, "nothing is planned for it", fix="add a plan without `when`")
    elif intent.plans[-1].when:
        last, fix = len(intent.plans) - 1, "end the plans with one that has no `when`"
        message = "its last plan does not always hold"
        yield places.entry("intents.yaml", intent.id, message, at=("plans", last), fix=fix)
    for i, plan in enumerate(intent.plans):
        tiers = plan.when.get("tier", ())
        for tier in (tiers,) if isinstance(tiers, str) else tiers if isinstance(tiers, tuple) else ():
            if tier not in Tier.__members__:
                message, at = f"no tier is called {tier!r}", ("plans", i, "when", "tier")
                fix = did_you_mean(tier, Tier.__members__)
                yield places.entry("intents.yaml", intent.id, message, at=at, fix=fix)
        for part, message, fix in _plan(pack, plan, skills):
            yield places.entry("intents.yaml", intent.id, message, at=("plans", i, part), fix=fix)


def _plan(pack: Pack, plan: Plan, skills: Collection[str]) -> Iterator[tuple[str, str, str]]:
    approved = [id for id, each in pack.templates.items() if each.status == "approved"]
    for name in ("template", "ask", "failed", "acknowledge"):
        wanted = getattr(plan, name)
        if wanted and wanted not in approved:
            yield name, f"{wanted!r} is no approved template", did_you_mean(wanted, approved)
    if plan.task and plan.task not in skills:
        yield "task", f"no skill is called {plan.task!r}", did_you_mean(plan.task, skills)
    if plan.task and not plan.key:
        yield "task", "this action has no key, so that it might be done twice", "add `key:`, made of what it is about"
    for name in ("key", "summary"):
        if _fields(getattr(plan, name)) is None:
            yield name, f"{getattr(plan, name)!r} has a brace without its other half", "write places as {value}"
    if plan.task and plan.key and _fields(plan.key) == []:
        yield (
            "key",
            "every effect of this plan would have the same key",
            "put in what it is about, such as {session_id}",
        )
    if plan.needs and not plan.ask:
        yield "needs", "the contact has to choose, and is not asked", "add `ask:`, the template that offers the choice"


def _signal(pack: Pack, signal: Signal, places: Places) -> Iterator[PackError]:
    spec = pack.policy.facts.get(signal.fact)
    if signal.fact and (spec is None or spec.kind is not FactKind.BOOL):
        known = (name for name, each in pack.policy.facts.items() if each.kind is FactKind.BOOL)
        fix = did_you_mean(signal.fact, known)
        yield places.entry("signals.yaml", signal.id, f"no yes-or-no fact {signal.fact!r}", at=("fact",), fix=fix)
    if signal.floor and signal.floor not in pack.intents:
        fix = did_you_mean(signal.floor, pack.intents)
        yield places.entry("signals.yaml", signal.id, f"unknown intent {signal.floor!r}", at=("floor",), fix=fix)
    if not any(
        pattern.strip() for each in (signal.patterns, signal.always) for words in each.values() for pattern in words
    ):
        message, fix = "nothing ever fires it, and what it stands for counts as not so", "give it `patterns:`"
        yield places.entry("signals.yaml", signal.id, message, at=("patterns",), fix=fix)
    row = next(i for i, each in enumerate(pack.signals) if each is signal)
    for name in ("patterns", "unless", "always"):
        yield from _patterns(getattr(signal, name), "signals.yaml", (row, name), places, rule=signal.id)


def _profile(pack: Pack, places: Places, skills: Collection[str]) -> Iterator[PackError]:
    for name, lane in pack.profile.lanes.items():
        for i, role in enumerate(lane.roles):
            if role not in set(Role):
                fix = did_you_mean(role, map(str, Role))
                yield places.error("pack.yaml", f"unknown role {role!r}", at=("lanes", name, "roles", i), fix=fix)
        if lane.escalates_to and lane.escalates_to not in pack.profile.lanes:
            fix = did_you_mean(lane.escalates_to, pack.profile.lanes)
            message = f"unknown lane {lane.escalates_to!r}"
            yield places.error("pack.yaml", message, at=("lanes", name, "escalates_to"), fix=fix)
    for key, asked in (("releases", pack.profile.releases), ("promotion", pack.profile.promotion)):
        for name, each in asked.items():
            if each.lane not in pack.profile.lanes:
                fix = did_you_mean(each.lane, pack.profile.lanes)
                yield places.error("pack.yaml", f"unknown lane {each.lane!r}", at=(key, name, "lane"), fix=fix)
            elif not pack.profile.lanes[each.lane].roles and name not in (
                "knowledge",
                "templates",
                "language",
                "samples",
            ):
                message = f"nobody decides in the lane {each.lane}, and {name} is for people to decide"
                yield places.error("pack.yaml", message, at=(key, name, "lane"), fix="name a lane with roles")
    for name in pack.profile.freshness_minutes:
        if name not in skills:
            fix = did_you_mean(name, skills)
            yield places.error("pack.yaml", f"no skill reads {name!r}", at=("freshness_minutes", name), fix=fix)


def _languages(pack: Pack, texts: Iterable[str], file: str, at: tuple[str, ...], places: Places) -> Iterator[PackError]:
    for language in pack.profile.languages:
        if language not in texts:
            fix = f"add `{language}:`, or take it out of `languages` in pack.yaml"
            yield places.error(file, f"{at[0]} does not speak {language}", at=at, fix=fix)


def _patterns(
    words: Words, file: str, at: tuple[str | int, ...], places: Places, *, rule: str = ""
) -> Iterator[PackError]:
    for language, patterns in words.items():
        for i, pattern in enumerate(patterns):
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"{pattern!r} is not a regular expression: {error}"
                yield places.error(file, message, at=(*at, language, i), rule=rule, fix="mend the pattern")


def _fields(text: str) -> list[str] | None:
    """Return the names of a text's `{value}` places, None where they cannot be told."""
    try:
        return [name for _before, name, _spec, _conversion in Formatter().parse(text) if name]
    except ValueError:
        return None
