"""Plays releases to their end under one controller and measures what users paid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary.world import TICK, Array, Scenario, Setting, World, merged, rows_of
from tasks.release.judge.course import advance
from tasks.release.judge.ledger import PROMOTED, ROLLED_BACK, Ledger, opening
from tasks.release.judge.policy import JudgePolicy
from tasks.release.judge.window import Counts

Flags = NDArray[np.bool_]
FULL = 0.85
HISTORY = 60
"""Ticks of stable traffic that every controller may read before the release begins."""


class Controller(Protocol):
    """One way to steer a release: sees windows as they are told, answers with shares."""

    def tell(self, counts: Counts, now: float) -> None:
        """A window has been told at ``now`` (seconds since the canary's start)."""

    def shares(self, now: float) -> Array:
        """Wanted share of the canary now."""

    def outcomes(self) -> Array:
        """0 open, 1 rolled back, 2 promoted, 3 undecided."""

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""


class Judge:
    """The judge as a controller, hundreds of releases through the same fold."""

    def __init__(self, policy: JudgePolicy, releases: int) -> None:
        self.policy, self.ledger = policy, opening(policy, releases)

    def tell(self, counts: Counts, now: float) -> None:
        """Fold the window."""
        del now
        self.ledger = advance(self.policy, self.ledger, counts)

    def shares(self, now: float) -> Array:
        """The share that the last verdict wants; none during the stable history."""
        return self.ledger.target if now >= 0 else np.zeros_like(self.ledger.target)

    def outcomes(self) -> Array:
        """Outcome codes of the ledger."""
        return self.ledger.outcome

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        self.ledger = Ledger(
            **{item.name: getattr(self.ledger, item.name)[rows] for item in fields(Ledger)}
        )


@dataclass
class Result:
    """Per release: outcome, seconds to it, bad responses, canary requests, seconds to full."""

    outcome: Array
    seconds: Array
    bad: Array
    requests: Array
    full: Array

    @property
    def rolled_back(self) -> float:
        """Share of releases that were rolled back."""
        return float((self.outcome == ROLLED_BACK).mean())

    @property
    def promoted(self) -> float:
        """Share of releases that went to full traffic, whatever came later."""
        return float((self.full >= 0).mean())

    @property
    def missed(self) -> float:
        """Share of releases that were promoted for good."""
        return float((self.outcome == PROMOTED).mean())

    def median(self, values: Array) -> float:
        """Median over the releases that were rolled back; NaN when none was."""
        hit = self.outcome == ROLLED_BACK
        return float(np.median(values[hit])) if hit.any() else float("nan")

    @property
    def median_full(self) -> float:
        """Median seconds to full traffic over all releases; infinite when under half got there."""
        return float(np.median(np.where(self.full >= 0, self.full, np.inf)))


def play(
    scenario: Scenario,
    setting: Setting,
    make: Callable[[int], Controller],
    *,
    reps: int,
    seed: int | list[int],
    edges: tuple[float, ...],
    bins: int = 20,
    horizon: float = 9600.0,
    history: int = HISTORY,
    stop_at_full: bool = False,
) -> Result:
    """Run ``reps`` releases until each has an outcome or ``horizon`` seconds have passed."""
    rng = np.random.default_rng(seed)
    steps = int(horizon / TICK)
    world = World(scenario, setting, edges, bins, reps, rng, steps + history + 1)
    controller = make(reps)
    outcome, seconds = np.zeros(reps), np.full(reps, horizon)
    bad, requests, full = np.zeros(reps), np.zeros(reps), np.full(reps, -1.0)
    waiting: list[tuple[int, Counts]] = []
    parts: list[Counts] = []
    for step in range(-history, steps):
        alive = world.alive
        weight = controller.shares(step * TICK)
        top = (weight >= FULL) & (full[alive] < 0)
        full[alive[top]] = step * TICK
        counts, excess = world.tick(weight)
        bad[alive] += excess
        requests[alive] += counts.requests[:, 0, 0]
        parts.append(counts)
        if len(parts) == setting.ticks:
            waiting.append((step + 1 + setting.lag, merged(parts) if len(parts) > 1 else counts))
            parts = []
        told = [item for item in waiting if item[0] <= step + 1]
        waiting = [item for item in waiting if item[0] > step + 1]
        for _, window in told:
            controller.tell(window, (step + 1) * TICK)
        if not told:
            continue
        codes = controller.outcomes()
        if stop_at_full:
            codes = np.where(
                (codes == 0) & (controller.shares((step + 1) * TICK) >= FULL), 2, codes
            )
        over = codes != 0
        if over.any():
            outcome[alive[over]] = codes[over]
            whole = alive[(codes == PROMOTED) & (full[alive] < 0)]
            full[whole] = (step + 1) * TICK
            seconds[alive[over]] = (step + 1) * TICK
            left = ~over
            if not left.any():
                break
            world.keep(left)
            controller.keep(left)
            parts = [rows_of(part, left) for part in parts]
            waiting = [(when, rows_of(part, left)) for when, part in waiting]
    return Result(outcome, seconds, bad, requests, full)
