"""Combinations that depend on no result: by chance, and all of a grid. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from random import Random

from embedded_aws.tuning.ranges import Categorical, Space

_TRIES = 20


def by_chance(
    space: Space, rng: Random, taken: Collection[Mapping[str, str]] = ()
) -> dict[str, str]:
    """A combination by chance; one of ``taken`` only where others are hard to find."""
    for _ in range(_TRIES):
        values = {one.name: one.random(rng) for one in space}
        if values not in taken:
            break
    return values


def size(space: Space) -> int:
    """How many combinations a grid has."""
    return math.prod(one.axes for one in space if isinstance(one, Categorical))


def combination(space: Space, number: int) -> dict[str, str]:
    """One combination of a grid, counted from 0; the last parameter changes first."""
    values: dict[str, str] = {}
    for one in reversed([one for one in space if isinstance(one, Categorical)]):
        number, which = divmod(number, len(one.values))
        values[one.name] = one.values[which]
    return dict(reversed(values.items()))
