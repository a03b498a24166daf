"""The QA gate (SUP-6): every check of a draft is one small rule, and each must pass before anything is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from caseward.core.case import IdentityState
from caseward.core.pack import Pack, Words
from caseward.core.task import Draft
from caseward.core.text import alternatives, normalise, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is checked, and everything it may rest on."""

    draft: Draft
    text: str
    """The words about to be said: one of the draft's replies."""
    identity: IdentityState
    pack: Pack
    today: date
    """In the ops zone."""
    given: tuple[str, ...] = ()
    """What we may say of ourselves: promised times, the business's own name, offered times."""
    degraded: frozenset[str] = frozenset()
    by_person: bool = False
    """A person wrote or edited the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The outcome of one rule."""

    name: str
    ok: bool
    detail: str = ""


Rule = Callable[[Subject], str]
"""Returns what is wrong, in words, or nothing."""
RULES: dict[str, Rule] = {}


def rule(check: Rule) -> Rule:
    """Add a rule to the gate under its own name."""
    RULES[check.__name__.replace("_", " ")] = check
    return check


def review(subject: Subject) -> tuple[Check, ...]:
    """Return the outcome of every rule.

    The same words are reviewed when they are drafted and when they are said: what was found a moment ago is remembered.
    """
    global _lately
    for known, found in _lately:
        if known == subject:
            return found
    wrong = {name: check(subject) for name, check in RULES.items()}
    outcomes = tuple(Check(name=name, ok=not detail, detail=detail) for name, detail in wrong.items())
    _lately = ((subject, outcomes), *_lately[: MANY - 1])
    return outcomes


MANY = 8
"""More than are reviewed at the same time."""
_lately: tuple[tuple[Subject, tuple[Check, ...]], ...] = ()


@rule
def words_are_there(subject: Subject) -> str:
    """An empty reply says nothing."""
    return "" if subject.text.strip() else "there are no words to send; edit to write them"


@rule
def length_fits(subject: Subject) -> str:
    """A reply stays within the pack's length."""
    limit = subject.pack.voice.max_chars
    return "" if len(subject.text) <= limit else f"{len(subject.text)} characters; at most {limit}"


@rule
def template_is_approved(subject: Subject) -> str:
    """Words that no person wrote come from an approved template."""
    if subject.by_person:
        return ""
    template = subject.pack.templates.get(subject.draft.template)
    if template is None:
        return f"there is no template {subject.draft.template!r}"
    return "" if template.status == "approved" else f"template {template.id} is {template.status}"


@rule
def identity_is_verified(subject: Subject) -> str:
    """Nothing of an account is said, and no task is run, for somebody unproven."""
    touches = subject.draft.task is not None or any(each.kind in _OF_ACCOUNT for each in subject.draft.evidence)
    if touches and subject.identity is not IdentityState.VERIFIED:
        return f"identity is {subject.identity}"
    return ""


@rule
def pages_are_published(subject: Subject) -> str:
    """Only published pages in force inside the release are cited, in the words they have there."""
    for each in subject.draft.evidence:
        if each.kind == "article":
            article = subject.pack.articles.get(each.id)
            if article is None or not article.in_force(subject.today):
                return f"page {each.id} is not published in this release"
            if each.source != subject.pack.profile.release and each.excerpt not in article.answer.values():
                return f"page {each.id} was cited from release {each.source} and says something else now"
    return ""


@rule
def claims_have_evidence(subject: Subject) -> str:
    """What is said to be done or confirmed rests on a task's success or on what a system said."""
    if subject.draft.task is not None or any(each.kind in _OF_ACCOUNT for each in subject.draft.evidence):
        return ""
    supported = _plain(" ".join(each.excerpt for each in subject.draft.evidence))
    for found in _matches(subject, subject.pack.voice.promises):
        if found not in supported:
            return f"nothing shows that {found!r}"
    return ""


@rule
def figures_are_in_the_evidence(subject: Subject) -> str:
    """Figures, amounts, times, ids, addresses and links in the text occur in what it rests on, each as a whole."""
    known = set(FIGURE.findall(_sources(subject).casefold()))
    for figure in [*known]:
        if span := SPAN.fullmatch(figure):
            known.update(span.groups())
    return next(
        (f"{found!r} is in no source" for found in FIGURE.findall(subject.text.casefold()) if found not in known), ""
    )


@rule
def dates_are_in_the_evidence(subject: Subject) -> str:
    """A day, its month and its weekday stand together in what the text rests on: each alone would prove nothing."""
    each = tuple(subject.pack.lexicon.values())
    dated = _dated(
        tuple(name for lex in each for group in lex.months for name in group),
        tuple(name for lex in each for group in lex.weekdays for name in group),
    )
    if dated is None:
        return ""
    known = {part for match in dated.finditer(_plain(_sources(subject))) for part in (match[0], match[2])}
    found = (match[0] for match in dated.finditer(_plain(subject.text)))
    return next((f"{date!r} is in no source" for date in found if date not in known), "")


@rule
def nothing_forbidden_is_said(subject: Subject) -> str:
    """No promise outside policy, no blame, no internals: the pack's voice."""
    found = next(_matches(subject, subject.pack.voice.forbidden), "")
    return f"{found!r} is not said here" if found else ""


@rule
def no_internals_are_shown(subject: Subject) -> str:
    """Ids of ours, template places and markup never reach a contact."""
    found = INTERNAL.search(subject.text)
    return f"{found[0]!r} is ours, not the contact's" if found else ""


@rule
def systems_are_healthy(subject: Subject) -> str:
    """Nothing goes out that rests on a system which is unhealthy."""
    down = sorted({each.source for each in subject.draft.evidence if each.kind in _OF_SYSTEMS} & subject.degraded)
    return f"{', '.join(down)} is not healthy" if down else ""


_OF_ACCOUNT = frozenset({"reading", "result"})
_OF_SYSTEMS = _OF_ACCOUNT | {"notice"}

FIGURE = re.compile(
    r"https?://[^\s<>\"]*[^\s<>\".,;:!?*()'\]]"
    r"|[\w+•][\w.+•*-]*@[\w-]+\.[\w.-]*\w"
    r"|\b[a-z]{2,5}-\d[\w-]*"
    r"|\+?\d[\d.,:/-]*\d|\d"
)
"""A link without the punctuation that ends its sentence, an e-mail address, an id such as INV-2026-0412, or a run of
digits with its separators."""

SPAN = re.compile(r"(\d[\d.,:]*\d|\d)[-/](\d[\d.,:]*\d|\d)")
"""Two figures in one, such as 09:00-18:00; either may be said alone."""

INTERNAL = re.compile(
    r"\b(?:case|apv|drf|task|msg|conv|out|chat|tok)_[0-9a-z]{8,}|\{\w+\}|</?[A-Za-z][^>]*>|\bR[0-3]\b", re.ASCII
)


def _sources(subject: Subject) -> str:
    """Return everything that the text may rest on, a line for each."""
    return "\n".join(
        [*subject.given, *(value for each in subject.draft.evidence for value in (each.excerpt, *each.values))]
    )


def _matches(subject: Subject, patterns: Words) -> Iterator[str]:
    """Yield what of the text matches any of the patterns, whatever their language."""
    pattern = _any_of(tuple(each for of_language in patterns.values() for each in of_language))
    if pattern is not None:
        yield from (match[0] for match in pattern.finditer(_plain(subject.text)))


_plain = lru_cache(maxsize=64)(normalise)
"""A reply and its sources are looked at by several rules."""


@lru_cache(maxsize=8)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return alternatives(patterns, where="voice")


@lru_cache(maxsize=8)
def _dated(months: tuple[str, ...], weekdays: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds a day with its month and, where it stands there, its weekday."""
    month = words(months, where="lexicon, months")
    weekday = words(weekdays, where="lexicon, weekdays")
    if month is None:
        return None
    day = r"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.)?"
    before = f"(?:{weekday.pattern},? )?" if weekday else ""
    return re.compile(rf"({before})({day} (?:of |de )?{month.pattern}|{month.pattern} {day}(?![\d:.]))")
