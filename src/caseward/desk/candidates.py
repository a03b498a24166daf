"""Questions that no page answers, guesses, replies that people rewrote and exceptions they granted are gathered: each
may want a page (KB-4). Which belong together is told by the words they share, so that it comes out the same each time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from caseward.core.approval import Word
from caseward.core.checks import facts_of
from caseward.core.errors import BadInput, Conflict
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.text import clean, normalise
from caseward.core.understanding import UNCLEAR
from caseward.desk import tools
from caseward.store import candidates, log
from caseward.store.candidates import Candidate, Seen

AT_ONCE = 300
"""Decisions and verdicts that one look takes in."""
MOST_WORDS = 12
COMMON = 0.15
"""A word in more than this share of the pack's matters says nothing about any of them."""
ALIKE = 0.5
"""Share of the shorter question's words that two have in common when they ask the same."""
MAX_REASON = 2000
_WORD = re.compile(r"[^\W\d_]{3,}")


def gather() -> int:
    """Take in what was decided since the last look; return how many sightings that was.

    One process does it at a time.
    """
    at = candidates.progress()
    if at is None:
        return 0
    decided = candidates.decided(at[0], limit=AT_ONCE)
    judged = candidates.judged(at[1], limit=AT_ONCE)
    pack, found = tools.pack(), 0
    reasons = [*((each, _unanswered(pack, each)) for each in decided), *((each, _judged(each)) for each in judged)]
    for seen, why in reasons:
        words = topic(pack, seen.text) if why else ()
        if words:
            _sight(seen, words, why)
            found += 1
    if decided or judged:
        candidates.read_up_to(decided[-1].seq if decided else at[0], judged[-1].seq if judged else at[1])
    return found


def dismiss(candidate_id: int, *, person: str, reason: str) -> None:
    """Say that no page is wanted; raise BadInput without a reason, NotFound, Conflict where somebody decided before."""
    reason = clean(reason).strip()
    if not reason:
        raise BadInput("reason: say why, so that it can be understood later")
    if len(reason) > MAX_REASON:
        raise BadInput(f"reason: write at most {MAX_REASON} characters")
    _decide(candidate_id, "dismissed", person=person, reason=reason)


def drafted(candidate_id: int, *, person: str, release: str) -> None:
    """Say that a page was proposed for it, in a release; raises as `dismiss` does."""
    _decide(candidate_id, "drafted", person=person, release=release)


def topic(pack: Pack, text: str) -> tuple[str, ...]:
    """Return the words that a text is about, in order: without those that stand in many of the pack's matters."""
    common = _common(pack)
    words = dict.fromkeys(word for word in _WORD.findall(normalise(text)) if word not in common)
    return tuple(words)[:MOST_WORDS]


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two sets of topic words are about the same."""
    shared = len(set(one) & set(other))
    shorter = min(len(one), len(other))
    return shared > 0 and shared >= min(2, shorter) and shared / shorter >= ALIKE


def _unanswered(pack: Pack, seen: Seen) -> str:
    """Return why a decision shows that a page is missing, or nothing."""
    understood = seen.body.get("understanding") or {}
    known = {fact.name: fact.value for fact in facts_of(seen.body)}
    asks = pack.intents.get(str(understood.get("intent")))
    if asks is None or asks.account_specific or asks.transactional:
        return ""
    if asks.id == UNCLEAR or float(understood.get("confidence") or 0) < pack.profile.limits.confidence:
        return "unsure"
    return "unanswered" if known.get("published_answer") is False and seen.tier <= Tier.R1 else ""


def _judged(seen: Seen) -> str:
    """Return why a verdict shows that a page is missing, or nothing."""
    word = seen.body.get("verdict")
    if word == Word.EDIT:
        return "edited"
    return "exception" if word == Word.APPROVE and seen.tier is Tier.R3 else ""


def _sight(seen: Seen, words: tuple[str, ...], why: str) -> None:
    known = next((each for each in candidates.near(words) if alike(words, each.words)), None)
    id = known.id if known else candidates.open_new(words, language=seen.language, at=seen.at)
    candidates.sight(id, seen, why)


def _decide(candidate_id: int, state: str, *, person: str, reason: str = "", release: str = "") -> None:
    found: Candidate = candidates.get(candidate_id)
    if not candidates.decide(candidate_id, state, by=person, at=tools.now(), reason=reason, release=release):
        raise Conflict(f"this was {found.state} already")
    payload = {"candidate": candidate_id, "state": state, "count": found.count, "reason": reason, "of": release}
    log.append("candidate", person, payload, at=tools.now(), release=release)


_known: dict[str, frozenset[str]] = {}
"""Digest of the pack at work → its common words."""


def _common(pack: Pack) -> frozenset[str]:
    """Return the words that stand in many of the pack's matters."""
    known = _known.get(pack.digest)
    if known is None:
        matters = [each.asked_as.values() for each in pack.articles.values()]
        matters += [each.asked_as.values() for each in pack.intents.values()]
        said = [
            {word for texts in each for text in texts for word in _WORD.findall(normalise(text))} for each in matters
        ]
        counted = Counter(word for words in said for word in words)
        known = frozenset(word for word, number in counted.items() if number > COMMON * len(matters))
        _known.clear()
        _known[pack.digest] = known
    return known
