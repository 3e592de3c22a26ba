"""Hyperparameter ranges: values within them, and where a value lies between 0 and 1. Pure.

Scaling types are those of SageMaker's developer guide ("Define Hyperparameter Ranges"): linear,
logarithmic (above 0 only) and reverse logarithmic (within 0 <= x < 1 only, continuous only).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SEVERAL_ORDERS = 100.0
"""How far the ends of a range lie apart where Auto is logarithmic. AWS tells no number."""
_APART = math.sqrt(0.5)
"""Coordinate of a category's own axis, so that two categories are 1 apart."""


class RangeError(Exception):
    """A range contradicts itself; the message is told to the customer."""


@dataclass(frozen=True)
class Scale:
    """A strictly increasing map of ``low`` to ``high`` onto 0 to 1."""

    kind: str
    low: float
    high: float

    def unit(self, value: float) -> float:
        """Where a value lies; outside of the range it is outside of 0 to 1.

        Raises:
            ValueError: the scale knows no such value.
        """
        low, high = self._bent(self.low), self._bent(self.high)
        return 0.5 if low == high else (self._bent(value) - low) / (high - low)

    def value(self, unit: float) -> float:
        """What lies there, within the range."""
        low, high = self._bent(self.low), self._bent(self.high)
        bent = low * (1.0 - unit) + high * unit
        if self.kind == "Logarithmic":
            bent = math.exp(bent)
        elif self.kind == "ReverseLogarithmic":
            bent = -math.expm1(-bent)
        return min(max(bent, self.low), self.high)

    def _bent(self, value: float) -> float:
        if self.kind == "Logarithmic":
            return math.log(value)
        return -math.log1p(-value) if self.kind == "ReverseLogarithmic" else value


@dataclass(frozen=True)
class Continuous:
    """A range of numbers."""

    name: str
    scale: Scale

    kind = "Continuous"
    axes = 1

    def at(self, unit: float) -> str:
        """The value there, as a training job is given it."""
        return repr(self.scale.value(unit))

    def random(self, rng: Random) -> str:
        """A value by chance."""
        return self.at(rng.random())

    def near(self, value: str, width: float, rng: Random) -> str:
        """A value by chance, near another."""
        return self.at(min(max(rng.gauss(self.scale.unit(float(value)), width), 0.0), 1.0))

    def place(self, value: str) -> tuple[float, ...]:
        """Coordinates of a value.

        Raises:
            ValueError: it has none.
        """
        return (self.scale.unit(float(value)),)


@dataclass(frozen=True)
class Integer(Continuous):
    """A range of whole numbers; each has its cell between 0 and 1."""

    low: int
    high: int

    kind = "Integer"

    def at(self, unit: float) -> str:
        """The value there, as a training job is given it."""
        return str(min(max(round(self.scale.value(unit)), self.low), self.high))

    def place(self, value: str) -> tuple[float, ...]:
        """Coordinates of a value.

        Raises:
            ValueError: it has none.
        """
        return (self.scale.unit(int(value)),)


@dataclass(frozen=True)
class Categorical:
    """One of several values."""

    name: str
    values: tuple[str, ...]

    kind = "Categorical"

    @property
    def axes(self) -> int:
        """Axes of its coordinates: one for each value."""
        return len(self.values)

    def random(self, rng: Random) -> str:
        """A value by chance."""
        return rng.choice(self.values)

    def near(self, value: str, width: float, rng: Random) -> str:
        """The same value, or by chance another."""
        return value if rng.random() > width else rng.choice(self.values)

    def place(self, value: str) -> tuple[float, ...]:
        """Coordinates of a value: all categories are as far from each other.

        Raises:
            ValueError: it has none.
        """
        if value not in self.values:
            raise ValueError(value)
        return tuple(_APART if one == value else 0.0 for one in self.values)


Range = Continuous | Integer | Categorical
Space = Sequence[Range]


def space_of(ranges: Mapping[str, Any]) -> list[Range]:
    """The ranges of ``ParameterRanges``.

    Raises:
        RangeError: they contradict themselves.
    """
    space: list[Range] = [
        *map(_categorical, ranges.get("CategoricalParameterRanges") or ()),
        *map(_continuous, ranges.get("ContinuousParameterRanges") or ()),
        *map(_integer, ranges.get("IntegerParameterRanges") or ()),
    ]
    names = [one.name for one in space]
    for name in names:
        if names.count(name) > 1:
            raise RangeError(f"Hyperparameter {name} has more than one range.")
    return space


def place(space: Space, values: Mapping[str, str]) -> tuple[float, ...] | None:
    """Coordinates of a combination; None of one that has no place in this space."""
    try:
        return tuple(axis for one in space for axis in one.place(values[one.name]))
    except (KeyError, ValueError):
        return None


def _categorical(asked: Mapping[str, Any]) -> Categorical:
    return Categorical(asked["Name"], tuple(dict.fromkeys(asked["Values"])))


def _continuous(asked: Mapping[str, Any]) -> Continuous:
    low, high = _ends(asked, float)
    return Continuous(asked["Name"], _scale(asked, low, high, low, high))


def _integer(asked: Mapping[str, Any]) -> Integer:
    low, high = _ends(asked, int)
    if asked.get("ScalingType") == "ReverseLogarithmic":
        raise RangeError(
            f"ReverseLogarithmic scaling is not supported for the integer range of {asked['Name']}."
        )
    scale = _scale(asked, low, high, low - 0.5, high + 0.5)
    return Integer(asked["Name"], scale, int(low), int(high))


def _ends(asked: Mapping[str, Any], kind: type[int | float]) -> tuple[float, float]:
    name = asked["Name"]
    try:
        low, high = kind(asked["MinValue"]), kind(asked["MaxValue"])
        finite = math.isfinite(low) and math.isfinite(high)
    except (ValueError, OverflowError):
        finite = False
    if not finite:
        what = "an integer" if kind is int else "a finite number"
        raise RangeError(f"MinValue and MaxValue of {name} must each be {what}.")
    if low > high:
        raise RangeError(f"MinValue of {name} must not be greater than its MaxValue.")
    return low, high


def _scale(asked: Mapping[str, Any], low: float, high: float, start: float, end: float) -> Scale:
    """The scale of a range from ``low`` to ``high`` whose cells begin and end a little beyond."""
    kind = asked.get("ScalingType") or "Auto"
    if kind == "Auto":
        kind = "Logarithmic" if low > 0 and high / low >= SEVERAL_ORDERS else "Linear"
    if kind == "Logarithmic" and low <= 0:
        raise RangeError(
            f"Logarithmic scaling works only for ranges with values greater than 0: {asked['Name']}"
        )
    if kind == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        raise RangeError(
            "ReverseLogarithmic scaling works only for ranges within 0<=x<1.0: " + asked["Name"]
        )
    return Scale(kind, start, end)
