"""What is stored of a secret that was handed out."""

from __future__ import annotations

import hashlib


def digest(token: str) -> str:
    """Return what is stored of a token. A token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
