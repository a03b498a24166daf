"""Raw mails (RFC 5322) read into what the desk takes: a message, a bounce, or trouble."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message

from caseward.adapters.channels import _email_headers as headers
from caseward.adapters.channels import _email_ids as mail_ids
from caseward.adapters.channels import _email_parts as mail_parts
from caseward.adapters.channels import _email_quotes as quotes
from caseward.adapters.channels import _email_reports as reports
from caseward.adapters.channels import _email_trust as trust
from caseward.core.events import Event, Trouble
from caseward.core.messages import Attachment, Inbound, Sender

LONGEST_TEXT = 50_000
"""Characters of one message that are taken."""
LONGEST_SUBJECT = 300

_MACHINES = re.compile(r"(?:(?:no|do[-_.]?not)[-_.]?reply|mailer-daemon|postmaster|bounces?)(?:[-_.+=].*)?")
"""What stands before the @ where nobody reads."""
_HOLDS_PARTS = re.compile(rb"(?im)^content-type[ \t]*:\s*(?:multipart|message)/")


def parse(body: bytes, *, own: str, trusted: str) -> Sequence[Event]:
    """Return what one mail says; never an error, whatever the bytes.

    Args:
        body: the mail as it lay in the mailbox.
        own: the desk's own address.
        trusted: name of the server whose `Authentication-Results` are believed; empty for none.
    """
    now = datetime.now(UTC)
    mail = read(body)
    at = headers.moment(mail, now)
    domain = mail_ids.domain_of(own)
    author = headers.author(mail)
    named = mail_ids.ids(headers.first(mail, "message-id"))
    report = reports.read(mail, domain, at)
    if report is not None:
        return report
    if author is None:
        return [_trouble("sender", f"a mail names nobody who wrote it: {headers.text(mail, 'subject')[:100]!r}", at)]
    if author.address == own or any(mail_ids.is_ours(each, domain) for each in named):
        return [_trouble("loop", f"a mail came back to us as from {author.address}; look who forwards it", at)]
    return [_inbound(mail, author, own=own, trusted=trusted, at=at)]


def read(body: bytes) -> Message:
    """Return a mail as parts. One that nests beyond reason is read as if it had none."""
    if len(_HOLDS_PARTS.findall(body)) > mail_parts.MOST_PARTS:
        head = re.split(rb"\r?\n\r?\n", body, maxsplit=1)[0]
        body = _HOLDS_PARTS.sub(b"x-nested: ", head) + b"\r\n\r\n" + body[len(head) :][: LONGEST_TEXT * 4]
    return email.message_from_bytes(body, policy=email.policy.compat32)


def provider_id(mail: Message) -> str:
    """Return what a mail is known by: its Message-ID, or a digest of what does not change on the way."""
    named = mail_ids.ids(headers.first(mail, "message-id"))
    if named:
        return named[0]
    kept = [headers.first(mail, name) for name in ("from", "to", "date", "subject")]
    digest = hashlib.sha256("\0".join(kept).encode("utf-8", "surrogateescape"))
    parts = mail_parts.take_apart(mail)
    for words in (*parts.words, *parts.passed_on):
        digest.update(words.encode())
    for file in parts.files:
        digest.update(file.content)
    return f"sha256:{digest.hexdigest()}"


def file_ref(mail_id: str, place: int, file: mail_parts.File) -> str:
    """Return the reference of a file: its mail, its place there, and a digest, for another mail may claim that id."""
    return f"{mail_id}#{place}#{file.digest}"


def _inbound(mail: Message, author: headers.Author, *, own: str, trusted: str, at: datetime) -> Inbound:
    parts = mail_parts.take_apart(mail)
    subject = headers.text(mail, "subject")[:LONGEST_SUBJECT]
    before = mail_ids.ids(headers.first(mail, "in-reply-to"))
    earlier = [*before, *reversed(mail_ids.ids(headers.first(mail, "references")))]
    mail_id = provider_id(mail)
    return Inbound(
        channel=mail_ids.NAME,
        provider_id=mail_id,
        address=author.address,
        text=_text(parts, subject, reply=bool(earlier)),
        at=at,
        kind="media" if parts.files and not (parts.words or parts.passed_on) else "text",
        attachments=[
            Attachment(
                ref=file_ref(mail_id, place, each),
                kind=each.kind,
                mime=each.mime,
                name=each.name,
                size=len(each.content),
            )
            for place, each in enumerate(parts.files)
        ],
        reply_to=next(iter(earlier), ""),
        sender=Sender(
            name=author.name,
            email=author.address if trust.authentic(mail, author, trusted) else "",
        ),
        subject=subject,
        case=mail_ids.case_of(earlier, subject, mail_ids.domain_of(own)),
        automatic=is_automatic(mail, author.address),
    )


def _text(parts: mail_parts.Parts, subject: str, *, reply: bool) -> str:
    """Return the words that are new, with the mails that were passed on; the subject where there are none at all."""
    whole = "\n\n".join(parts.words)
    reply = (reply or quotes.answers(subject)) and not quotes.is_forward(subject)
    said = quotes.latest(whole, reply=reply)
    text = "\n\n".join(each for each in (said, *parts.passed_on) if each)
    return text[:LONGEST_TEXT] or ("" if parts.files else subject)


def is_automatic(mail: Message, address: str) -> bool:
    """Return whether a machine wrote it, or wrote it to many: to answer could go on for ever (RFC 3834)."""
    submitted = headers.first(mail, "auto-submitted").partition(";")[0].strip().lower()
    precedence = headers.first(mail, "precedence").lower()
    suppress = headers.first(mail, "x-auto-response-suppress").lower()
    return (
        submitted not in ("", "no")
        or precedence in ("bulk", "list", "junk", "auto_reply")
        or suppress not in ("", "none")
        or any(headers.raw(mail, name) for name in ("list-id", "list-unsubscribe", "list-post"))
        or any(headers.first(mail, name).lower() not in ("", "no") for name in ("x-autoreply", "x-autorespond"))
        or headers.first(mail, "return-path").replace(" ", "") == "<>"
        or mail.get_content_type() == "multipart/report"
        or _MACHINES.fullmatch(address.rpartition("@")[0]) is not None
    )


def _trouble(code: str, text: str, at: datetime) -> Trouble:
    return Trouble(channel=mail_ids.NAME, code=code, text=text, at=at)
