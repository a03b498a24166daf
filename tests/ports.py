"""Ports for servers in processes of their own, which may be away for a while and come back."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

FIRST, AFTER = 20_000, 32_000
"""Below what systems hand out to whoever connects somewhere: nobody takes such a port while its server is away."""


def free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    while True:
        port = FIRST + secrets.randbelow(AFTER - FIRST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
