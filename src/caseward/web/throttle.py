"""How often one address may do something: a bucket each, kept in memory, refilled at a steady rate."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 10_000
"""Buckets kept; beyond that the full ones are dropped, which forgets nothing."""
IPV6_SITE = 64
"""Bits of an IPv6 address that its holder cannot change at will."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Throttle:
    """Lets each key through `burst` times at once, and `per_second` times a second from then on."""

    def __init__(self, *, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, per_second, clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Take one turn for `key` and return 0, or return how many seconds to wait, taking none."""
        now = self._clock()
        with self._lock:
            if len(self._buckets) >= MOST:
                self._drop_full(now)
            bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return 0.0
            return (1 - bucket.left) / self._rate

    def _drop_full(self, now: float) -> None:
        refill = self._burst / self._rate
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket.at < refill}


def site(address: str) -> str | None:
    """Return what an address is counted as; None for this machine itself, which is not counted."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return site(str(ip.ipv4_mapped))
        return None if ip.is_loopback else str(ipaddress.ip_network((ip, IPV6_SITE), strict=False))
    return None if ip.is_loopback else address
