"""What is promised, measured: α, β, and shadow traffic."""

from __future__ import annotations

import time

import numpy as np
from scipy.special import ndtr

from benchmarks.canary.run import Judge, play
from benchmarks.canary.world import HELD_OUT, SCENARIOS, Array, Scenario, Setting
from tasks.release.judge import JudgePolicy
from tasks.release.judge.course import advance
from tasks.release.judge.ledger import ROLLED_BACK, opening
from tasks.release.judge.window import Counts

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


def measure(reps: int, seed: int) -> None:
    """Print α (no fault: ever rolled back) and β (exactly at the tolerance: full traffic)."""
    policy = JudgePolicy()
    for promise, cells, at_full in (
        (policy.alpha, ALPHA_CELLS, False),
        (policy.beta, BETA_CELLS, True),
    ):
        for scenario, setting in cells:
            began, hits, count = time.monotonic(), 0.0, 0
            while count < reps:
                batch = min(BATCH, reps - count)
                result = play(
                    scenario,
                    setting,
                    lambda releases: Judge(policy, releases),
                    reps=batch,
                    seed=[seed, count],
                    edges=policy.latency_edges,
                    stop_at_full=at_full,
                )
                hits += batch * (result.promoted if at_full else result.rolled_back)
                count += batch
            share = hits / count
            error = np.sqrt(share * (1 - share) / count)
            print(
                f"{'β' if at_full else 'α'} {scenario.name:16} {setting.rate:>5} req/s "
                f"{setting.errors:.1%} {setting.law:10} measured {share:.2%} ± {error:.2%}, "
                f"promised {promise:.0%} ({count} releases, {time.monotonic() - began:.0f} s)",
                flush=True,
            )


def shadow(reps: int, seed: int) -> None:
    """Mirrored pairs at 10 requests/s, 10 s windows; the pair's own noise is half a deviation."""
    policy = JudgePolicy()
    rng = np.random.default_rng(seed)
    for shift, limit in ((0.0, 60), (0.05, 60), (0.1, 360), (0.2, 360), (0.4, 60)):
        ledger = opening(policy, reps)
        found = np.full(reps, np.inf)
        for step in range(limit):
            pairs = np.zeros((reps, 4, 2))
            size = rng.poisson(100, reps)
            noise = 0.5
            up = _beyond(policy.prediction_drift - shift, noise)
            down = _beyond(policy.prediction_drift + shift, noise)
            split = rng.multinomial(size, [up, down, 1.0 - up - down])
            pairs[:, 0, 0], pairs[:, 3] = size, split[:, :2]
            ledger = advance(policy, ledger, _shadow_window(policy, step, pairs))
            hit = (ledger.outcome == ROLLED_BACK) & np.isinf(found)
            found[hit] = (step + 1) * 10.0
        print(
            f"shadow, predictions shifted by {shift:.2f} sd: rolled back "
            f"{np.isfinite(found).mean():.1%} within {limit * 10} s, "
            f"median {np.median(found):.0f} s",
            flush=True,
        )


def _beyond(distance: float, noise: float) -> float:
    return float(ndtr(-distance / noise))


def _shadow_window(policy: JudgePolicy, step: int, pairs: Array) -> Counts:
    releases = len(pairs)
    none = np.zeros((releases, 1, 2))
    return Counts(
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
