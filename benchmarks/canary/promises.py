"""What is promised, measured: α, β, and shadow traffic."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from benchmarks.canary.run import Controller, Flags, Judge, play
from benchmarks.canary.scenarios import HELD_OUT, SCENARIOS, Scenario
from benchmarks.canary.world import Array, Setting, lognormal
from tasks.judge import JudgePolicy
from tasks.judge.non_inferiority import GATES, LEVELS, margins
from tasks.judge.sequential import PROMOTE, ROLLBACK, initial
from tasks.judge.update import update
from tasks.judge.window import WindowArrays

BATCH = 1000

ALPHA_CELLS = (
    (SCENARIOS["none"], Setting()),
    (SCENARIOS["none"], Setting(errors=0.02)),
    (SCENARIOS["bursts"], Setting()),
    (HELD_OUT["h none"], Setting(rate=30.0, errors=0.01, law="gamma")),
)
BETA_CELLS = (
    (Scenario("errors +1 point", points=0.01), Setting()),
    (Scenario("errors +1 point", points=0.01), Setting(errors=0.02)),
    (Scenario("errors +1 point", points=0.01), Setting(rate=30.0, errors=0.01, law="gamma")),
)


HELD_SHARE = 0.33


class Held(Judge):
    """Holds one share, whatever the verdict, until one gate is proven at the tolerance."""

    def __init__(self, policy: JudgePolicy, releases: int, gate: str) -> None:
        super().__init__(policy, releases)
        self.gate = GATES.index(gate)

    def shares(self, now: float) -> Array:
        """One share from the start on."""
        return np.full(len(self.state.observed), HELD_SHARE if now >= 0 else 0.0)

    def outcomes(self) -> Array:
        """Promoted where the gate is proven; open otherwise."""
        return np.where(self.state.proven[:, self.gate, 0] > 0, float(PROMOTE), 0.0)


def gate_cells(policy: JudgePolicy) -> list[tuple[str, Scenario, Setting]]:
    """For every kind of gate a version that is worse by exactly its tolerance, or a hair more."""
    tolerance = dict(zip(GATES, margins(policy)[:, 0].tolist(), strict=True))
    cells = [
        ("errors", Scenario("errors +1 point", points=tolerance["errors"]), Setting(errors=errors))
        for errors in (0.005, 0.02)
    ]
    times, factors = np.geomspace(1.0, 1e4, 200_001), np.geomspace(1.0, 4.0, 20_001)
    for gate, level in zip(GATES[1:4], LEVELS, strict=True):
        # At the quantile itself, wherever the edges of the bins are.
        quantile = times[np.argmax(1.0 - lognormal(times) <= level)]
        worse = 1.0 - lognormal(quantile / factors) >= level + tolerance[gate]
        factor = float(factors[np.argmax(worse)])
        cells.append((gate, Scenario(f"all x{factor:.3f}", slower=factor), Setting()))
    points = tolerance["latency p90"]
    cells.append(("latency p90", Scenario(f"hump of {100 * points:.0f}", hump=points), Setting()))
    middle = tolerance["predictions above p50"]
    # The edge falls on the median or one bin beyond it; the shift is enough for either.
    shift = float(ndtri(0.45 + middle) - ndtri(0.45))
    cells.append(("predictions above p50", Scenario(f"scores +{shift:.3f} sd", shift=shift),
                  Setting()))  # fmt: skip
    return cells


def measure(reps: int, seed: int) -> None:
    """Print α and β with their standard errors.

    α: no fault, ever rolled back. β: worse by exactly the tolerance, ever at half of the traffic;
    and for each gate alone, held at one share for half an hour, ever proven.
    """
    policy = JudgePolicy()

    def judged(releases: int) -> Controller:
        return Judge(policy, releases)

    for scenario, setting in ALPHA_CELLS:
        _line("α, ever rolled back", policy.alpha, scenario, setting,
              lambda outcome, _: outcome == ROLLBACK, judged, reps, seed)  # fmt: skip
    for scenario, setting in BETA_CELLS:
        _line("β, ever at half of the traffic", policy.beta, scenario, setting,
              lambda _, half: half >= 0, judged, reps, seed, stop_at_half=True)  # fmt: skip
    for gate, scenario, setting in gate_cells(policy):
        _line(f"β, {gate} ever proven", policy.beta, scenario, setting,
              lambda outcome, _: outcome == PROMOTE,
              lambda releases, gate=gate: Held(policy, releases, gate),  # type: ignore[misc]
              reps, seed, horizon=1800.0)  # fmt: skip


def _line(
    promise: str,
    promised: float,
    scenario: Scenario,
    setting: Setting,
    counted: Callable[[Array, Array], Flags],
    make: Callable[[int], Controller],
    reps: int,
    seed: int,
    *,
    stop_at_half: bool = False,
    horizon: float = 9600.0,
) -> None:
    began, hits, count = time.monotonic(), 0, 0
    while count < reps:
        batch = min(BATCH, reps - count)
        result = play(
            scenario,
            setting,
            make,
            reps=batch,
            seed=[seed, count],
            edges=JudgePolicy().latency_edges,
            stop_at_half=stop_at_half,
            horizon=horizon,
        )
        hits += int(counted(result.outcome, result.half).sum())
        count += batch
    share = hits / count
    error = np.sqrt(share * (1 - share) / count)
    print(
        f"{promise:32} {scenario.name:16} {setting.rate:>5} req/s {setting.errors:.1%} "
        f"{setting.law:10} measured {share:.2%} ± {error:.2%}, promised {promised:.0%} "
        f"({count} releases, {time.monotonic() - began:.0f} s)",
        flush=True,
    )


def shadow(reps: int, seed: int) -> None:
    """Mirrored pairs at 10 requests/s, 10 s windows; the pair's own noise is half a deviation."""
    policy = JudgePolicy()
    rng = np.random.default_rng(seed)
    for shift, limit in ((0.0, 60), (0.05, 60), (0.1, 360), (0.2, 360), (0.4, 60)):
        state = initial(policy, reps)
        found = np.full(reps, np.inf)
        for step in range(limit):
            pairs = np.zeros((reps, 4, 2))
            size = rng.poisson(100, reps)
            noise = 0.5
            up = _beyond(policy.prediction_drift - shift, noise)
            down = _beyond(policy.prediction_drift + shift, noise)
            split = rng.multinomial(size, [up, down, 1.0 - up - down])
            pairs[:, 0, 0], pairs[:, 3] = size, split[:, :2]
            state = update(policy, state, _shadow_window(policy, step, pairs))
            hit = (state.outcome == ROLLBACK) & np.isinf(found)
            found[hit] = (step + 1) * 10.0
        print(
            f"shadow, predictions shifted by {shift:.2f} sd: rolled back "
            f"{np.isfinite(found).mean():.1%} within {limit * 10} s, "
            f"median {np.median(found):.0f} s",
            flush=True,
        )


def _beyond(distance: float, noise: float) -> float:
    return float(ndtr(-distance / noise))


def _shadow_window(policy: JudgePolicy, step: int, pairs: Array) -> WindowArrays:
    releases = len(pairs)
    none = np.zeros((releases, 1, 2))
    return WindowArrays(
        t0=np.full(releases, step * 10.0),
        t1=np.full(releases, step * 10.0 + 10.0),
        weight=np.zeros(releases),
        warmup=np.zeros(releases, dtype=bool),
        requests=none,
        trials=none,
        bad=none,
        latency=np.zeros((releases, 1, 2, len(policy.latency_edges) + 1)),
        predictions=np.zeros((releases, 1, 2, policy.prediction_bins)),
        pairs=pairs,
    )
