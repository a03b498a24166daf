"""A contact changes the words of a message, or takes it back: the new ones count, the earlier ones are kept."""

from __future__ import annotations

from caseward.core.events import Edited
from caseward.core.ids import ConversationId
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import echoes, log, messages

WITHDRAWN = "[withdrawn]"
"""Stands in the place of words that were taken back."""


def by_edit(event: Edited) -> bool:
    """Apply a change to the message that it is of; return False where that message never came in.

    Until a turn has begun with it, the new words simply count. Afterwards the case gets a note, for whoever decides.
    What was changed later stays: an older change is only kept.
    """
    said = echoes.find(event.channel, event.address, event.provider_id)
    if said is None:
        return False
    text, now = _text(event), tools.now()
    at = min(event.at, now)
    if said.changed_at is not None and at <= said.changed_at:
        if text != WITHDRAWN:
            echoes.keep_earlier(said.id, text, at=at)
        return True
    if text == said.text:
        return True
    if text == WITHDRAWN:
        echoes.withdraw(said, text, at=at)
    else:
        echoes.change(said, text, at=at)
    what = "withdrawn" if text == WITHDRAWN else "edited"
    log.append(
        "edited",
        "contact",
        {"message": said.id, "what": what, "was": said.text, "text": text, "turn_begun": bool(said.turn)},
        at=now,
        case_id=said.case_id,
        conversation_id=said.conversation_id,
    )
    if said.turn:
        note = f"The customer took a message back: “{said.text}”"
        if text != WITHDRAWN:
            note = f"The customer changed a message after it was taken up. It said “{said.text}”; now: “{text}”"
        messages.add(said.conversation_id, case_id=said.case_id, author="house", kind="note", text=note, at=now)
    return True


def came_late(event: Edited, conversation_id: ConversationId) -> None:
    """Mark a message whose change came in before its first words, which are kept beside it when they do."""
    echoes.mark_changed(conversation_id, event.provider_id, at=event.at, withdrawn=not event.text.strip())


def _text(event: Edited) -> str:
    """Return the new words as they may be stored."""
    text = clean(event.text).strip()
    most = tools.pack().profile.limits.message_chars
    return (text if len(text) <= most else text[: most - 1] + "…") or WITHDRAWN
