"""How well a colour can be read on another: WCAG 2.2, contrast ratio."""

from __future__ import annotations

import re

_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
READABLE = 4.5
"""What text of ordinary size needs (WCAG 2.2, 1.4.3)."""


def is_colour(text: str) -> bool:
    """Return whether a text is a colour, `#RRGGBB`."""
    return _HEX.fullmatch(text) is not None


def ratio(one: str, other: str) -> float:
    """Return the contrast of two colours `#RRGGBB`, from 1 for the same to 21 for black and white."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
