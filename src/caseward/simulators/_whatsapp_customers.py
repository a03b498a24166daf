"""The customers' side: everything that a person may do with a phone, and the webhook that tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from caseward.simulators._whatsapp_account import BUSINESS, Account, stamp
from caseward.simulators._whatsapp_phones import File, Phone, Said


class Customers(Account):
    """Everybody who may write to the number."""

    def phone(self, who: str, *, name: str = "", hidden: bool | None = None) -> Phone:
        """Return the phone of a number, or of a scoped id; a number that is new gets one.

        A `hidden` one keeps its number from the business.
        """
        digits = re.sub(r"\D", "", who)
        with self.lock:
            known = next((each for each in self.phones.values() if who == each.user_id), self.phones.get(digits))
            if known is None:
                if not 6 <= len(digits) <= 15:
                    raise ValueError(f"{who!r} is no phone number: give 6 to 15 digits with the country's code")
                user_id = f"ID.{int(digits) * 7919 % 10**16:016d}"
                known = Phone(number=digits, user_id=user_id, name=name or f"Sample {digits[-4:]}")
                self.phones[digits] = known
            known.name = name or known.name
            known.hidden = known.hidden if hidden is None else hidden
            return known

    def say(self, who: str, text: str, *, reply_to: str = "") -> str:
        """Write a text and return its id, the same for every copy of the webhook."""
        return self.write(who, "text", {"body": text}, text=text, reply_to=reply_to)

    def write(
        self, who: str, kind: str, part: Mapping[str, Any], *, text: str = "", reply_to: str = "", **more: Any
    ) -> str:
        """Write a message of any kind, its part of that name as given, and return its id."""
        phone = self.phone(who)
        with self.changed():
            said = Said(id=self.ids.wamid(phone.number), by="customer", text=text or f"[{kind}]", at=self.now(),
                        kind=kind, reply_to=reply_to, file=str(part.get("id", "")))  # fmt: skip
            message = {**phone.ids(), "id": said.id, "timestamp": stamp(said.at), "type": kind, kind: part, **more}
            if reply_to:
                message["context"] = {"from": BUSINESS, "id": reply_to}
            said.payload = message
            if kind != "reaction":
                phone.chat.append(said)
            phone.heard_at = said.at
            self.tell("messages", {"contacts": [phone.contact()], "messages": [message]})
        return said.id

    def tap(self, who: str, choice: str, *, message_id: str = "") -> str:
        """Tap a button or a row, by its title or id, under the newest message that has it (or the one named)."""
        for said in reversed(self.phone(who).chat):
            for option in said.choices if message_id in ("", said.id) else ():
                if choice in (option["title"], option["id"]):
                    return self._tapped(who, said, option)
        raise ValueError(f"nothing that {who} was sent has a choice {choice!r}")

    def _tapped(self, who: str, said: Said, option: Mapping[str, str]) -> str:
        name = "list_reply" if said.payload.get("interactive", {}).get("type") == "list" else "button_reply"
        picked = {"id": option["id"], "title": option["title"]}
        if name == "list_reply":
            picked["description"] = option["description"]
        part = {"type": name, name: picked}
        return self.write(who, "interactive", part, text=option["title"], reply_to=said.id)

    def send_file(self, who: str, content: bytes, *, kind: str = "image", mime: str = "image/png", caption: str = "",
                  name: str = "", voice: bool = False) -> str:  # fmt: skip
        """Send a file and return the message's id; Meta keeps it, and tells its address on being asked."""
        id = self.ids.number()
        self.files[id] = File(content=content, mime=mime)
        part: dict[str, Any] = {"id": id, "mime_type": mime, "sha256": "c2ltdWxhdGVk"}
        part |= {"caption": caption} if caption else {}
        part |= {"filename": name} if name else {}
        part |= {"voice": voice} if kind == "audio" else {}
        return self.write(who, kind, part, text=caption or f"[{kind}]")

    def send_location(self, who: str, latitude: float, longitude: float, name: str = "") -> str:
        """Send a place."""
        part = {"latitude": latitude, "longitude": longitude, **({"name": name} if name else {})}
        return self.write(who, "location", part, text=f"{name or 'Location'} ({latitude}, {longitude})")

    def react(self, who: str, message_id: str, emoji: str) -> str:
        """Put a reaction on a message; an empty one takes it back, and the webhook then has no emoji."""
        for said in self.phone(who).chat:
            if said.id == message_id:
                said.reactions = {**said.reactions, "customer": emoji}
        part = {"message_id": message_id, **({"emoji": emoji} if emoji else {})}
        return self.write(who, "reaction", part)

    def edit(self, who: str, message_id: str, text: str) -> None:
        """Change the words of a message."""
        self._change(who, message_id, "edit", {"message": {"type": "text", "text": {"body": text}}}, text)

    def delete(self, who: str, message_id: str) -> None:
        """Take a message back."""
        self._change(who, message_id, "revoke", {}, "")

    def _change(self, who: str, message_id: str, kind: str, part: Mapping[str, Any], text: str) -> None:
        phone = self.phone(who)
        with self.changed():
            said = next((each for each in phone.chat if each.id == message_id and each.by == "customer"), None)
            if said is None:
                raise ValueError("only what the customer wrote is theirs to change")
            said.text, said.edited, said.gone = text or said.text, bool(text), not text
            message = {**phone.ids(), "id": self.ids.wamid(phone.number), "timestamp": stamp(self.now()),
                       "type": kind, kind: {"original_message_id": message_id, **part}}  # fmt: skip
            self.tell("messages", {"contacts": [phone.contact()], "messages": [message]})

    def move(self, who: str, number: str) -> None:
        """Give a contact another number; their scoped id changes with it."""
        with self.changed():
            phone, digits = self.phone(who), re.sub(r"\D", "", number)
            if digits in self.phones or not 6 <= len(digits) <= 15:
                raise ValueError(f"{number!r} is taken, or no phone number")
            old, before = phone.number, phone.user_id
            phone.user_id = f"ID.{int(digits) * 7919 % 10**16:016d}"
            del self.phones[old]
            self.phones[digits], phone.number = phone, digits
            system = {"type": "user_changed_number", "wa_id": digits, "user_id": phone.user_id,
                      "previous_user_id": before,
                      "body": f"User {phone.name} changed from {old} to {digits}"}  # fmt: skip
            self._system(old, before, system, hidden=phone.hidden)

    def change_identity(self, who: str) -> None:
        """Let somebody else take over a number: the same number, another phone."""
        with self.changed():
            phone = self.phone(who)
            system = {"type": "customer_identity_changed", "body": f"{phone.name} has a new phone", "identity": "hash"}
            self._system(phone.number, phone.user_id, system, hidden=phone.hidden)

    def _system(self, number: str, user_id: str, system: Mapping[str, Any], *, hidden: bool) -> None:
        known = {"from_user_id": user_id} if hidden else {"from": number, "from_user_id": user_id}
        shown = {key: value for key, value in system.items() if not (hidden and key in ("wa_id", "body"))}
        message = {**known, "id": self.ids.wamid(number), "timestamp": stamp(self.now()), "type": "system"}
        self.tell("messages", {"messages": [{**message, "system": shown}]})

    def prefer(self, who: str, *, wanted: bool) -> None:
        """Allow or forbid marketing, in WhatsApp's own settings."""
        with self.changed():
            phone = self.phone(who)
            phone.stopped = not wanted
            wish = {"wa_id": phone.number, "user_id": phone.user_id, "category": "marketing_messages",
                    "value": "resume" if wanted else "stop", "timestamp": int(self.now().timestamp()),
                    "detail": f"User requested to {'resume' if wanted else 'stop'} marketing messages"}  # fmt: skip
            if phone.hidden:
                del wish["wa_id"]
            self.tell("user_preferences", {"contacts": [phone.contact()], "user_preferences": [wish]})

    def look(self, who: str) -> None:
        """Open the chat: what was delivered is read."""
        phone = self.phone(who)
        with self.changed():
            for said in [each for each in phone.chat if each.by == "business" and each.state == "delivered"]:
                self.status(phone, said, "read")

    def echo(self, who: str, text: str) -> str:
        """Answer as a person of the business, from the phone's app, and return the message's id."""
        phone = self.phone(who)
        with self.changed():
            said = Said(id=self.ids.wamid(phone.number), by="phone", text=text, at=self.now(), state="delivered")
            phone.chat.append(said)
            to = {"to_user_id": phone.user_id, **({} if phone.hidden else {"to": phone.number})}
            echo = {"from": BUSINESS, **to, "id": said.id, "timestamp": stamp(said.at), "type": "text",
                    "text": {"body": text}}  # fmt: skip
            self.tell("smb_message_echoes", {"message_echoes": [echo]})
        return said.id
