"""Sending updates to the bot's webhook, again until it answers with a 2xx: https://core.telegram.org/bots/api#setwebhook.

Updates of different chats go side by side; those of one chat one after another, unless the order is to be shuffled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from caseward.simulators._telegram_world import Update, World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 its name
SECONDS = 10.0
IDLE_SECONDS = 5.0


class Courier:
    """The thread that hands updates over while a webhook is set."""

    def __init__(self, world: World, call: Callable[[str, dict[str, Any]], Any]) -> None:
        self._world, self._call = world, call
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, once."""
        with self._world.changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="telegram-courier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        world = self._world
        with httpx2.Client(timeout=SECONDS) as http, ThreadPoolExecutor(8, "telegram-courier") as pool:
            while not world.over:
                with world.changed:
                    update = self._next()
                    if update is None:
                        world.changed.wait(self._patience())
                        continue
                    update.sending = True
                    url, secret = world.webhook["url"], world.webhook["secret"]
                pool.submit(self._hand_over, http, update, url, secret)

    def _next(self) -> Update | None:
        world, now = self._world, time.monotonic()
        busy = sum(update.sending for update in world.updates)
        if not world.webhook or busy >= world.webhook["max_connections"]:
            return None
        waiting = [update for update in world.updates if not update.sending]
        if world.shuffled is None:
            first: dict[int, Update] = {}
            for update in world.updates:
                first.setdefault(update.chat, update)
            waiting = [update for update in first.values() if not update.sending]
        ready = [update for update in waiting if update.due <= now]
        if not ready:
            return None
        return ready[0] if world.shuffled is None else world.shuffled.choice(ready)

    def _patience(self) -> float:
        """Return how long there is nothing to do, unless something changes."""
        now = time.monotonic()
        waits = [update.due - now for update in self._world.updates if not update.sending and update.due > now]
        return min([IDLE_SECONDS, *waits])

    def _hand_over(self, http: httpx2.Client, update: Update, url: str, secret: str) -> None:
        world, status, said = self._world, 0, ""
        answer: httpx2.Response | None = None
        headers = {SECRET_HEADER: secret} if secret else {}
        try:
            answer = http.post(url, json=update.body, headers=headers)
            status, said = answer.status_code, answer.text
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            said = type(error).__name__
        with world.changed:
            taken = 200 <= status < 300
            if taken:
                update.left -= 1
            else:
                update.tries += 1
                update.due = time.monotonic() + world.retry_seconds
                why = f"Wrong response from the webhook: {status}" if status else f"Connection failed: {said}"
                world.webhook |= {"last_error_date": int(time.time()), "last_error_message": why}
            update.sending = False
            if update.left <= 0:
                world.updates = [each for each in world.updates if each is not update]
            what = ", ".join(kind for kind in update.body if kind != "update_id")
            world.exchanged("to the bot", what, status, update.body, said)
        if taken and answer is not None:
            self._called_back(answer)

    def _called_back(self, answer: httpx2.Response) -> None:
        """Carry out the method that a bot may name in its answer; it never learns what came of it."""
        try:
            said = answer.json()
        except ValueError:
            return
        if isinstance(said, dict) and isinstance(said.get("method"), str):
            self._call(said["method"], {name: value for name, value in said.items() if name != "method"})
