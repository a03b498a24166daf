"""Formal confirmations (SUP-11): what was said elsewhere follows by mail, in the words that the pack declares for it.

A confirmation is no new statement. It says again, in an approved template, values that stand in words which were
consented to and said; it goes to the address on the contact's record and nowhere else. That is why the pack's own
consent is enough for it: see docs/adr/0013.
"""

from __future__ import annotations

from dataclasses import replace

from caseward.core import ids
from caseward.core.case import Case, Contact
from caseward.core.ids import DraftId
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import log, outbox


def key(case: Case, said: Draft) -> str:
    """Return the key of a confirmation: once a case and template."""
    return f"confirmation:{case.id}:{said.template}"


def of(case: Case, said: Draft, contact: Contact | None) -> Draft | None:
    """Return the mail that confirms what was said; None where none is due, and why is on the record.

    What was said must have left under a consent of its own; a person's own words are never said again in others.
    """
    pack = tools.pack()
    declared = pack.channels.confirmations.get(said.template)
    if declared is None or not outbox.said(f"reply:{said.id}") or outbox.said(key(case, said)):
        return None
    why = _obstacle(said, declared.channel, contact)
    template = pack.templates.get(said.template)
    read = wording.read_back(template, said.reply) if template is not None else None
    if why or contact is None or read is None:
        _log(case, said, why or "the words are not the template's")
        return None
    language, values = read
    mail = pack.template(declared.template)
    own = {"business": pack.profile.title, "reference": f"#{case.number}", "case": str(case.number)}
    words = wording.fill(mail.text.get(language) or next(iter(mail.text.values())), {**values, **own})
    heard = Evidence(
        id=said.id,
        kind="result" if said.task is not None else "reading",
        title="What was said and consented to",
        excerpt=said.reply,
        source="desk",
        at=tools.now(),
        values=(*values.values(), *own.values()),
    )
    return replace(
        said,
        id=DraftId(ids.new("drf")),
        language=language,
        template=mail.id,
        replies={ResultStatus.SUCCESS: words},
        task=None,
        evidence=(*(each for each in said.evidence if each.kind in ("identity", "house")), heard),
        address=f"{declared.channel}:{contact.email}",
        resolves=False,
    )


def _obstacle(said: Draft, channel: str, contact: Contact | None) -> str:
    """Return why nothing can be confirmed, or nothing."""
    if channel not in tools.given().channels:
        return f"the channel {channel} is not connected"
    if contact is None or not contact.email:
        return "the contact has no registered address"
    return "it was said there already" if said.address.startswith(f"{channel}:") else ""


def _log(case: Case, said: Draft, why: str) -> None:
    log.of_case(
        case, "confirmation", "house", {"template": said.template, "state": "not sent", "why": why}, at=tools.now()
    )
