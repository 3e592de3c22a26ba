"""What a count of rows, or their share, must be: the operators of an ODCS quality rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tasks.contracts.model import Bound
from tasks.contracts.odcs.documents import Fault

WHOLE = 100.0
"""Per cent."""


def bound_of(rule: Mapping[str, Any], where: str) -> Bound:
    """The one operator of a rule.

    Raises:
        Fault: there is none or are several, or every count keeps it, or none can.
    """
    unit = rule.get("unit", "rows")
    if unit not in {"rows", "percent"}:
        raise Fault(f"{where}: unit {unit!r} is not rows or percent")
    bounds: dict[str, dict[str, Any]] = {}
    for operator, value in rule.items():
        if operator in {"mustBe", "mustNotBe"}:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Fault(f"{where}: {operator} {value!r} is not a number")
            bounds[operator] = {"low": value, "high": value, "inside": operator == "mustBe"}
        elif operator in {"mustBeGreaterThan", "mustBeGreaterOrEqualTo"}:
            bounds[operator] = {"low": value, "strict": operator == "mustBeGreaterThan"}
        elif operator in {"mustBeLessThan", "mustBeLessOrEqualTo"}:
            bounds[operator] = {"high": value, "strict": operator == "mustBeLessThan"}
        elif operator in {"mustBeBetween", "mustNotBeBetween"}:
            low, high = value
            if low > high:
                raise Fault(f"{where}: {operator} {value!r} lists the greater one first")
            bounds[operator] = {"low": low, "high": high, "inside": operator == "mustBeBetween"}
    if len(bounds) != 1:
        raise Fault(f"{where}: needs exactly one operator, has {sorted(bounds) or 'none'}")
    [(operator, parts)] = bounds.items()
    bound = Bound(unit=unit, **parts)
    require_deciding(bound, f"{where}: {operator} {rule[operator]!r}")
    return bound


def require_deciding(bound: Bound, where: str) -> None:
    """Refuse a bound that tells no two counts apart.

    Raises:
        Fault: every count (0, 1, 2 …), or every share (0 to 100 %), keeps it, or none does.
    """
    verdicts = {bound.holds(value) for value in _counts(bound)}
    if len(verdicts) == 1:
        counted = "share of 0 to 100 %" if bound.unit == "percent" else "count of rows"
        kept = "every" if verdicts.pop() else "no"
        raise Fault(f"{where}: {kept} {counted} keeps it; write a bound that some keep")


def _counts(bound: Bound) -> Iterator[float]:
    """One count, or share, of each stretch on which a bound says one thing."""
    ends = [end for end in (bound.low, bound.high) if end is not None]
    if bound.unit == "rows":
        yield 0
        for end in ends:
            yield from (count for count in range(math.floor(end) - 1, math.floor(end) + 3)
                        if count >= 0)  # fmt: skip
        return
    stops = sorted({0.0, WHOLE, *(end for end in ends if 0 <= end <= WHOLE)})
    yield from stops
    yield from ((low + high) / 2 for low, high in pairwise(stops))
