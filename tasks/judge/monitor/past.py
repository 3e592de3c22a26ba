"""What past weeks say of this hour: the shares that a champion as it was does not exceed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.judge.monitor.policy import DAY_SECONDS, HOUR_SECONDS, WEEK_SECONDS, MonitorPolicy
from tasks.judge.monitor.totals import Totals, together
from tasks.judge.policy import Immutable

WEEKS = 8
"""Weeks that are remembered."""
LEAST_WEEKS, LEAST_DAYS = 2, 3
LEAST_REQUESTS = 30
"""Requests, in the three hours about an hour of the past, from which on it says anything."""
ROBUST_FROM = 4
"""Periods from which on the worst is left out: one incident must not hide the next for weeks."""
TAIL = 0.1
"""The slowest tenth is watched."""
TAIL_MARGIN = 0.05
"""Points of requests by which more may be slow, beside what past weeks had."""

Past = Mapping[int, Totals]
"""Hours since 1970 → what was counted in them."""


class Expected(Immutable):
    """Largest shares of a champion as it was.

    Attributes:
        periods: Weeks, or days, that were looked at.
        unit: Which of the two.
        errors: Share of errors, margin included.
        edge: Index of the latency edge beyond which a request counts as slow; None: not known.
        slow: Share of slow requests, margin included.
    """

    periods: int
    unit: str
    errors: float
    edge: int | None = None
    slow: float = 1.0


def expected(
    policy: MonitorPolicy, past: Past, at: float, edges: Sequence[float]
) -> Expected | None:
    """What to expect at a moment, from the same hour of past weeks, else of past days.

    Args:
        policy: Margins.
        past: Whole hours before ``at``.
        at: Unix seconds.
        edges: Inner edges of the latency bins.

    Returns:
        None while fewer than two weeks, and fewer than three days, are known.
    """
    for unit, seconds, least in (
        ("weeks", WEEK_SECONDS, LEAST_WEEKS),
        ("days", DAY_SECONDS, LEAST_DAYS),
    ):
        periods = [
            period
            for back in range(1, WEEKS + 1)
            if (period := _about(past, at - back * seconds)).requests >= LEAST_REQUESTS
        ]
        if len(periods) >= least:
            return _expected(policy, periods, unit, edges)
    return None


def _about(past: Past, at: float) -> Totals:
    """The hour of a moment and its neighbours: days do not begin to the minute."""
    hour = int(at // HOUR_SECONDS)
    return together(past[one] for one in (hour - 1, hour, hour + 1) if one in past)


def _expected(
    policy: MonitorPolicy, periods: Sequence[Totals], unit: str, edges: Sequence[float]
) -> Expected:
    errors = _worst([(period.errors or 0) / period.requests for period in periods])
    timed = [period for period in periods if period.timed >= LEAST_REQUESTS]
    edge = _slow_edge(together(timed), policy.slower, edges) if timed else None
    found = Expected(periods=len(periods), unit=unit, errors=min(errors + policy.errors, 1.0))
    if edge is None:
        return found
    slow = _worst([period.slower_than(edge) / period.timed for period in timed])
    return found.model_copy(update={"edge": edge, "slow": min(slow + TAIL_MARGIN, 1.0)})


def _worst(shares: Sequence[float]) -> float:
    ordered = sorted(shares, reverse=True)
    return ordered[1 if len(ordered) >= ROBUST_FROM else 0]


def _slow_edge(all_periods: Totals, slower: float, edges: Sequence[float]) -> int | None:
    """The first edge that lies beyond the slowest tenth's beginning by the margin."""
    beyond = all_periods.timed
    for place in range(len(edges)):
        beyond -= all_periods.latency.get(place, 0)
        if beyond <= TAIL * all_periods.timed:
            wanted = edges[place] * (1.0 + slower)
            return next((at for at in range(place, len(edges)) if edges[at] >= wanted), None)
    return None
