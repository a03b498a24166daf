"""What the page of the simulated Telegram shows, and what one does on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from caseward.simulators._telegram_people import BLOCKED, People
from caseward.simulators._telegram_world import BOT_ID, Chat, Message

SHOWN = 200
"""Messages of a chat, the newest."""
TOASTS = 20


def state(people: People, after: int) -> dict[str, Any] | None:
    """Return what there is to see, if it has changed since version `after`."""
    world = people.world
    with world.changed:
        if world.version == after:
            return None
        return {
            "version": world.version,
            "bot": BOT_ID,
            "people": [{"id": str(user.id), "name": user.name} for user in world.users.values()],
            "chats": [_chat(people, chat) for chat in world.chats.values() if chat.moved_to is None],
            "answers": [
                {"id": callback.id, "user": str(callback.user), "text": callback.answer}
                for callback in list(world.callbacks.values())[-TOASTS:]
                if callback.answer is not None
            ],
            "webhook": world.webhook.get("url", ""),
            "waiting": len(world.updates),
            "trouble": {"duplicates": world.duplicates, "shuffled": world.shuffled is not None,
                        "delay": world.delay_seconds},
            "exchanges": list(world.exchanges),
        }  # fmt: skip


def acts(people: Any) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
    """Return verb → what it does with what the page sends."""

    def write(given: Mapping[str, Any]) -> None:
        answers = given.get("reply_to") or None
        text = str(given["text"]).strip()
        if not text:
            raise ValueError("write something first")
        people.write(int(given["user"]), int(given["chat"]), text, reply_to=answers)

    def press(given: Mapping[str, Any]) -> dict[str, str]:
        return {"id": people.press(int(given["user"]), int(given["chat"]), given["message"], given["label"]).id}

    def edit(given: Mapping[str, Any]) -> None:
        people.edit(int(given["user"]), int(given["chat"]), given["message"], str(given["text"]))

    def forward(given: Mapping[str, Any]) -> None:
        people.forward(int(given["user"]), int(given["chat"]), given["message"], int(given["to"]))

    def react(given: Mapping[str, Any]) -> None:
        people.react(int(given["user"]), int(given["chat"]), given["message"], str(given["emoji"]))

    def block(given: Mapping[str, Any]) -> None:
        people.block(int(given["user"]), blocked=bool(given["blocked"]))

    def trouble(given: Mapping[str, Any]) -> None:
        people.duplicate(max(0, min(5, int(given["duplicates"]))))
        people.shuffle(int(time.monotonic()) if given["shuffled"] else None)
        people.delay(max(0.0, min(60.0, float(given["delay"]))))

    def fail(given: Mapping[str, Any]) -> None:
        if given["how"] == "cut":
            people.drop(1)
        else:
            people.fail(1, int(given["how"]), method="sendMessage", retry_after=5)

    return {"write": write, "press": press, "edit": edit, "forward": forward, "react": react, "block": block,
            "trouble": trouble, "fail": fail}  # fmt: skip


def _chat(people: People, chat: Chat) -> dict[str, Any]:
    return {
        "id": str(chat.id),
        "type": chat.type,
        "title": chat.title,
        "members": [str(member) for member in sorted(chat.members)],
        "blocked": chat.closed == BLOCKED and not chat.open,
        "typing": max(0.0, chat.typing - time.monotonic()),
        "messages": [_message(people, message) for message in people.messages(chat.id)[-SHOWN:]],
    }


def _message(people: People, message: Message) -> dict[str, Any]:
    world = people.world
    answered = world.messages.get((message.chat, message.reply_to or 0))
    quoted = " ".join((answered.text or ", ".join(answered.content)).split())[:80] if answered else ""
    origin = (message.origin or {}).get("sender_user", {})
    return {
        "id": message.id,
        "by": str(message.by),
        "name": world.account(message.by)["first_name"],
        "at": message.at.isoformat(),
        "text": message.text,
        "entities": message.entities,
        "rows": [[{"label": button["text"], "url": button.get("url", "")} for button in row] for row in message.rows],
        "edited": message.edited.isoformat() if message.edited else "",
        "answers": {"name": world.account(answered.by)["first_name"], "text": quoted} if answered else None,
        "origin": origin.get("first_name", ""),
        "carries": ", ".join(message.content),
        "reactions": sorted(set(message.reactions.values())),
    }
