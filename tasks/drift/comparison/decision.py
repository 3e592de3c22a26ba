"""From tests to a decision: one error budget over tests, windows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.drift.comparison.twosample import Tested


@dataclass(frozen=True)
class ColumnEvidence:
    """The strongest evidence on one column.

    Attributes:
        p: Column p-value: valid whichever test and window were the strongest.
        test: That test.
        window: Partitions that it looked at, from the newest back.
    """

    p: float
    test: Tested
    window: int


NOTHING = Tested("nothing to test", 1.0, 0.0)


def strongest(
    by_window: Mapping[int, Sequence[Tested]],
    window_share: Mapping[int, float],
    budget: Mapping[str, float],
) -> ColumnEvidence:
    """Weighted Bonferroni over the tests and windows of one column."""
    best = ColumnEvidence(1.0, NOTHING, min(by_window, default=1))
    for window, tests in by_window.items():
        for test in tests:
            p = min(1.0, test.p / (budget[test.name] * window_share[window]))
            if p < best.p or best.test is NOTHING:
                best = ColumnEvidence(p, test, window)
    return best


def holm(p_values: Mapping[str, float], alpha: float) -> tuple[frozenset[str], dict[str, float]]:
    """Holm (1979): names rejected at family-wise level alpha under any dependence.

    Returns:
        Names rejected; adjusted p-values.
    """
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    adjusted: dict[str, float] = {}
    running = 0.0
    for index, name in enumerate(ordered):
        running = max(running, min(1.0, p_values[name] * (len(ordered) - index)))
        adjusted[name] = running
    return frozenset(name for name in ordered if adjusted[name] <= alpha), adjusted
