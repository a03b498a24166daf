"""Facts: the typed values that policy is decided on. An unknown fact is left out, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias

from caseward.core.errors import BadInput

Value: TypeAlias = bool | int | str | frozenset[str]
Facts: TypeAlias = Mapping[str, Value]
"""Fact name → value in the unit the pack declares. An unknown fact is left out, never None."""

MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080}
_DURATION = re.compile(r"(-?)((?:\d+[wdhm] ?)+)")
_MONEY = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
_WHOLE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
"""Currencies whose minor unit is not a hundredth (ISO 4217)."""


class FactKind(StrEnum):
    """The types a fact may have."""

    BOOL = "bool"
    ENUM = "enum"
    RANK = "rank"
    """An enum whose values are listed from the lowest to the highest, and may be compared."""
    INTEGER = "integer"
    MONEY = "money"
    """A whole number of minor units of the fact's currency; written `12.50 EUR`."""
    DURATION = "duration"
    """A whole number of minutes; written `90m`, `2h`, `30d`, `1d 12h`, with a leading `-` for the past."""
    SET = "set"


NUMBERS = (FactKind.INTEGER, FactKind.MONEY, FactKind.DURATION)
"""Kinds whose values are whole numbers with an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """What a pack declares about one fact."""

    name: str
    kind: FactKind
    values: tuple[str, ...] = ()
    """Allowed members, for an enum, a rank (lowest first) or a set."""
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""
    """What an integer counts; the currency of money (ISO 4217)."""
    because: str = ""
    """What the fact means, in the pack's words."""

    def parse(self, raw: object) -> Value:
        """Return `raw` as this fact's value; raise BadInput that names the fact, the value and what is allowed."""
        value = self._read(raw)
        if value is None:
            raise BadInput(f"fact {self.name}: {raw!r} is not {self.allowed()}")
        return value

    def told(self, raw: object) -> Value | None:
        """Return what a system said as this fact's value, None where it says no such thing.

        A bare number of money is in whole units of the currency, as systems count; a text of digits is a number.
        """
        if self.kind is FactKind.MONEY and isinstance(raw, int) and not isinstance(raw, bool):
            return self._read(f"{raw} {self.unit}")
        if self.kind in NUMBERS and isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}", raw):
            return self.told(int(raw)) if self.kind is FactKind.MONEY else self._read(int(raw))
        return self._read(raw)

    def _read(self, raw: object) -> Value | None:
        if self.kind is FactKind.BOOL:
            return raw if isinstance(raw, bool) else None
        if self.kind in (FactKind.ENUM, FactKind.RANK):
            return raw if isinstance(raw, str) and raw in self.values else None
        if self.kind is FactKind.SET:
            if not isinstance(raw, list | tuple | set | frozenset):
                return None
            fits = all(isinstance(item, str) and item in self.values for item in raw)
            return frozenset(raw) if fits else None
        number = self.number(raw)
        low, high = self.minimum, self.maximum
        fits = number is not None and (low is None or number >= low) and (high is None or number <= high)
        return number if fits else None

    def number(self, raw: object) -> int | None:
        """Return `raw` in this fact's unit whatever its limits, or None when it is no such number."""
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and self.kind is FactKind.DURATION:
            return _minutes(raw)
        if isinstance(raw, str) and self.kind is FactKind.MONEY:
            return _minor_units(raw, self.unit)
        return None

    def show(self, value: Value) -> str:
        """Return a value of this fact as a pack writes it."""
        if isinstance(value, frozenset):
            return "[" + ", ".join(name for name in self.values if name in value) + "]"
        if isinstance(value, bool):
            return "true" if value else "false"
        if self.kind is FactKind.MONEY and isinstance(value, int):
            decimals = _decimals(self.unit)
            return f"{Decimal(value).scaleb(-decimals):.{decimals}f} {self.unit}"
        if self.kind is FactKind.DURATION and isinstance(value, int):
            return _spelled(value)
        return str(value)

    def allowed(self) -> str:
        """Say in words what values this fact takes."""
        if self.kind is FactKind.BOOL:
            return "true or false"
        if self.kind in (FactKind.ENUM, FactKind.RANK):
            return "one of " + ", ".join(self.values)
        if self.kind is FactKind.SET:
            return "a list of any of " + ", ".join(self.values)
        span = [f">= {self.show(self.minimum)}" if self.minimum is not None else ""]
        span.append(f"<= {self.show(self.maximum)}" if self.maximum is not None else "")
        limits = " and ".join(part for part in span if part)
        match self.kind:
            case FactKind.MONEY:
                what = f"an amount such as {self.show(1250)}, or a whole number of minor units"
            case FactKind.DURATION:
                what = "a time such as 90m, 2h or 30d, or a whole number of minutes"
            case _:
                what = "a whole number"
        unit = f" ({self.unit})" if self.unit and self.kind is FactKind.INTEGER else ""
        return f"{what} {limits}".strip() + unit


def _decimals(currency: str) -> int:
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def _minutes(text: str) -> int | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    total = sum(int(number) * MINUTES[unit] for number, unit in re.findall(r"(\d+)([wdhm])", match[2]))
    return -total if match[1] else total


def _spelled(minutes: int) -> str:
    parts, left = [], abs(minutes)
    for unit in ("d", "h", "m"):
        count, left = divmod(left, MINUTES[unit])
        parts += [f"{count}{unit}"] if count else []
    return ("-" if minutes < 0 else "") + (" ".join(parts) or "0m")


def _minor_units(text: str, currency: str) -> int | None:
    match = _MONEY.fullmatch(text.strip())
    if match is None or match[2] != currency:
        return None
    try:
        amount = Decimal(match[1]).scaleb(_decimals(currency))
    except InvalidOperation:
        return None
    return int(amount) if amount == amount.to_integral_value() else None


def parse_facts(specs: Mapping[str, FactSpec], raw: Mapping[str, object]) -> dict[str, Value]:
    """Return `raw` as typed facts; raise BadInput for a fact the pack does not know or a value it does not allow."""
    facts: dict[str, Value] = {}
    for name, value in raw.items():
        if name not in specs:
            raise BadInput(f"unknown fact {name!r}; this pack knows {', '.join(sorted(specs))}")
        facts[name] = specs[name].parse(value)
    return facts
