"""Mails written: plain words in UTF-8, headers that thread, nothing of which a header could be made by accident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime
from typing import Any

from caseward.adapters.channels import _email_ids as mail_ids
from caseward.core.errors import Undeliverable
from caseward.core.messages import Choice, Reply
from caseward.core.text import clean

THREAD = 20
"""Ids of earlier mails that a mail names: its first and its last ones, as RFC 5322 advises for long threads."""
SUBJECT_LENGTH = 200


def payload(reply: Reply) -> dict[str, Any]:
    """Return a reply as it is kept until it is sent; JSON."""
    return {
        "subject": _subject(reply),
        "text": "\n\n".join([reply.text, *_offered(reply.choices)]),
        "reply_to": reply.reply_to,
        "thread": list(reply.thread),
        "case": reply.case,
    }


def mail(address: str, message: Mapping[str, Any], *, sender: str, message_id: str) -> bytes:
    """Return the mail that says a payload, as it travels. Raise Undeliverable where the address is none."""
    to = mail_ids.address(address)
    if not to:
        raise Undeliverable(mail_ids.NAME, "address", f"{address!r} is no mail address; ask for another one")
    utf8 = Charset("utf-8")
    utf8.body_encoding = QP
    made = MIMENonMultipart("text", "plain")
    made.set_payload(clean(str(message.get("text", ""))) + "\n", utf8)
    before = _thread(str(message.get("reply_to", "")), message.get("thread") or ())
    made["From"] = sender
    made["To"] = to
    made["Subject"] = _header(str(message.get("subject", "")))
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = message_id
    if before:
        made["In-Reply-To"] = before[-1]
        made["References"] = "\r\n ".join(before)
    made["Auto-Submitted"] = "auto-replied" if before else "auto-generated"
    return made.as_bytes(policy=made.policy.clone(linesep="\r\n", max_line_length=None))


def _thread(reply_to: str, thread: Sequence[str]) -> list[str]:
    """Return the ids that a mail answers, the last being the mail itself; what is no Message-ID is left out."""
    named = [each for part in (*thread, reply_to) for each in mail_ids.ids(str(part)) if each.isascii()]
    unique = [each for place, each in enumerate(named) if each not in named[place + 1 :]]
    return unique if len(unique) <= THREAD else [unique[0], *unique[-THREAD + 1 :]]


def _subject(reply: Reply) -> str:
    subject = mail_ids.marked(" ".join(clean(reply.subject).split())[:SUBJECT_LENGTH], reply.case)
    return f"Re: {subject}" if reply.reply_to and not subject.lower().startswith("re:") else subject


def _header(value: str) -> str:
    """Return words as a header on as many lines as it needs, with no line break that was in the words."""
    plain = " ".join(clean(value).split())
    return Header(plain, None if plain.isascii() else "utf-8", header_name="Subject").encode(linesep="\r\n")


def _offered(choices: Sequence[Choice]) -> list[str]:
    """Return the choices as lines to answer with: a mail has no buttons."""
    return ["\n".join(f"{place}. {each.label}" for place, each in enumerate(choices, start=1))] if choices else []
