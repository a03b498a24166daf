"""Whether a mail is from whom it says: what our own server found, never what the mail says of itself (RFC 8601).

Only `Authentication-Results` under the name of our own server count, and of those only the topmost: a server puts its
own above what came along, and whatever stands below may have been written by the sender. The mail is authentic when
DMARC passed for the domain of its From line; where DMARC had nothing to say, when DKIM or SPF passed for a domain of
the same organisation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from functools import cache

from publicsuffixlist import PublicSuffixList

from caseward.adapters.channels import _email_headers as headers
from caseward.adapters.channels import _email_ids as mail_ids

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s;="]+|[;=]|"')
_SILENT = frozenset({"none", "temperror", "permerror", "bestguesspass"})
"""What DMARC says where the domain has no policy, or none could be read."""


@dataclass(slots=True)
class Finding:
    """One method's result, with the properties it was found for."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def authentic(mail: Message, author: headers.Author, trusted: str) -> bool:
    """Return whether the server named `trusted` found that the domain of the From line sent it."""
    if not trusted or not author.sole:
        return False
    findings = _findings(mail, trusted.lower())
    domain = mail_ids.domain_of(author.address)
    policy = [each for each in findings if each.method == "dmarc"]
    if any(each.result not in _SILENT for each in policy):
        return all(_of_policy(each, domain) for each in policy)
    return any(_aligned(each, domain) for each in findings)


def same_organisation(one: str, other: str) -> bool:
    """Return whether two domains belong to one registrant, as the list of public suffixes has it."""
    return bool(one) and (one == other or (_registered(one) != "" and _registered(one) == _registered(other)))


def _of_policy(finding: Finding, domain: str) -> bool:
    return finding.result == "pass" and finding.properties.get("header.from", "").lower() == domain


def _aligned(finding: Finding, domain: str) -> bool:
    if finding.result != "pass":
        return False
    properties = finding.properties
    if finding.method == "dkim":
        signed = properties.get("header.d") or properties.get("header.i", "")
    elif finding.method == "spf":
        signed = properties.get("smtp.mailfrom") or properties.get("smtp.mail", "")
    else:
        return False
    return same_organisation(signed.rpartition("@")[2].lower().rstrip("."), domain)


def _findings(mail: Message, trusted: str) -> list[Finding]:
    for value in headers.raw(mail, "authentication-results"):
        plain = _without_comments(value)
        name, _, rest = (plain or "").partition(";")
        if name.lower().split()[:1] in ([trusted], [f'"{trusted}"']):
            return _read(rest)
        if plain is None and trusted in value.lower():
            return []  # ours or forged: it cannot be told, so what stands below it is not asked either
    return []


def _read(text: str) -> list[Finding]:
    """Return the results of a header: `method[/version]=result property=value ...` with `;` between."""
    findings: list[Finding] = []
    pieces = _PIECE.findall(text)
    fresh = True
    for place, piece in enumerate(pieces):
        if piece == ";":
            fresh = True
        elif piece == "=" and 0 < place < len(pieces) - 1:
            name, value = pieces[place - 1].lower(), pieces[place + 1].strip('"')
            if fresh:
                findings.append(Finding(name.partition("/")[0], value.lower()))
                fresh = False
            else:
                findings[-1].properties.setdefault(name, value)
    return findings


def _without_comments(value: str) -> str | None:
    """Return a header without what stands in round brackets, which may nest; those inside quotes are words.

    None for one whose brackets or quotes do not close: no server writes that.
    """
    kept, depth, quoted, escaped = [], 0, False, False
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif depth == 0 and char == '"':
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
        elif not quoted and char == ")" and depth:
            depth -= 1
            kept.append(" ")
            continue
        if depth == 0:
            kept.append(char)
    return None if depth or quoted else "".join(kept)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _registered(domain: str) -> str:
    return _suffixes().privatesuffix(domain) or ""
