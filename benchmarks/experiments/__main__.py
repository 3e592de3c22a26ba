"""``python -m benchmarks.experiments``: wrong winners and time to decision, beside peers.

A fortnight of hourly blocks. Wrong winners: experiments without a difference in which a winner is
ever named (promised: 5 %). Time: median users until a winner is named, where there is a difference
of once or twice the minimal one. The exit status is 1 when a promise of ours does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from scipy.stats import binom

from benchmarks.experiments.rules import ALPHA, Array, Look, Rule, bonferroni, fixed, ours
from tasks.experiments import ratio
from tasks.experiments.sequence import Design, Sums, confidence_sequence

BLOCKS, DAYS = 336, 14
PART = 50
RULES: dict[str, Rule] = {
    "Sluice, looked at every hour": ours,
    "t-test, looked at every hour": Look(1),
    "t-test, looked at every day": Look(BLOCKS // DAYS),
    "t-test, every day, Bonferroni over 14 looks": bonferroni(DAYS),
    "t-test, once at the end": fixed,
}


class Scene:
    """What users do: proportions, or spending of at most 5.

    Args:
        level: Level of the control; for spending, the share of users who pay.
        step: Minimal difference, absolute.
        users: Mean users in an hour.
        share: Share of the treatment.
        spending: Whether users spend instead of doing it or not.
    """

    def __init__(
        self, level: float, step: float, users: int, share: float = 0.5, *, spending: bool = False
    ) -> None:
        self.level, self.step, self.users, self.share = level, step, users, share
        self.spending = spending
        self.design = Design(share, step / (5 if spending else 1), binary=not spending)

    def draw(self, rng: np.random.Generator, lift: float) -> Sums:
        """A part of the experiments, with a difference of so many minimal ones."""
        n = rng.poisson(self.users, (PART, BLOCKS))
        n_t = rng.binomial(n, self.share)
        arms = [
            column.astype(float)
            for size, rate in ((n_t, self.level + lift * self.step), (n - n_t, self.level))
            for column in self._arm(rng, size, rate)
        ]
        return Sums(*arms)

    def _arm(self, rng: np.random.Generator, n: Any, rate: float) -> tuple[Any, Any, Any]:
        hits = rng.binomial(n, rate if not self.spending else min(self.level, 1.0))
        if not self.spending:
            return n, hits, hits
        # One minimal difference is so much more of everything: the mean scales with the amounts.
        scale = 1 + (rate - self.level) / (self.level * 1.2)
        amounts = np.minimum(rng.lognormal(0, 0.8, int(hits.sum())) * scale, 5.0) / 5
        owner = np.repeat(np.arange(hits.size), hits.ravel())
        sums = [np.bincount(owner, amounts**k, hits.size).reshape(hits.shape) for k in (1, 2)]
        return n, sums[0], sums[1]


SCENES = {
    "10 %, 2 points matter, 60 users an hour": Scene(0.1, 0.02, 60),
    "2 %, half a point, 200 an hour": Scene(0.02, 0.005, 200),
    "50 %, 5 points, 20 an hour": Scene(0.5, 0.05, 20),
    "10 %, 2 points, 150 an hour, 10 % treated": Scene(0.1, 0.02, 150, 0.1),
    "spending, 10 % more, 120 an hour": Scene(0.3, 0.036, 120, spending=True),
}


def table(repetitions: int) -> bool:
    """Print it; whether our promises held."""
    print("| what users do | rule | wrong winners | users to a winner: ×1 | ×2 | missed ×1 |")
    print("|---|---|---|---|---|---|")
    good = True
    for name, scene in SCENES.items():
        results: dict[str, list[Array]] = {rule: [] for rule in RULES}
        for lift in (0.0, 1.0, 2.0):
            rng = np.random.default_rng(int(10 * lift))
            parts = [scene.draw(rng, lift) for _ in range(repetitions // PART)]
            for rule, judge in RULES.items():
                blocks = np.concatenate([judge(part, scene.design) for part in parts])
                results[rule].append(blocks)
        for rule, (none, once, twice) in results.items():
            wrong = np.isfinite(none)
            cells = [f"{wrong.mean():.1%}"]
            cells += [_users(np.median(blocks), scene) for blocks in (once, twice)]
            cells.append(f"{np.isinf(once).mean():.0%}")
            print(f"| {name} | {rule} | {' | '.join(cells)} |", flush=True)
            if rule.startswith("Sluice"):
                good &= bool(wrong.sum() <= binom.ppf(0.999, wrong.size, ALPHA))
    return good


def intervals(repetitions: int) -> bool:
    """Print how often the interval ever left out the truth, and how wide it ends."""
    scene = SCENES["10 %, 2 points matter, 60 users an hour"]
    rng = np.random.default_rng(9)
    misses, widths = 0, []
    for _ in range(max(1, repetitions // PART)):
        sums = scene.draw(rng, 1.0)
        for row in range(PART):
            one = Sums(*(column[row] for column in sums.columns()))
            band = confidence_sequence(one, scene.design, ALPHA)
            misses += not bool(band.low[-1] < scene.step < band.high[-1])
            widths.append(float(band.high[-1] - band.low[-1]) / 2)
    trials = len(widths)
    variance = (0.12 * 0.88 + 0.1 * 0.9) / 2 / 0.25
    once = 1.96 * float(np.sqrt(variance / (scene.users * BLOCKS)))
    print(
        f"\nInterval: the true difference was ever left out in {misses} of {trials} experiments "
        f"(promised: 5 %); half-width after a fortnight {np.mean(widths):.4f}, of a test that may "
        f"be looked at once {once:.4f}."
    )
    return bool(misses <= binom.ppf(0.999, trials, ALPHA))


def shares() -> bool:
    """Print how often true shares are doubted, and how soon lost users are found."""
    rng = np.random.default_rng(5)
    n = np.full((400, 100), 200)
    cells: list[tuple[float, float, str]] = []
    for loss in (0.0, 0.02, 0.05, 0.1):
        share = (1 - loss) / (2 - loss)
        n_t = rng.binomial(n, share).cumsum(1)
        n_c = n.cumsum(1) - n_t
        looks = [
            next(
                (
                    200 * (look + 1)
                    for look, pair in enumerate(zip(a, b, strict=True))
                    if ratio.log_evidence(*pair, 0.5) >= -np.log(0.001)
                ),
                np.inf,
            )
            for a, b in zip(n_t, n_c, strict=True)
        ]
        ever = np.isfinite(looks)
        when = f", median after {np.median(looks):,.0f} users" if ever.mean() > 0.5 else ""
        cells.append((loss, float(ever.mean()), when))
    print("\nShares (0.1 %, a look every 200 of 20,000 users):")
    for loss, part, when in cells:
        print(f"- {loss:.0%} of the treatment's users lost: found in {part:.1%}{when}")
    return bool(cells[0][1] <= binom.ppf(0.999, 400, 0.001) / 400)


def _users(blocks: float, scene: Scene) -> str:
    return f"{blocks * scene.users:,.0f}" if np.isfinite(blocks) else "none in a fortnight"


def main() -> int:
    """Exit status: 1 when a promise of ours does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments", description=__doc__)
    parser.add_argument("--reps", type=int, default=400, help="experiments a cell (50 at least)")
    options = parser.parse_args()
    start = time.perf_counter()
    promises = [table(options.reps), intervals(options.reps // 4), shares()]
    print(f"\n{options.reps} experiments a cell, {time.perf_counter() - start:.0f} s.")
    return 0 if all(promises) else 1


if __name__ == "__main__":
    sys.exit(main())
