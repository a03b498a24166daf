"""Ids of mails and addresses: made so that they are found again, and read so that nothing odd comes of them.

A mail of ours is `<case.1234.KEY@domain>`, or `<caseward.KEY@domain>` without a case; KEY is a digest of the outbox
key, so a repeat has the same id and a search for the key alone finds it.
"""

from __future__ import annotations

import base64
import hashlib
import re

NAME = "email"
ID_LENGTH = 400
"""A longer Message-ID is none: servers cut it, and an index would not hold it."""

_ID = re.compile(r"<([^<>\s@]+@[^<>\s@]+)>")
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_HOST = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")
_OURS = re.compile(r"<(?:case\.(?P<case>\d{1,12})|caseward)\.[a-z2-7]{26}@(?P<domain>[^>]+)>")
_SUBJECT = re.compile(r"\[#(\d{1,12})\]")


def key_digest(key: str) -> str:
    """Return the part of a Message-ID that says which parcel it is: 26 letters and digits."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest()[:16]).decode().rstrip("=").lower()


def own_id(key: str, case: str, domain: str) -> str:
    """Return the Message-ID of the mail that goes out under `key`: always the same for the same arguments."""
    return f"<{f'case.{case}' if case.isdecimal() else 'caseward'}.{key_digest(key)}@{domain}>"


def is_ours(message_id: str, domain: str) -> bool:
    """Return whether a Message-ID has the form of those made here."""
    found = _OURS.fullmatch(message_id)
    return found is not None and found["domain"].lower() == domain


def case_of(ids: list[str], subject: str, domain: str) -> str:
    """Return the case that a mail names: by the ids it answers, the nearest first, else by the mark in its subject."""
    for each in ids:
        found = _OURS.fullmatch(each)
        if found and found["case"] and found["domain"].lower() == domain:
            return found["case"].lstrip("0")
    marks = _SUBJECT.findall(subject)
    return str(marks[-1]).lstrip("0") if marks else ""


def marked(subject: str, case: str) -> str:
    """Return a subject that names the case."""
    mark = f"[#{case}]"
    return subject if not case or mark in subject else f"{subject} {mark}".strip()


def ids(header: str) -> list[str]:
    """Return the Message-IDs of a header, as they stand, without repeats; those of an odd form are left out."""
    return list(dict.fromkeys(f"<{each}>" for each in _ID.findall(header) if len(each) < ID_LENGTH))


def address(text: str) -> str:
    """Return a plain address in lower case, its domain as DNS knows it; empty for what is none.

    The part before the @ is put in lower case too: no server in use tells `Ana@` from `ana@`, and people mix them.
    """
    local, at, domain = text.strip().rpartition("@")
    host = _host(domain)
    plain = _LOCAL.fullmatch(local) and not local.startswith(".") and not local.endswith(".") and ".." not in local
    return f"{local.lower()}@{host}" if at and host and plain else ""


def domain_of(mail_address: str) -> str:
    """Return what stands after the @."""
    return mail_address.rpartition("@")[2]


def _host(domain: str) -> str:
    name = domain.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return name if _HOST.fullmatch(name) else ""
