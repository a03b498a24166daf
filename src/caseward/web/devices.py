"""Sessions in words: which device, how it was signed in."""

from __future__ import annotations

from collections.abc import Mapping

BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
"""What a browser calls itself by → its name; the first that fits, for most name others too."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
WAYS: Mapping[str, str] = {
    "password": "password",
    "link": "sign-in link",
    "invite": "invitation",
    "reset": "reset link",
    "app": "code of the app",
    "recovery": "recovery code",
    "provider": "single sign-on",
}
LONGEST = 60


def device(agent: str) -> str:
    """Return what a browser and its device are called, as far as it says."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    return " on ".join(part for part in (browser, system) if part) or agent[:LONGEST] or "Unknown device"


def way(method: str) -> str:
    """Return how a session was opened."""
    return " and ".join(WAYS.get(part, part) for part in method.split("+") if part) or "unknown"
