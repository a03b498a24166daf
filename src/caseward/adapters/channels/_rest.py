"""Calls to a vendor's JSON API, in which what surely was not done is told apart from what may have been."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from caseward.core.errors import CasewardError, SystemDown

TIMEOUT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 600.0
"""A vendor that asks to be left alone for longer is asked again after this."""
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a vendor answered."""

    status: int
    data: Mapping[str, Any] = field(default_factory=dict)
    """Its JSON object; empty where it is none."""


class Rest:
    """One vendor's API. Safe to call from several threads."""

    def __init__(
        self, system: str, base: str, *, headers: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to call.

        Args:
            system: what errors name.
            base: address under which all paths are.
            headers: sent with every call.
            clock: seconds that only go forward; what a vendor asks to wait is counted in them.
        """
        self._system = system
        self._http = httpx2.Client(base_url=base, headers=dict(headers), timeout=TIMEOUT_SECONDS)
        self._clock = clock
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def call(self, method: str, path: str, *, json: Any = None, params: Any = None, limit: str = "") -> Answer:
        """Call and return the answer, of whatever status below 500; `limit` names what its rate limit is counted for.

        Raises:
            SystemDown: it was surely not done: nobody answered the door, or the vendor wants us to wait.
            CasewardError: it may have been done.
        """
        self._wait_out(limit or path)
        try:
            answer = self._http.request(method, path, json=json, params=params)
        except _NOT_SENT as error:
            raise SystemDown(self._system, f"no connection ({type(error).__name__})") from error
        except httpx2.HTTPError as error:
            raise CasewardError(f"{self._system}: {method} {path} ended in {type(error).__name__}") from error
        if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            raise SystemDown(self._system, f"asks to wait {self._told_to_wait(limit or path, answer):g} s")
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise CasewardError(f"{self._system}: {method} {path} was answered {answer.status_code}")
        return Answer(status=answer.status_code, data=_object(answer))

    def _wait_out(self, limit: str) -> None:
        """Raise SystemDown while the vendor wants to be left alone: each call in that time makes it longer."""
        with self._lock:
            left = max(self._free.get(name, 0.0) for name in ("", limit)) - self._clock()
        if left > 0:
            raise SystemDown(self._system, f"asks to wait {left:.1f} s")

    def _told_to_wait(self, limit: str, answer: httpx2.Response) -> float:
        body = _object(answer)
        wait = max(_seconds(body.get("retry_after")), _seconds(answer.headers.get("retry-after"))) or 1.0
        everything = body.get("global") is True or answer.headers.get("x-ratelimit-global") == "true"
        wait = min(wait, LONGEST_WAIT_SECONDS)
        with self._lock:
            self._free["" if everything else limit] = self._clock() + wait
        return wait


def _object(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0
