"""What people do on the simulated Telegram, and what the bot is told of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from caseward.simulators._telegram_methods import file_json, keep_file
from caseward.simulators._telegram_world import BOT_ID, Callback, Chat, Message, User, World

BLOCKED = "bot was blocked by the user"
NOT_STARTED = "bot can't initiate conversation with a user"

Who = int | str
"""An id, or a name; of a chat with the bot the name is the user's."""


class People:
    """Everybody but the bot. Whoever is named wrongly raises ValueError."""

    def __init__(self, world: World) -> None:
        self.world = world

    def user(self, name: str, *, id: int = 0, started: bool = False) -> int:
        """Open an account, and a chat with the bot that it has `started` or not; return the id of both."""
        with self.world.changed:
            number = id or max([1000, *self.world.users]) + 1
            self.world.users[number] = User(id=number, name=name)
            self.world.chats[number] = Chat(
                id=number, type="private", title=name, members={number}, open=started, closed=NOT_STARTED
            )
            self.world.touch()
            return number

    def group(self, title: str, members: Iterable[Who], *, id: int = 0, type: str = "supergroup") -> int:
        """Open a group that the bot is in, and return its id."""
        with self.world.changed:
            base = -1_001_000_000_000 if type != "group" else -5000
            number = id or min([base, *(chat for chat in self.world.chats if base - 10_000 < chat <= base)]) - 1
            who = {self._user(member).id for member in members}
            self.world.chats[number] = Chat(id=number, type=type, title=title, members=who)
            self.world.touch()
            return number

    def write(
        self, user: Who, chat: Who | None, text: str, *, reply_to: int | str | None = None, **content: Any
    ) -> int:
        """Write a message and return its number; `chat` None is the user's own with the bot, which it starts.

        `content` is what the message carries, in the Bot API's fields: `location={"latitude": …, "longitude": …}`.
        """
        with self.world.changed:
            person, room = self._user(user), self._room(chat if chat is not None else user)
            if person.id not in room.members:
                raise ValueError(f"{person.name} is not in {room.title}")
            if room.type == "private" and not room.open:
                if room.closed == BLOCKED:
                    raise ValueError(f"{person.name} has blocked the bot; unblock it first")
                room.open = True
            answered = self._message(room, reply_to).id if reply_to is not None else None
            message = self.world.keep(chat=room.id, by=person.id, text=text, content=content, reply_to=answered)
            self._told(room, message)
            return message.id

    def send_file(
        self, user: Who, chat: Who | None, content: bytes, *, kind: str = "document", name: str = "file.bin",
        mime: str = "application/octet-stream", caption: str = "",
    ) -> int:  # fmt: skip
        """Send a file: `kind` is `photo`, `voice`, `audio`, `video`, `video_note`, `animation` or `document`."""
        with self.world.changed:
            file_id = keep_file(self.world, f"{kind}s/{name}", content)
            file = file_json(self.world, file_id)
            carried: Any = {**file, "mime_type": mime, "file_name": name}
            if kind == "photo":
                carried = [{**file, "width": 90, "height": 90}, {**file, "width": 1280, "height": 960}]
            return self.write(user, chat, caption, **{kind: carried})

    def edit(self, user: Who, chat: Who | None, message: int | str, text: str) -> None:
        """Change the words of one's own message."""
        with self.world.changed:
            person, room = self._user(user), self._room(chat if chat is not None else user)
            kept = self._message(room, message)
            if kept.by != person.id:
                raise ValueError(f"message {kept.id} is not {person.name}'s")
            kept.text, kept.edited = text, self.world.clock()
            self._told(room, kept, "edited_message")

    def forward(self, user: Who, chat: Who | None, message: int | str, to: Who | None) -> int:
        """Pass a message on to another chat, without its buttons, and return its number there."""
        with self.world.changed:
            person, room = self._user(user), self._room(to if to is not None else user)
            if person.id not in room.members:
                raise ValueError(f"{person.name} is not in {room.title}")
            kept = self._message(self._room(chat if chat is not None else user), message)
            origin = {"type": "user", "sender_user": self.world.account(kept.by), "date": int(kept.at.timestamp())}
            passed = self.world.keep(
                chat=room.id, by=person.id, text=kept.text, entities=kept.entities, content=kept.content, origin=origin
            )
            room.open = room.open or room.closed == NOT_STARTED
            self._told(room, passed)
            return passed.id

    def press(self, user: Who, chat: Who | None, message: int | str, label: str) -> Callback:
        """Press a button by what stands on it; what comes back fills in when the bot answers."""
        with self.world.changed:
            person, room = self._user(user), self._room(chat if chat is not None else user)
            kept = self._message(room, message)
            found = [button for row in kept.rows for button in row if button["text"] == label]
            if not found:
                raise ValueError(f"message {kept.id} has no button {label!r}; it has {kept.labels}")
            if "url" in found[0]:
                raise ValueError(f"{label!r} opens {found[0]['url']}: nothing is sent to the bot")
            return self._pressed(person, room, kept, found[0]["callback_data"])

    def press_data(self, user: Who, chat: Who | None, message: int | str, data: str) -> Callback:
        """Press what an old copy of a message still shows: a button that is no longer under it."""
        with self.world.changed:
            room = self._room(chat if chat is not None else user)
            return self._pressed(self._user(user), room, self._message(room, message), data)

    def react(self, user: Who, chat: Who | None, message: int | str, emoji: str) -> None:
        """Put an emoji on a message, or take it away with an empty one."""
        with self.world.changed:
            person, room = self._user(user), self._room(chat if chat is not None else user)
            kept = self._message(room, message)
            before = kept.reactions.pop(person.id, "")
            if emoji:
                kept.reactions[person.id] = emoji
            each = [[{"type": "emoji", "emoji": one}] if one else [] for one in (before, emoji)]
            change = {"message_id": kept.id, "user": person.json(), "old_reaction": each[0], "new_reaction": each[1]}
            self.world.tell("message_reaction", room.id, self._change(room) | change)

    def block(self, user: Who, *, blocked: bool = True) -> None:
        """Block the bot, or allow it again: then nothing it writes arrives."""
        with self.world.changed:
            person = self._user(user)
            self._member(self._room(person.id), person, not blocked, BLOCKED)

    def remove_bot(self, user: Who, chat: Who, *, removed: bool = True) -> None:
        """Put the bot out of a group, or in again."""
        with self.world.changed:
            room = self._room(chat)
            kind = "group chat" if room.type == "group" else f"{room.type} chat"
            self._member(room, self._user(user), not removed, f"bot was kicked from the {kind}")

    def deactivate(self, user: Who) -> None:
        """Close an account for good."""
        self._user(user).deactivated = True

    def upgrade(self, user: Who, chat: Who) -> int:
        """Make a group a supergroup, which has another id; return that."""
        with self.world.changed:
            person, room = self._user(user), self._room(chat)
            title, room.title = room.title, f"{room.title} (old)"
            new = self.group(title, room.members)
            room.moved_to, room.open = new, False
            for chat_id, said in ((room.id, {"migrate_to_chat_id": new}), (new, {"migrate_from_chat_id": room.id})):
                message = self.world.keep(chat=chat_id, by=person.id, content=said)
                self._told(self.world.chats[chat_id], message)
            return new

    def messages(self, chat: Who) -> list[Message]:
        """Return what stands in a chat, oldest first, as it is now."""
        with self.world.changed:
            room = self._room(chat)
            return [message for (where, _), message in sorted(self.world.messages.items()) if where == room.id]

    def last(self, chat: Who) -> Message:
        """Return the newest message of a chat."""
        found = self.messages(chat)
        if not found:
            raise ValueError(f"nothing was written in {chat!r}")
        return found[-1]

    def until(self, holds: Callable[[], Any], *, seconds: float = 10.0) -> Any:
        """Wait until something holds, looked at after each change, and return it; TimeoutError if it never does."""
        with self.world.changed:
            found = self.world.changed.wait_for(holds, seconds)
        if not found:
            raise TimeoutError(f"it did not happen within {seconds:g} s")
        return found

    def _told(self, room: Chat, message: Message, kind: str = "message") -> None:
        """Tell the bot of a message, unless privacy mode keeps it from a group's."""
        world = self.world
        answered = world.messages.get((room.id, message.reply_to or 0))
        meant = message.text.startswith("/") or f"@{world.account(BOT_ID)['username']}" in message.text
        meant = meant or (answered is not None and answered.by == BOT_ID) or "migrate_to_chat_id" in message.content
        if room.type == "private" or meant or not world.privacy:
            world.tell(kind, room.id, world.json(message))

    def _pressed(self, person: User, room: Chat, message: Message, data: str) -> Callback:
        callback = Callback(id=str(secrets.randbits(62)), user=person.id)
        self.world.callbacks[callback.id] = callback
        query = {"id": callback.id, "from": person.json(), "message": self.world.json(message), "data": data}
        self.world.tell("callback_query", room.id, query | {"chat_instance": str(abs(room.id))})
        return callback

    def _member(self, room: Chat, person: User, inside: bool, closed: str) -> None:
        before, room.open, room.closed = room.open, inside, closed
        status: dict[bool, dict[str, Any]] = {True: {"status": "member"}, False: {"status": "kicked", "until_date": 0}}
        bot: dict[str, Any] = {"user": self.world.account(BOT_ID)}
        change = {
            "from": person.json(),
            "old_chat_member": bot | status[before],
            "new_chat_member": bot | status[inside],
        }
        self.world.tell("my_chat_member", room.id, self._change(room) | change)

    def _change(self, room: Chat) -> dict[str, Any]:
        return {"chat": room.json(), "date": int(self.world.clock().timestamp())}

    def _user(self, who: Who) -> User:
        found = [user for user in self.world.users.values() if who in (user.id, user.name)]
        if not found:
            raise ValueError(f"there is nobody called {who!r}")
        return found[0]

    def _room(self, who: Who) -> Chat:
        found = [chat for chat in self.world.chats.values() if who in (chat.id, chat.title, str(chat.id))]
        if not found:
            raise ValueError(f"there is no chat {who!r}")
        return found[0]

    def _message(self, room: Chat, number: int | str) -> Message:
        """Return a message by its number in the chat, or by `<chat>:<number>`."""
        plain = str(number).rpartition(":")[2]
        message = self.world.messages.get((room.id, int(plain))) if plain.isdecimal() else None
        if message is None:
            raise ValueError(f"there is no message {number!r} in {room.title}")
        return message


def seeded(people: People, users: Mapping[int, str], groups: Mapping[int, str], members: Iterable[int]) -> None:
    """Put users and groups there; those who are `members` are in all of the groups."""
    for number, name in users.items():
        people.user(name, id=number)
    for number, title in groups.items():
        people.group(title, members, id=number)
