"""What is found by its words: cases, contacts, messages and people, by PostgreSQL's own full-text search.

Words are compared as they are written, in any language; the last one may be unfinished. Each search reads a bounded
number of rows, the newest first, so that it is quick however much is stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.store import db

MOST = 500
"""Cases a search finds at most."""
LONGEST = 100
"""Characters of a search; what stands behind them is not looked for."""
LATELY = 500
"""Messages, the newest, that are looked through before the index is asked."""
SAID = 5000
"""Messages with the words in them that are put in order."""
NAMED = 200
"""Contacts of one name that a search looks at."""
FEWEST_DIGITS = 6
"""A number this long may be somebody's; a shorter one is a case's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFound:
    """A case, by its number or by whose it is."""

    id: str
    number: int
    name: str
    """Empty for somebody not identified."""
    status: CaseStatus
    tier: Tier | None
    intent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFound:
    """A message of a case in which the words stand."""

    id: str
    case_id: str
    number: int
    name: str
    author: str
    kind: str
    inbound: bool
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFound:
    """Somebody outside, by name, or by an address or a number given whole."""

    id: str
    name: str
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFound:
    """Somebody of the house."""

    id: str
    name: str
    role: str


def cases(words: str, limit: int = MOST) -> Sequence[str]:
    """Return the ids of the cases, open or done, that answer a search: its number, its contact, its words.

    The newest of each come first, and none twice. Without a word or a number nothing is found.
    """
    given = _given(words)
    if given is None:
        return []
    of_contacts = [each.id for each in _cases(given, limit, exact=True, status="")]
    said = [row.case_id for row in _said(given, limit, status="")]
    return list(dict.fromkeys([*of_contacts, *said]))[:limit]


def by_contact(words: str, *, limit: int, exact: bool = True, status: str = "") -> Sequence[CaseFound]:
    """Return the cases of that number or of a contact with that name, the newest first.

    Args:
        words: what was typed.
        limit: how many at most.
        exact: whether an address or a number given whole finds its contact's cases too.
        status: the only status that counts; empty for any.
    """
    given = _given(words)
    return [] if given is None else _cases(given, limit, exact=exact, status=status)


def messages(words: str, *, limit: int, status: str = "") -> Sequence[MessageFound]:
    """Return the newest messages and notes in which the words stand, one a case; `status` as in `by_contact`."""
    given = _given(words)
    if given is None:
        return []
    newest: dict[str, Any] = {}
    for row in _said(given, limit * 4, status=status):
        newest.setdefault(row.case_id, row)
    return [
        MessageFound(
            id=row.id,
            case_id=row.case_id,
            number=row.number,
            name=row.name or "",
            author=row.author,
            kind=row.kind,
            inbound=row.inbound,
            text=row.text,
            at=row.at,
        )
        for row in list(newest.values())[:limit]
    ]


def contacts(words: str, *, limit: int, exact: bool = True) -> Sequence[ContactFound]:
    """Return contacts by name, or by an address or a number given whole."""
    given = _given(words)
    if given is None:
        return []
    rows = db.run(_CONTACTS, {"who": _who(given, exact=exact), "limit": limit})
    return [ContactFound(id=row.id, name=row.name, cases=row.cases) for row in rows]


def latest_contacts(*, limit: int) -> Sequence[ContactFound]:
    """Return the contacts of the newest cases, the newest first, each once; looks at some hundred cases."""
    rows = db.run(_LATEST_CONTACTS, {"limit": limit, "most": limit * 4})
    return [ContactFound(id=row.id, name=row.name, cases=row.cases) for row in rows]


_LATEST_CONTACTS = """
    with newest as (select contact_id, number from cases order by number desc limit %(most)s),
    met as (
        select contact_id, max(number) as number from newest where contact_id is not null
        group by contact_id order by 2 desc limit %(limit)s
    )
    select contacts.id, contacts.name, (select count(*) from cases where cases.contact_id = contacts.id) as cases
    from met join contacts on contacts.id = met.contact_id
    order by met.number desc
"""


def people(words: str, *, limit: int) -> Sequence[PersonFound]:
    """Return the people of the house whose name has every word in it and who are not disabled."""
    wanted = [f"%{_plain(each)}%" for each in words[:LONGEST].split()]
    if not wanted:
        return []
    rows = db.run(_PEOPLE, {"wanted": wanted, "limit": limit})
    return [PersonFound(id=row.id, name=row.name, role=row.role) for row in rows]


def _cases(given: dict[str, Any], limit: int, *, exact: bool, status: str) -> Sequence[CaseFound]:
    rows = db.run(_CASES, {**given, "who": _who(given, exact=exact), "status": status, "limit": limit})
    return [
        CaseFound(
            id=row.id,
            number=row.number,
            name=row.name or "",
            status=CaseStatus(row.status),
            tier=None if row.tier is None else Tier(row.tier),
            intent=row.intent,
        )
        for row in rows
    ]


def _said(given: dict[str, Any], limit: int, *, status: str) -> Sequence[Any]:
    """Return the newest messages in which the words stand, of different cases or not.

    What stands in every message is found among the newest, what is rare by the index: neither reads many rows.
    """
    if not given["query"]:
        return []
    asked = {**given, "status": status, "limit": limit, "lately": LATELY, "most": SAID}
    if status:
        return db.run(_SAID_IN, asked).fetchall()
    found = db.run(_SAID_LATELY, asked).fetchall()
    return found if len(found) >= limit else db.run(_SAID, asked).fetchall()


def _who(given: dict[str, Any], *, exact: bool) -> Sequence[str]:
    """Return the ids of contacts: those with exactly that address or number, then those of that name."""
    found = [row.id for row in db.run(_EXACTLY, given)] if exact else []
    if given["query"]:
        found += [row.id for row in db.run(_NAMED, {**given, "most": NAMED})]
    return list(dict.fromkeys(found))


def _given(words: str) -> dict[str, Any] | None:
    """Return what the searches compare with, or None where there is nothing to look for."""
    typed = words.replace("\0", "")[:LONGEST].strip()
    number = typed.removeprefix("#")
    digits = re.sub(r"[^0-9]", "", typed) if re.fullmatch(r"[+0-9 ()./-]+", typed) else ""
    query = "" if typed.startswith("#") else db.run(_QUERY, {"words": typed}).fetchall()[0].query
    if not query and not digits and not number.isdecimal():
        return None
    long = digits if len(digits) >= FEWEST_DIGITS else None
    return {
        "query": query or None,
        "number": int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else -1,
        "address": typed.lower(),
        "digits": long,
        "ending": long[-9:] if long else None,
    }


def _plain(word: str) -> str:
    return word.replace("\0", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_QUERY = """
    select case when numnode(plain) > 0 then plain::text || ':*' else '' end as query
    from plainto_tsquery('simple', %(words)s) as plain
"""

# National or international, a number ends the same; the last nine digits are what is compared.
_EXACTLY = """
    select id from contacts where email <> '' and lower(email) = %(address)s
    union
    select id from contacts where phone <> '' and right(regexp_replace(phone, '[^0-9]', '', 'g'), 9) = %(ending)s::text
    union
    select contact_id from identities
    where address = any(array[%(address)s, %(digits)s, '+' || %(digits)s]::text[])
"""
_NAMED = """
    select id from contacts where to_tsvector('simple'::regconfig, name) @@ %(query)s::tsquery limit %(most)s
"""
_CASES = """
    select cases.id, cases.number, contacts.name, cases.status, cases.tier, cases.intent
    from (
        select id from cases where number = %(number)s
        union
        select of_them.id from unnest(%(who)s::text[]) as who(id)
        cross join lateral (select id from cases where contact_id = who.id order by number desc limit 20) as of_them
    ) as found
    join cases on cases.id = found.id
    left join contacts on contacts.id = cases.contact_id
    where %(status)s = '' or cases.status = %(status)s
    order by cases.number = %(number)s desc, cases.number desc
    limit %(limit)s
"""
_CONTACTS = """
    select contacts.id, contacts.name, (select count(*) from cases where cases.contact_id = contacts.id) as cases
    from unnest(%(who)s::text[]) with ordinality as who(id, place) join contacts on contacts.id = who.id
    order by who.place limit %(limit)s
"""
_SAID_LATELY = """
    select said.id, said.case_id, said.author, said.kind, said.inbound, said.text, said.at, cases.number, contacts.name
    from (select * from messages where case_id is not null order by seq desc limit %(lately)s) as said
    join cases on cases.id = said.case_id
    left join contacts on contacts.id = cases.contact_id
    where to_tsvector('simple'::regconfig, left(said.text, 20000)) @@ %(query)s::tsquery
    order by said.seq desc limit %(limit)s
"""
_SAID = """
    with found as materialized (
        select seq, case_id from messages
        where to_tsvector('simple'::regconfig, left(text, 20000)) @@ %(query)s::tsquery and case_id is not null
        limit %(most)s
    ), newest as materialized (select seq, case_id from found order by seq desc limit %(limit)s)
    select said.id, said.case_id, said.author, said.kind, said.inbound, said.text, said.at, cases.number, contacts.name
    from newest
    join messages as said on said.seq = newest.seq
    join cases on cases.id = newest.case_id
    left join contacts on contacts.id = cases.contact_id
    order by newest.seq desc
"""
_SAID_IN = """
    select said.id, said.case_id, said.author, said.kind, said.inbound, said.text, said.at, cases.number, contacts.name
    from cases
    join messages as said on said.case_id = cases.id
    left join contacts on contacts.id = cases.contact_id
    where cases.status = %(status)s
        and to_tsvector('simple'::regconfig, left(said.text, 20000)) @@ %(query)s::tsquery
    order by said.seq desc limit %(limit)s
"""
_PEOPLE = """
    select id, name, role from people
    where not disabled and name ilike all(%(wanted)s) order by name, id limit %(limit)s
"""
