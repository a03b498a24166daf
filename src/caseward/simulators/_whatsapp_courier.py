"""How Meta calls a webhook: signed over the raw bytes, at least once, again and again until it is answered 200.

What makes that hard for the one called can be turned on: copies, another order, several at a time, a delay.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import httpx2

Noted = Callable[[bytes, str], None]
"""Called with the body and what became of one try: a status, or why there was none."""


class Courier:
    """Takes bodies and brings them to the hook, in threads of its own."""

    def __init__(self, hook: str, secret: str, noted: Noted, *, backoff: float = 0.2, hands: int = 1) -> None:
        """Begin.

        Args:
            hook: where to bring them; nowhere when empty.
            secret: the app secret, which signs.
            noted: told of every try.
            backoff: seconds until a refused body is brought again; twice as many each time, ten at most.
            hands: how many are brought at a time.
        """
        self.hook, self._secret, self._noted = hook, secret.encode(), noted
        self.backoff, self.copies, self.delay = backoff, 1, 0.0
        self.shuffled: random.Random | None = None
        """Brings bodies in an order of its own; None keeps theirs."""
        self._wake = threading.Condition()
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._under_way = 0
        self._held: list[bytes] | None = None
        self._numbers = itertools.count()
        self._over = False
        self._threads: list[threading.Thread] = []
        self.hands = hands

    def signature(self, body: bytes) -> str:
        """Return what stands in `X-Hub-Signature-256`."""
        return "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()

    def bring(self, body: bytes) -> None:
        """Take a body over; it is brought `copies` times."""
        with self._wake:
            if self._held is not None:
                self._held.append(body)
                return
        self._put([body])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Bring nothing while this lasts, and then all of it: every copy, in the order that is set."""
        with self._wake:
            self._held = []
        try:
            yield
        finally:
            with self._wake:
                bodies, self._held = self._held or [], None
            self._put(bodies)

    def give(self, body: bytes, signature: str | None = None) -> int:
        """Bring a body once, now, signed as told, and return the status."""
        return self._post(body, self.signature(body) if signature is None else signature)

    def settle(self, seconds: float = 30) -> None:
        """Return once everything was taken; raise TimeoutError after `seconds`."""
        with self._wake:
            if not self._wake.wait_for(lambda: not self._waiting and not self._under_way, seconds):
                raise TimeoutError(f"{len(self._waiting)} webhooks were not taken within {seconds} s")

    def close(self) -> None:
        """Stop; what was not taken yet is forgotten."""
        with self._wake:
            self._over = True
            self._waiting.clear()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)
        if "_http" in self.__dict__:
            self._http.close()

    @cached_property
    def _http(self) -> httpx2.Client:
        """Return what calls the hook; a simulator that calls none needs none."""
        return httpx2.Client(timeout=30)

    def _put(self, bodies: list[bytes]) -> None:
        if not self.hook:
            for body in bodies:
                self._noted(body, "no hook")
            return
        copies = [body for body in bodies for _copy in range(self.copies)]
        if self.shuffled is not None:
            self.shuffled.shuffle(copies)
        with self._wake:
            for body in copies:
                late = self.delay + (self.shuffled.random() * 0.05 if self.shuffled is not None else 0.0)
                heapq.heappush(self._waiting, (time.monotonic() + late, next(self._numbers), 0, body))
            while len(self._threads) < self.hands and not self._over:
                thread = threading.Thread(target=self._work, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._over and (not self._waiting or self._waiting[0][0] > time.monotonic()):
                    self._wake.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                if self._over:
                    return
                _due, number, tries, body = heapq.heappop(self._waiting)
                self._under_way += 1
            taken = self._post(body, self.signature(body)) == 200
            with self._wake:
                self._under_way -= 1
                if not taken and not self._over:
                    due = time.monotonic() + min(self.backoff * 2**tries, 10.0)
                    heapq.heappush(self._waiting, (due, number, tries + 1, body))
                self._wake.notify_all()

    def _post(self, body: bytes, signature: str) -> int:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        try:
            status = self._http.post(self.hook, content=body, headers=headers).status_code
        except (httpx2.HTTPError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            self._noted(body, type(error).__name__)
            return 0
        self._noted(body, str(status))
        return status
