"""What the desk would answer somebody it does not know, while every system is well: a look ahead that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from caseward.core.pack import Pack
from caseward.core.policy import Tier, decide
from caseward.core.ports import Brain


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """An answer that would go out by itself, or why none would."""

    language: str
    intent: str
    tier: Tier
    rules: tuple[str, ...]
    why: str
    near: tuple[str, ...]
    """Pages that may answer, the nearest first."""
    article: str = ""
    """The page that is cited; empty where nothing goes out by itself."""
    answer: str = ""
    title: str = ""


def foretell(pack: Pack, brain: Brain, text: str, language: str | None = None) -> Foretold:
    """Return the published answer that would go out by itself, or none, and say why.

    `language` is the one to answer in where the text is too short to tell.
    """
    seen = brain.understand(text, language=language)
    spoken = pack.language(seen.language)
    finding = brain.find(text, language=spoken)
    intent = pack.intents[seen.intent]
    facts: dict[str, Any] = {
        **seen.flags,
        "intent": seen.intent,
        "account_specific": intent.account_specific,
        "transactional": intent.transactional,
        "published_answer": finding.sure and not intent.account_specific,
        "identity": "unknown",
        "insists_unverified": False,
        "knowledge_contradiction": False,
        "degraded": frozenset(),
    }
    decision = decide(pack.policy, _known(pack, facts))
    told = Foretold(
        language=spoken,
        intent=seen.intent,
        tier=decision.tier,
        rules=tuple(decision.rules),
        why=finding.why,
        near=tuple(hit.article_id for hit in finding.hits),
    )
    if not decision.auto_send or not finding.sure:
        asked = f"held for {decision.hold}" if decision.hold else f"lane {decision.approval} is asked"
        by_rule = f"{seen.intent} is {decision.tier} ({', '.join(decision.rules) or 'no rule matches'}): {asked}"
        why = by_rule if finding.sure or intent.account_specific else f"{finding.why}; {by_rule}"
        return replace(told, why=why)
    article = pack.articles[finding.hits[0].article_id]
    return replace(told, article=article.id, answer=article.answer[spoken], title=article.title[spoken])


def _known(pack: Pack, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name in pack.policy.facts}
