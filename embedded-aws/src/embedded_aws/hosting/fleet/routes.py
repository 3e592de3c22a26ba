"""Which variant answers a request: a pure, immutable table.

During a blue/green update two generations of variants stand side by side; each holds a share of
the traffic and splits it among its variants by weight.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class Lane(Generic[V]):
    """One generation's part of the traffic.

    Args:
        share: Part of the endpoint's traffic, 0 to 1.
        variants: Each variant by name with its weight (≥ 0).
    """

    share: float
    variants: Mapping[str, tuple[float, V]]


class Routes(Generic[V]):
    """A routing table; replaced as a whole, never changed.

    Args:
        lanes: The generations that stand; at most two.
        draw: Uniform random numbers in [0, 1).
    """

    def __init__(self, lanes: Sequence[Lane[V]], draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        ways: list[tuple[float, V]] = []
        by_name: dict[str, list[tuple[float, V]]] = {}
        for lane in lanes:
            total = sum(weight for weight, _ in lane.variants.values())
            for name, (weight, variant) in lane.variants.items():
                if total > 0 and weight > 0 and lane.share > 0:
                    ways.append((lane.share * weight / total, variant))
                by_name.setdefault(name, []).append((lane.share, variant))
        self._all = _Wheel(ways)
        self._by_name = {
            # A variant must be reachable by name even where its generation takes no traffic yet.
            name: _Wheel([way for way in ways if way[0] > 0] or ways[-1:])
            for name, ways in by_name.items()
        }

    def pick(self) -> V | None:
        """A variant at random by weight; None when no variant takes traffic."""
        return self._all.at(self._draw())

    def named(self, name: str) -> V | None:
        """The variant of that name, whatever its weight; None when there is none."""
        wheel = self._by_name.get(name)
        return None if wheel is None else wheel.at(self._draw())


class _Wheel(Generic[V]):
    def __init__(self, ways: Sequence[tuple[float, V]]) -> None:
        self._things = [thing for _, thing in ways]
        self._edges = list(accumulate(weight for weight, _ in ways))

    def at(self, lot: float) -> V | None:
        if not self._things:
            return None
        if len(self._things) == 1:
            return self._things[0]
        place = bisect_right(self._edges, lot * self._edges[-1])
        return self._things[min(place, len(self._things) - 1)]
