"""What a search shows to one person: cases, contacts, messages, articles, people, each only if they may see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from caseward.core.case import CaseStatus
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import search
from caseward.store.people import Person
from caseward.web import masking, words

AROUND = 60
"""Characters of a message shown before and after the word that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """A stretch of a line; `found` where it is what was looked for."""

    text: str
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result."""

    href: str
    icon: str
    title: str
    aside: str = ""
    tier: Tier | None = None
    line: Sequence[Bit] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Results of one kind."""

    title: str
    results: Sequence[Found]


def sections(sought: str, *, pack: Pack, person: Person, each: int) -> list[Section]:
    """Return what a search finds for a person, `each` of a kind at most; kinds without a result are left out.

    On-call finds what an outside system holds up, as in the inbox; the administrator finds everything masked, and
    nobody by their number or address. Needs an open transaction.
    """
    status = str(CaseStatus.PENDING_VERIFICATION) if person.role is Role.ON_CALL else ""
    hidden = person.role is Role.ADMIN
    mask: Callable[[str, str], str] = (lambda name, text: masking.masker(name, pack)(text)) if hidden else _plain
    found = [
        Section(
            title="Cases",
            results=[
                Found(
                    href=f"/cases/{case.id}",
                    icon="message-circle",
                    title=_name(case.name, hidden),
                    aside=words.joined([f"#{case.number}", words.status(case.status)[0]]),
                    tier=case.tier,
                    line=[Bit(text=words.matter(pack, case.intent))],
                )
                for case in search.by_contact(sought, limit=each, exact=not hidden, status=status)
            ],
        ),
        Section(title="Contacts", results=_contacts(sought, person, each)),
        Section(
            title="Messages",
            results=[
                Found(
                    href=f"/cases/{said.case_id}",
                    icon="scroll-text" if said.kind == "note" else "send" if not said.inbound else "message-circle",
                    title=_name(said.name, hidden),
                    aside=f"#{said.number}",
                    line=excerpt(mask(said.name, said.text), sought),
                    at=said.at,
                )
                for said in search.messages(sought, limit=each, status=status)
            ],
        ),
        Section(title="Articles", results=_articles(sought, pack, each)),
        Section(title="People", results=_people(sought, person, each)),
    ]
    return [section for section in found if section.results]


def excerpt(text: str, sought: str) -> list[Bit]:
    """Return a line of the text around the first of the words that were looked for, with them marked."""
    text = " ".join(text.split())
    pattern = _pattern(sought)
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - AROUND) if first else 0
    end = (first.end() if first else 0) + AROUND
    cut = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    if pattern is None:
        return [Bit(text=cut)]
    bits, at = [], 0
    for match in pattern.finditer(cut):
        bits += [Bit(text=cut[at : match.start()]), Bit(text=match[0], found=True)]
        at = match.end()
    return [bit for bit in [*bits, Bit(text=cut[at:])] if bit.text]


def _pattern(sought: str) -> re.Pattern[str] | None:
    wanted = re.findall(r"\w+", sought)
    whole = [rf"\b{re.escape(word)}\b" for word in wanted[:-1]] + [rf"\b{re.escape(word)}\w*" for word in wanted[-1:]]
    return re.compile("|".join(whole), re.IGNORECASE) if whole else None


def _plain(_name: str, text: str) -> str:
    return text


def _name(name: str, hidden: bool) -> str:
    return (words.masked_name(name) if hidden else name) or words.NOBODY


def _contacts(sought: str, person: Person, each: int) -> list[Found]:
    if person.role is Role.ON_CALL:
        return []
    hidden = person.role is Role.ADMIN
    return [
        Found(
            href=f"/contacts/{contact.id}",
            icon="user-check",
            title=_name(contact.name, hidden),
            aside=f"{contact.cases} case{'' if contact.cases == 1 else 's'}",
        )
        for contact in search.contacts(sought, limit=each, exact=not hidden)
    ]


def _articles(sought: str, pack: Pack, each: int) -> list[Found]:
    """Return the articles that have every word in a title, those that begin with them first."""
    wanted = sought.casefold().split()
    titles: Mapping[str, str] = {id: " · ".join(dict.fromkeys(it.title.values())) for id, it in pack.articles.items()}
    fitting = [id for id, title in titles.items() if wanted and all(word in title.casefold() for word in wanted)]
    fitting.sort(key=lambda id: (not titles[id].casefold().startswith(wanted[0]), titles[id].casefold()))
    return [Found(href=f"/knowledge/articles/{id}", icon="book-open", title=titles[id]) for id in fitting[:each]]


def _people(sought: str, person: Person, each: int) -> list[Found]:
    def href(id: str) -> str:
        return (
            "/settings/people"
            if person.role is Role.ADMIN
            else f"/inbox?{urlencode({'view': 'all-open', 'owner': id})}"
        )

    return [
        Found(href=href(found.id), icon="users", title=found.name, aside=words.ROLES.get(found.role, found.role))
        for found in search.people(sought, limit=each)
        if person.role is not Role.ON_CALL
    ]
