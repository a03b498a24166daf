"""One number of a business: its secrets, its clock, the phones that write to it, and its webhooks."""

from __future__ import annotations

import collections
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2

from caseward.simulators._whatsapp_courier import Courier
from caseward.simulators._whatsapp_graph import Refusal
from caseward.simulators._whatsapp_phones import File, Ids, Phone, Said

TOKEN = "whatsapp-simulator-token"  # noqa: S105 - of no real account
APP_SECRET = "whatsapp-simulator-secret"  # noqa: S105
VERIFY_TOKEN = "whatsapp-simulator-verify"  # noqa: S105
NUMBER_ID = "106540352242922"
BUSINESS = "15550783881"
"""The business's number, digits; no one has it."""
ACCOUNT_ID = "102290129340398"


class Account:
    """What the customers' side and the Graph API both stand on."""

    def __init__(
        self,
        *,
        hook: str = "",
        app_secret: str = APP_SECRET,
        verify_token: str = VERIFY_TOKEN,
        token: str = TOKEN,
        number_id: str = NUMBER_ID,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: float = 0.2,
    ) -> None:
        """Set up a number.

        Args:
            hook: the desk's webhook; nothing is called when empty.
            app_secret: signs what is sent there.
            verify_token: given in the handshake.
            token: what the business must show.
            number_id: Meta's id of the business's number.
            clock: the time, aware; `jump` moves it.
            backoff: seconds until a webhook that was not taken is brought again.
        """
        self.verify_token, self.token, self.number_id = verify_token, token, number_id
        self.phones: dict[str, Phone] = {}
        self.files: dict[str, File] = {}
        self.dropped: set[str] = set()
        """Statuses that are not told, such as `delivered`."""
        self.statuses: list[dict[str, Any]] = []
        """Every status told, as it stood in the webhook."""
        self.courier = Courier(hook, app_secret, self._noted, backoff=backoff)
        self.ids, self.lock = Ids(), threading.RLock()
        self.wire: collections.deque[dict[str, Any]] = collections.deque(maxlen=100)
        self.version = 0
        """Of what there is to see; it grows."""
        self._clock, self._ahead = clock, timedelta()

    def now(self) -> datetime:
        """Return the time, as far as it was moved."""
        return self._clock() + self._ahead

    def jump(self, by: timedelta) -> None:
        """Move the clock on, such as past the 24 hours."""
        with self.changed():
            self._ahead += by

    def register(self) -> bool:
        """Do the handshake that Meta does when a webhook's address is given; return whether it was answered right."""
        asked = {"hub.mode": "subscribe", "hub.verify_token": self.verify_token, "hub.challenge": "1158201444"}
        try:
            answer = httpx2.get(f"{self.courier.hook}?{urlencode(asked)}", timeout=10)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200 and answer.text == asked["hub.challenge"]

    def close(self) -> None:
        """Stop bringing webhooks."""
        self.courier.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold back every webhook while this lasts; then all come, shuffled and in copies as the courier is set."""
        with self.courier.held():
            yield

    def settle(self, seconds: float = 30) -> None:
        """Return once every webhook was taken."""
        self.courier.settle(seconds)

    def post(self, body: bytes, *, signature: str | None = None) -> int:
        """Call the hook with any bytes, rightly signed unless told otherwise, and return the status."""
        return self.courier.give(body, signature)

    def webhook(self, field: str, value: Mapping[str, Any]) -> bytes:
        """Return the bytes of a webhook about our number."""
        metadata = {"display_phone_number": BUSINESS, "phone_number_id": self.number_id}
        change = {"value": {"messaging_product": "whatsapp", "metadata": metadata, **value}, "field": field}
        body = {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT_ID, "changes": [change]}]}
        return json.dumps(body, separators=(",", ":")).encode()

    def note(self, way: str, what: str, status: str, *, sent: str, answered: str = "", ok: bool) -> None:
        """Keep one exchange for the page's drawer."""
        with self.changed():
            self.wire.appendleft({"id": self.version, "at": self.now().isoformat(), "way": way, "what": what,
                                  "status": status, "ok": ok, "sent": _pretty(sent),
                                  "answered": _pretty(answered)})  # fmt: skip

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Change something that the page shows; one at a time."""
        with self.lock:
            yield
            self.version += 1

    def tell(self, field: str, value: Mapping[str, Any]) -> None:
        """Have a webhook brought to the desk."""
        self.courier.bring(self.webhook(field, value))

    def status(self, phone: Phone, said: Said, state: str, *, code: int = 0) -> None:
        """Move a message of the business on, and tell it unless that is to be `dropped`."""
        said.state = state
        status: dict[str, Any] = {"id": said.id, "status": state, "timestamp": stamp(self.now()),
                                  "recipient_user_id": phone.user_id}  # fmt: skip
        if not phone.hidden:
            status["recipient_id"] = phone.number
        if said.key:
            status["biz_opaque_callback_data"] = said.key
        if code:
            refusal = Refusal(code)
            details = {"details": refusal.title}
            status["errors"] = [{"code": code, "title": refusal.title, "message": refusal.title, "error_data": details}]
        if state not in self.dropped:
            self.statuses.append(status)
            self.tell("messages", {"contacts": [phone.contact()], "statuses": [status]})

    def _noted(self, body: bytes, outcome: str) -> None:
        self.note("to the desk", _named(body), outcome, sent=body.decode("utf-8", "replace"), ok=outcome == "200")


def stamp(moment: datetime) -> str:
    """Return a time as webhooks give it."""
    return str(int(moment.timestamp()))


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _named(body: bytes) -> str:
    """Return what a webhook is about, in a word or two."""
    try:
        change = json.loads(body)["entry"][0]["changes"][0]
        value: Mapping[str, Any] = change["value"]
        names: Sequence[str] = [
            *(str(each.get("type")) for each in value.get("messages", ())),
            *(str(each.get("status")) for each in value.get("statuses", ())),
        ]
        return ", ".join(names) or str(change["field"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "raw bytes"
