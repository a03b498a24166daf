"""WhatsApp on loopback: the part of the Graph API by which a business sends, and the webhooks by which it hears, as
Meta's "WhatsApp Business Platform" documents them.

Any customer's phone may be played, from a test by the methods of `WhatsApp`, by hand on its page. What Meta refuses is
refused here, by the same codes: a closed window, an unknown template, too many messages.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette

from caseward.simulators import _whatsapp_api, _whatsapp_page
from caseward.simulators import _whatsapp_graph as graph
from caseward.simulators._whatsapp_account import ACCOUNT_ID, APP_SECRET, BUSINESS, NUMBER_ID, TOKEN, VERIFY_TOKEN
from caseward.simulators._whatsapp_customers import Customers
from caseward.simulators._whatsapp_graph import Refusal
from caseward.simulators._whatsapp_phones import Phone, Said

__all__ = ["ACCOUNT_ID", "APP_SECRET", "BUSINESS", "NUMBER_ID", "TOKEN", "VERIFY_TOKEN", "WhatsApp"]

WINDOW = timedelta(hours=24)


class WhatsApp(Customers):
    """One business number and everybody who may write to it.

    What is hard for the one called is set on `courier` (copies, shuffled, delay, hands) and by `dropped`, `fail_next`,
    `fail_later` and `lose_next`.
    """

    def __init__(self, *, templates: Mapping[tuple[str, str], str] | None = None, **account: Any) -> None:
        """Set up a number, with what `Account` takes.

        Args:
            templates: (name, language) → wording with places such as `{{1}}`; None approves of every template.
            account: hook, app_secret, verify_token, token, number_id, clock, backoff.
        """
        super().__init__(**account)
        self.templates = None if templates is None else dict(templates)
        self.judged: dict[tuple[str, str], tuple[str, str]] = {}
        """Name and language → how a template was judged, and why, where it was not approved."""
        self.absent: set[str] = set()
        """Numbers that are not on WhatsApp."""
        self.reads = True
        """Whether customers read at once what arrives."""
        self.a_second, self.seconds_between, self.burst = 80, 6.0, 45
        self.calls: list[dict[str, Any]] = []
        """Every message that was taken, as it came."""
        self.app = Starlette(routes=[*_whatsapp_api.routes(self), *_whatsapp_page.routes(self)])
        self._refusals: list[Refusal] = []
        self._failures: list[int] = []
        self._losses = self._stale = 0
        self._sent_at: collections.deque[datetime] = collections.deque(maxlen=1000)

    def fail_next(self, code: int, times: int = 1) -> None:
        """Refuse the next messages with an error code; nothing is sent."""
        self._refusals += [Refusal(code)] * times

    def fail_later(self, code: int, times: int = 1) -> None:
        """Take the next messages and tell afterwards, by a status, that they failed."""
        self._failures += [code] * times

    def lose_next(self, times: int = 1) -> None:
        """Send the next messages and close the connection before the answer is whole."""
        self._losses += times

    def stale_next(self, times: int = 1) -> None:
        """Tell the next addresses of files when they have expired already."""
        self._stale += times

    def judge(self, name: str, language: str, status: str, why: str = "NONE") -> None:
        """Judge a template that is there, such as `REJECTED`; it is taken no more and no less than before."""
        self.judged[name, language] = (status, why)

    def approve(self, name: str, language: str, wording: str) -> None:
        """Approve a template; from then on only approved ones are taken."""
        self.templates = {**(self.templates or {}), (name, language): wording}

    def sent(self, who: str) -> list[Said]:
        """Return what the business sent to somebody over the API, in order."""
        with self.lock:
            return [each for each in self.phone(who).chat if each.by == "business"]

    def texts(self, who: str) -> list[str]:
        """Return the words of it."""
        return [each.text for each in self.sent(who)]

    def repeated(self) -> list[str]:
        """Return the keys under which more than one message was taken: something was said twice."""
        keys = collections.Counter(str(each.get("biz_opaque_callback_data") or "") for each in self.calls)
        return [key for key, times in keys.items() if key and times > 1]

    def accept(self, message: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Take a message of the business; return the answer and whether it is to be lost. Raises Refusal."""
        if message.get("status") == "read":
            return self._marked(message), False
        with self.changed():
            if self._refusals:
                raise self._refusals.pop(0)
            graph.require_sound(message)
            phone = self._recipient(message)
            self._within_limits(phone)
            take = self._reacted if message.get("type") == "reaction" else self._taken
            id = take(phone, message)
            self.calls.append(dict(message))
            lost, self._losses = self._losses > 0, max(0, self._losses - 1)
        known = {"user_id": phone.user_id} if phone.hidden else {"input": phone.number, "wa_id": phone.number}
        answer = {"messaging_product": "whatsapp", "contacts": [known], "messages": [{"id": id}]}
        return answer, lost

    def valid_until(self) -> datetime:
        """Return until when an address of a file that is told now may be called: five minutes."""
        with self.lock:
            stale, self._stale = self._stale > 0, max(0, self._stale - 1)
        return self.now() + timedelta(minutes=-1 if stale else 5)

    def _recipient(self, message: Mapping[str, Any]) -> Phone:
        named = str(message.get("to") or message.get("recipient"))
        scoped = next((each for each in self.phones.values() if each.user_id == named), None)
        digits = re.sub(r"[^\d]", "", named)
        if message.get("recipient") and scoped is None:
            raise Refusal(131009, "recipient is no user id of this business")
        if scoped is None and (not 6 <= len(digits) <= 15 or digits in self.absent):
            raise Refusal(131026, "Message undeliverable: the recipient is not on WhatsApp")
        return scoped or self.phone(named)

    def _within_limits(self, phone: Phone) -> None:
        now = self.now()
        while self._sent_at and now - self._sent_at[0] >= timedelta(seconds=1):
            self._sent_at.popleft()
        if len(self._sent_at) >= self.a_second:
            raise Refusal(130429, "Cloud API message throughput has been reached.")
        passed = (now - phone.quota_at).total_seconds() if phone.quota_at else 0.0
        phone.quota = min(self.burst, phone.quota + passed / self.seconds_between) if phone.quota_at else self.burst
        phone.quota_at = now
        if phone.quota < 1:
            raise Refusal(131056, "Too many messages were sent from this number to the same number in a short time.")
        phone.quota -= 1
        self._sent_at.append(now)

    def _taken(self, phone: Phone, message: Mapping[str, Any]) -> str:
        kind, key = str(message.get("type", "text")), str(message.get("biz_opaque_callback_data", ""))
        text = self._wording(message["template"]) if kind == "template" else graph.words(message)
        if kind != "template" and (phone.heard_at is None or self.now() - phone.heard_at >= WINDOW):
            raise Refusal(131047, "More than 24 hours have passed since the recipient last replied.")
        said = Said(id=self.ids.wamid(phone.number), by="business", text=text, at=self.now(), kind=kind,
                    payload=message, key=key, choices=graph.choices(message),
                    reply_to=str((message.get("context") or {}).get("message_id", "")))  # fmt: skip
        phone.chat.append(said)
        phone.typing_until = None
        if self._failures:
            self.status(phone, said, "failed", code=self._failures.pop(0))
        else:
            for state in ("sent", "delivered", "read") if self.reads else ("sent", "delivered"):
                self.status(phone, said, state)
        return said.id

    def _wording(self, template: Mapping[str, Any]) -> str:
        name, language = template["name"], template["language"]["code"]
        if self.templates is None:
            given = [part.get("parameters", []) for part in template.get("components", [])]
            places = " · ".join(f"{{{{{number}}}}}" for number in range(1, sum(map(len, given)) + 1))
            return graph.require_values(template, f"[template {name}, {language}] {places}".rstrip())
        if (name, language) not in self.templates:
            raise Refusal(132001, f"template name ({name}) does not exist in {language}")
        return graph.require_values(template, self.templates[name, language])

    def _reacted(self, phone: Phone, message: Mapping[str, Any]) -> str:
        about = message["reaction"]["message_id"]
        for said in phone.chat:
            if said.id == about:
                said.reactions = {**said.reactions, "business": str(message["reaction"].get("emoji", ""))}
                return self.ids.wamid(phone.number)
        raise Refusal(131009, "reaction.message_id names no message of this chat")

    def _marked(self, message: Mapping[str, Any]) -> dict[str, Any]:
        with self.changed():
            for phone in self.phones.values():
                for said in phone.chat:
                    if said.id == message.get("message_id") and said.by == "customer":
                        said.state = "read"
                        if message.get("typing_indicator"):
                            phone.typing_until = self.now() + timedelta(seconds=25)
                        return {"success": True}
        raise Refusal(131009, "message_id names no message that was received")
