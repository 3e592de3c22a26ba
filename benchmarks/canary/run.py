"""Plays releases to their end under one controller and measures what users paid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary.scenarios import Scenario
from benchmarks.canary.world import TICK, Array, Setting, World, merged, rows_of
from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import PROMOTE, ROLLBACK, SequentialState, initial
from tasks.judge.update import update
from tasks.judge.window import WindowArrays

Flags = NDArray[np.bool_]
HALF = 0.5
"""From here on most users have the canary: the default ladder's last step."""
HISTORY = 60
"""Ticks of stable traffic that every controller may read before the release begins."""


class Controller(Protocol):
    """One way to steer a release: sees windows as they are told, answers with shares.

    ``scored`` says whether it reads predictions.
    """

    scored: bool

    def tell(self, counts: WindowArrays, now: float) -> None:
        """A window has been told at ``now`` (seconds since the canary's start)."""

    def shares(self, now: float) -> Array:
        """Wanted share of the canary now."""

    def outcomes(self) -> Array:
        """0 open, 1 rolled back, 2 promoted, 3 undecided."""

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""


class Judge:
    """The judge as a controller, hundreds of releases through the same fold."""

    scored = True

    def __init__(self, policy: JudgePolicy, releases: int) -> None:
        self.policy, self.state = policy, initial(policy, releases)

    def tell(self, counts: WindowArrays, now: float) -> None:
        """Fold the window."""
        del now
        self.state = update(self.policy, self.state, counts)

    def shares(self, now: float) -> Array:
        """The share that the last verdict wants; none during the stable history."""
        return self.state.target if now >= 0 else np.zeros_like(self.state.target)

    def outcomes(self) -> Array:
        """Outcome codes of the state."""
        return self.state.outcome

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        self.state = SequentialState(
            **{item.name: getattr(self.state, item.name)[rows] for item in fields(SequentialState)}
        )


@dataclass
class Result:
    """Per release: outcome, seconds to it, bad responses, canary requests, seconds to a half."""

    outcome: Array
    seconds: Array
    bad: Array
    requests: Array
    half: Array

    @property
    def rolled_back(self) -> float:
        """Share of releases that were rolled back."""
        return float((self.outcome == ROLLBACK).mean())

    @property
    def promoted(self) -> float:
        """Share of releases that went to half of the traffic, whatever came later."""
        return float((self.half >= 0).mean())

    @property
    def missed(self) -> float:
        """Share of releases that were promoted for good."""
        return float((self.outcome == PROMOTE).mean())

    def median(self, values: Array) -> float:
        """Median over the releases that were rolled back; NaN when none was."""
        hit = self.outcome == ROLLBACK
        return float(np.median(values[hit])) if hit.any() else float("nan")

    @property
    def median_half(self) -> float:
        """Median seconds to half of the traffic; infinite when most releases never got there."""
        return float(np.median(np.where(self.half >= 0, self.half, np.inf)))


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
    stop_at_half: bool = False,
) -> Result:
    """Run ``reps`` releases until each has an outcome or ``horizon`` seconds have passed."""
    (result,) = play_together(
        scenario,
        setting,
        [make],
        reps=reps,
        seed=seed,
        edges=edges,
        bins=bins,
        horizon=horizon,
        history=history,
        stop_at_half=stop_at_half,
    )
    return result


def play_together(
    scenario: Scenario,
    setting: Setting,
    makers: Sequence[Callable[[int], Controller]],
    *,
    reps: int,
    seed: int | list[int],
    edges: tuple[float, ...],
    bins: int = 20,
    horizon: float = 9600.0,
    history: int = HISTORY,
    stop_at_half: bool = False,
) -> list[Result]:
    """Several controllers on the very same traffic; one result each.

    Raises:
        ValueError: two of them want different shares while both are open.
    """
    rng = np.random.default_rng(seed)
    steps = int(horizon / TICK)
    world = World(scenario, setting, edges, bins, reps, rng, steps + history + 1)
    controllers = [make(reps) for make in makers]
    world.scored = any(controller.scored for controller in controllers)
    results = [
        Result(np.zeros(reps), np.full(reps, horizon), np.zeros(reps), np.zeros(reps),
               np.full(reps, -1.0))
        for _ in makers
    ]  # fmt: skip
    waiting: list[tuple[int, WindowArrays]] = []
    parts: list[WindowArrays] = []
    for step in range(-history, steps):
        alive = world.alive
        weight = _wanted(controllers, results, alive, step * TICK)
        counts, excess = world.tick(weight)
        for result in results:
            still = result.outcome[alive] == 0
            top = still & (weight >= HALF) & (result.half[alive] < 0)
            result.half[alive[top]] = step * TICK
            result.bad[alive] += excess * still
            result.requests[alive] += counts.requests[:, 0, 0] * still
        parts.append(counts)
        if len(parts) == setting.ticks:
            waiting.append((step + 1 + setting.lag, merged(parts) if len(parts) > 1 else counts))
            parts = []
        told = [item for item in waiting if item[0] <= step + 1]
        waiting = [item for item in waiting if item[0] > step + 1]
        if not told:
            continue
        now = (step + 1) * TICK
        for controller, result in zip(controllers, results, strict=True):
            for _, window in told:
                controller.tell(window, now)
            codes = controller.outcomes()
            if stop_at_half:
                codes = np.where((codes == 0) & (controller.shares(now) >= HALF), 2, codes)
            over = (codes != 0) & (result.outcome[alive] == 0)
            result.outcome[alive[over]] = codes[over]
            result.seconds[alive[over]] = now
            whole = alive[over & (codes == PROMOTE) & (result.half[alive] < 0)]
            result.half[whole] = now
        left = np.any([result.outcome[alive] == 0 for result in results], axis=0)
        if not left.any():
            break
        if not left.all():
            world.keep(left)
            for controller in controllers:
                controller.keep(left)
            parts = [rows_of(part, left) for part in parts]
            waiting = [(when, rows_of(part, left)) for when, part in waiting]
    return results


def _wanted(
    controllers: Sequence[Controller],
    results: Sequence[Result],
    alive: NDArray[np.int64],
    now: float,
) -> Array:
    """The share on which all controllers that are still open agree."""
    if len(controllers) == 1:
        return controllers[0].shares(now)
    shares = np.array([controller.shares(now) for controller in controllers])
    still = np.array([result.outcome[alive] == 0 for result in results])
    highest = np.where(still, shares, -np.inf).max(0)
    if (still & (shares != highest)).any():
        raise ValueError("controllers that want different shares cannot see the same traffic")
    return np.asarray(highest)
