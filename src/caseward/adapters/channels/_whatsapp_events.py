"""What a WhatsApp webhook says, as the desk's events.

A body carries several changes, each with messages, statuses, echoes or errors, in no promised order and more than once.
Since 2026 a message may name its sender by a business-scoped user id alone (such as `ID.1349120`), without a number.
Source: Meta's "WhatsApp Business Platform, Webhooks", reference of the fields messages, smb_message_echoes,
user_preferences, account_update and message_template_status_update, and "Business-scoped user IDs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from caseward.adapters.channels import _whatsapp_kinds as kinds
from caseward.adapters.channels._whatsapp_errors import CLOSED, NAME
from caseward.adapters.channels._whatsapp_kinds import Json, part, parts, word
from caseward.core.errors import BadInput
from caseward.core.events import Delivery, Echo, Edited, Event, Moved, Preference, Status, Trouble
from caseward.core.messages import Inbound, Sender

NUMBER = re.compile(r"[0-9]{6,15}")
LONGEST_ID = 512
"""Characters of an id; Meta's have about 60."""
STATES: Mapping[str, Delivery] = {**{str(each): each for each in Delivery}, "played": Delivery.READ}
"""Others, such as `deleted` or `warning`, say nothing of whether it arrived."""
WISHES: Mapping[str, bool] = {"stop": False, "resume": True}
FINE = frozenset({"APPROVED", "PENDING", "REINSTATED", "UNPAUSED"})
"""What may become of a template without anybody having to look."""
PAST = frozenset({"history", "smb_app_state_sync"})
"""Fields that copy the phone app's past chats and address book: nobody said that now, and some of it is our own."""
GRAVE = re.compile(r"RESTRICT|DISABLE|VIOLATION|DELET|BAN|OFFBOARD|PARTNER_REMOVED|(?<!UN)FLAGGED|DOWNGRADE")


def events(body: object, *, number: str = "") -> Iterator[Event]:
    """Yield what happened, in the vendor's order; a message that stands in the body twice comes once.

    What is malformed costs that item alone. A message of a kind that this release does not know is an `unsupported`
    one. Raises BadInput when the body is not a WhatsApp webhook at all.

    Args:
        body: the webhook, parsed.
        number: Meta's id of our number. An account has several, and calls the same address for all: what concerns
            another one is left out. Everything is ours when empty.
    """
    if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
        raise BadInput("body: not a WhatsApp webhook; its `object` is `whatsapp_business_account`")
    seen: set[str] = set()
    for entry in parts(body.get("entry")):
        for change in parts(entry.get("changes")):
            value = part(change.get("value"))
            if number and (word(part(value.get("metadata")).get("phone_number_id")) or number) != number:
                continue
            for event in _change(word(change.get("field")), value):
                if isinstance(event, Inbound | Echo):
                    if event.provider_id in seen:
                        continue
                    seen.add(event.provider_id)
                yield event


def _change(field: str, value: Json) -> Iterator[Event]:
    if field in PAST:
        return
    people = {key: person for person in parts(value.get("contacts")) for key in _ids(person, "wa_id", "user_id")}
    for message in parts(value.get("messages")):
        yield from _message(message, people)
    for status in parts(value.get("statuses")):
        yield from _status(status)
    for echo in parts(value.get("message_echoes")):
        yield from _echo(echo)
    for wish in parts(value.get("user_preferences")):
        yield from _preference(wish)
    for error in parts(value.get("errors")):
        yield _trouble(word(error.get("code")), kinds.error(error))
    yield from _account(field, value)


def address(party: Json) -> str:
    """Return where somebody is reached: their number's digits where the vendor tells it, else their scoped id."""
    for name in ("from", "to", "wa_id", "recipient_id"):
        number = word(party.get(name)).removeprefix("+")
        if NUMBER.fullmatch(number):
            return number
    return next(_ids(party, "from_user_id", "to_user_id", "user_id", "recipient_user_id", "from", "to"), "")


def _ids(party: Json, *names: str) -> Iterator[str]:
    for name in names:
        id = word(party.get(name))
        if id and len(id) <= LONGEST_ID:
            yield id


def _message(message: Json, people: Mapping[str, Json]) -> Iterator[Event]:
    kind, at, id = word(message.get("type")), _at(message), next(_ids(message, "id"), "")
    if message.get("group_id"):
        yield _trouble("group", "a message in a group; the desk answers people, one at a time")
        return
    if kind == "system" and word(part(message.get("system")).get("type")) in _MOVES:
        yield from _moved(message, at)
        return
    where = address(message)
    person = next((people[key] for key in (where, *_ids(message, "from", "from_user_id")) if key in people), {})
    where = where or address(person)
    if not where or not id:
        yield _trouble("unreadable", f"a message of kind {kind or 'unknown'} without a sender or an id")
        return
    if kind in ("edit", "revoke"):
        changed = part(message.get(kind))
        original = next(_ids(changed, "original_message_id"), "")
        if original:
            text = kinds.read(part(changed.get("message"))).text if kind == "edit" else ""
            yield Edited(channel=NAME, address=where, provider_id=original, text=text, at=at)
        else:
            yield _trouble("unreadable", f"an {kind} that does not name the message it is of")
        return
    content = kinds.read(message)
    profile = part(person.get("profile"))
    yield Inbound(
        channel=NAME,
        provider_id=id,
        address=where,
        text=content.text,
        at=at,
        kind=content.kind,
        attachments=content.attachments,
        reply_to=next(_ids(part(message.get("context")), "id"), "") or content.about,
        choice=content.choice,
        sender=Sender(
            name=word(profile.get("name")) or word(profile.get("username")),
            phone=f"+{where}" if NUMBER.fullmatch(where) else "",
        ),
    )


_MOVES = frozenset(
    {
        "user_changed_number",
        "customer_changed_number",
        "user_changed_user_id",
        "user_identity_changed",
        "customer_identity_changed",
    }
)


def _moved(message: Json, at: datetime) -> Iterator[Event]:
    """Yield one for the number and one for the scoped id: the desk may know the contact by either."""
    said = part(message.get("system"))
    why = word(said.get("type"))
    then = next(_ids(message, "from", "from_user_id"), "").removeprefix("+")
    now = next(_ids(said, "wa_id", "new_wa_id"), "").removeprefix("+")
    before, after = (next(_ids(said, name), "") for name in ("previous_user_id", "user_id"))
    pairs = {(then, now) if NUMBER.fullmatch(then) or now else (then, after), (before, after)}
    known = sorted({old: new for old, new in sorted(pairs) if old}.items())
    for old, new in known:
        yield Moved(channel=NAME, address=old, now="" if new == old else new, why=why, at=at)
    if not known:
        yield _trouble("unreadable", f"{why} of nobody")


def _status(status: Json) -> Iterator[Event]:
    state, id = STATES.get(word(status.get("status"))), next(_ids(status, "id"), "")
    if state is None or not id:
        return
    errors = parts(status.get("errors"))
    yield Status(
        channel=NAME,
        provider_id=id,
        key=word(status.get("biz_opaque_callback_data")),
        state=state,
        at=_at(status),
        error="; ".join(f"{word(each.get('code'))} {kinds.error(each)}".strip() for each in errors),
        closed=any(word(each.get("code")) == str(CLOSED) for each in errors),
    )


def _echo(echo: Json) -> Iterator[Event]:
    """Yield what a person of the house said from the phone; one that was edited or taken back is not said anew."""
    where = address({name: value for name, value in echo.items() if name.startswith("to")})
    id = next(_ids(echo, "id"), "")
    if where and id and echo.get("type") not in ("edit", "revoke"):
        yield Echo(channel=NAME, address=where, provider_id=id, text=kinds.read(echo).text, at=_at(echo))


def _preference(wish: Json) -> Iterator[Event]:
    wanted, where = WISHES.get(word(wish.get("value")).lower()), address(wish)
    if wanted is not None and where and word(wish.get("category")) in ("", "marketing_messages"):
        yield Preference(channel=NAME, address=where, wanted=wanted, at=_at(wish))


def _account(field: str, value: Json) -> Iterator[Event]:
    """Yield what Meta tells of the account itself, where somebody should look."""
    event = word(value.get("event")).upper()
    if field == "message_template_status_update" and event and event not in FINE:
        named = f"{word(value.get('message_template_name'))} ({word(value.get('message_template_language'))})"
        yield _trouble(event, f"template {named}: {word(value.get('reason')) or 'no reason given'}")
    elif field in ("account_update", "phone_number_quality_update") and GRAVE.search(event):
        yield _trouble(event, f"{field}: see WhatsApp Manager")
    elif field == "account_alerts" and word(value.get("alert_severity")).upper() in ("CRITICAL", "WARNING"):
        yield _trouble(word(value.get("alert_type")), word(value.get("alert_description")))


def _trouble(code: str, text: str) -> Trouble:
    return Trouble(channel=NAME, code=code or "unknown", text=text, at=datetime.now(UTC))


def _at(item: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(int(word(item.get("timestamp"))), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)
