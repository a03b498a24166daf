"""Contacts and approvers of a desk that may vanish at any moment: patient, and sure of what they sent."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

PATIENCE_SECONDS = 150
"""Longer than any outage of a round."""
AGAIN_SECONDS = 0.05


def patiently(call: Callable[[], httpx2.Response], *, what: str) -> httpx2.Response:
    """Return the answer of a call, repeated while the desk is away or says that it cannot answer now."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = call()
            if answer.status_code < 500:
                return answer
            problem = f"{answer.status_code}: {answer.text[:200]}"
        except httpx2.TransportError as error:
            problem = repr(error)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: {problem}")
        time.sleep(AGAIN_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a contact comes for."""

    name: str
    says: tuple[str, ...]
    """One text after the other, each once the desk has answered the one before; `#` is the number of a choice."""
    replies: int
    """How many answers settle it, approvals granted."""
    denied: bool = False
    """Whether the approver denies it."""


FAQ = Errand(name="faq", says=("halo kak, paket les vokalnya berapa ya harganya?",), replies=1)
TWO = Errand(name="two questions", says=("halo", "studionya buka jam berapa?"), replies=2)
OWN = Errand(name="own record", says=("kapan les saya berikutnya?",), replies=2)
MOVE = Errand(name="reschedule", says=("mau pindah jadwal dong, bisa?", "#"), replies=3)
REFUND = Errand(name="refund", says=("saya mau refund pembayaran saya",), replies=2)
DENIED = Errand(name="refund denied", says=("saya mau refund pembayaran saya",), replies=2, denied=True)


@dataclass(kw_only=True)
class Customer(threading.Thread):
    """One contact on one errand."""

    base: str
    errand: Errand
    contact: str
    """Id of a sample contact; empty for somebody unknown."""
    chance: random.Random
    conversation: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    """Id → text of the messages that the desk took."""
    failure: str = ""

    def __post_init__(self) -> None:
        """Make the thread."""
        super().__init__(daemon=True, name=f"{self.errand.name} {self.contact}")
        self._http = httpx2.Client(base_url=self.base, timeout=20)

    def __hash__(self) -> int:
        """Threads are told apart by identity."""
        return id(self)

    def run(self) -> None:
        """Do the errand; what goes wrong is kept in `failure`."""
        try:
            self._do()
        except Exception as error:
            self.failure = f"{self.name}, {self.conversation}: {type(error).__name__}: {error}"

    def _do(self) -> None:
        opening = {"as": self.contact} if self.contact else {}
        opened = patiently(lambda: self._http.post("/chat/session", json=opening), what="open").json()
        self.conversation = opened["conversation"]
        self._http.cookies.clear()
        self._http.headers["Authorization"] = f"Bearer {opened['token']}"
        for number, text in enumerate(self.errand.says):
            self._say(f"{self.errand.name}-{number}", str(self.chance.randint(1, 3)) if text == "#" else text)
            self._wait_for(number + 1)
        self._wait_for(self.errand.replies)

    def _say(self, id: str, text: str) -> None:
        ids = set()
        for _time in range(1 + (self.chance.random() < 0.3)):  # a nervous finger
            answer = patiently(lambda: self._http.post("/chat/messages", json={"id": id, "text": text}), what="say")
            assert answer.status_code == 202, answer.text
            ids.add(answer.json()["id"])
        assert len(ids) == 1, f"the same id was stored as {ids}"
        self.sent[id] = text

    def _wait_for(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(replies := self.replies()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(replies)} of {count} answers to {list(self.sent.values())}: {replies}")
            time.sleep(AGAIN_SECONDS)

    def replies(self) -> Sequence[str]:
        """Return what the desk said so far."""
        answer = patiently(lambda: self._http.get("/chat/messages"), what="read")
        assert answer.status_code == 200, answer.text
        return [each["text"] for each in answer.json()["items"] if each["from"] == "desk"]


class Approver(threading.Thread):
    """Somebody with a token who decides whatever their lane asks, again and again until told to stop."""

    def __init__(self, base: str, token: str, lane: str, denied: Callable[[str], bool]) -> None:
        """Decide in `lane`; `denied` says of a conversation whether it is to be denied."""
        super().__init__(daemon=True, name=f"approver {lane}")
        self._http = httpx2.Client(base_url=base, timeout=20, headers={"Authorization": f"Bearer {token}"})
        self._lane, self._denied = lane, denied
        self._stopped = threading.Event()
        self.won: dict[str, int] = {}
        """Approval → how often our verdict was answered with 200."""
        self.failure = ""

    def stop(self) -> None:
        """Stop deciding."""
        self._stopped.set()

    def run(self) -> None:
        """Decide what is open; what goes wrong is kept in `failure`."""
        while not self._stopped.wait(0.1):
            try:
                found = patiently(self._open, what="approvals")
                assert found.status_code == 200, found.text
                for each in found.json()["items"]:
                    self._decide(each)
            except Exception as error:
                self.failure = f"{self.name}: {type(error).__name__}: {error}"
                return

    def _open(self) -> httpx2.Response:
        return self._http.get("/api/v1/approvals", params={"state": "open", "lane": self._lane})

    def _decide(self, asked: dict[str, Any]) -> None:
        case = patiently(lambda: self._http.get(f"/api/v1/cases/{asked['case']}"), what="case").json()
        word = "deny" if self._denied(case["conversation"]) else "approve"
        verdict = {"verdict": word, "digest": asked["digest"], "reason": "because"}
        path = f"/api/v1/approvals/{asked['id']}/verdict"
        answer = patiently(lambda: self._http.post(path, json=verdict), what="verdict")
        assert answer.status_code in (200, 409), answer.text
        if answer.status_code == 200:
            self.won[asked["id"]] = self.won.get(asked["id"], 0) + 1
