"""How often a check alarms, with and without drift, over weeks and over years.

``rows`` draws every row and counts it with the product's own code; ``law`` draws the counts
directly, which is the same law and lets years be simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.drift.table import Row
from benchmarks.drift.world import COLUMNS, Week, counts, grid, rows, wobbling
from tasks.drift import DriftPolicy, Profile, compare, profile_batches
from tasks.drift import check as product
from tasks.drift.comparison import natural as natural_variation

FIVE_PERCENT = DriftPolicy(checks_per_false_alarm=20)
CHANGES: Mapping[str, tuple[Week, float]] = {
    "mean + 0.1 sd": (Week().shifted(0.1), 0.97),
    "spread × 1.2": (Week(stretch=1.2), 0.97),
    "5 % nulls": (Week(nulls=0.05), 0.97),
    "× 100 on 1 % of rows": (Week(hundredfold=0.01), 0.97),
    "a new category (1 % of rows)": (Week(fresh=0.01), 0.97),
    "a category of 5.6 % + 2 points": (Week(moved=(3, 0.02)), 0.7),
    "a category of 11 % + 2 points": (Week(moved=(1, 0.02)), 0.7),
}
UNBOUND: Mapping[str, Week] = {
    "a category of 22 % + 2 points": Week(moved=(0, 0.02)),
    "a category of 22 % - 2 points": Week(moved=(0, -0.02)),
    "a category of 11 % - 2 points": Week(moved=(1, -0.02)),
    "a category of 5.6 % - 2 points": Week(moved=(3, -0.02)),
    "a category of 2 % + 2 points": Week(moved=(10, 0.02)),
    "a category of 2 % - 1.5 points": Week(moved=(10, -0.015)),
}
Draw = Callable[[np.random.Generator, int, Week, str], Profile]


def counted(random: np.random.Generator, size: int, week: Week, name: str) -> Profile:
    """Rows, drawn and counted."""
    return profile_batches([rows(random, size, week)], COLUMNS, grid(), partition=name)


def alarms(
    random: np.random.Generator, size: int, week: Week, repeats: int, draw: Draw
) -> tuple[float, float]:
    """Share of checks that alarm, and of checks that name the changed column."""
    any_, right = 0, 0
    truth = {"x00", "c0"}
    for _ in range(repeats):
        reference, current = draw(random, size, Week(), "a"), draw(random, size, week, "b")
        report = compare(reference, current, FIVE_PERCENT)
        any_ += report.outcome == "fail"
        right += bool(truth & set(report.drifted))
    return any_ / repeats, right / repeats


def single(repeats: int, seed: int = 1) -> list[Row]:
    """False alarms and power of one check, reference and current of equal size."""
    random = np.random.default_rng(seed)
    lines = []
    for size, draw, times in (
        (1_000, counted, repeats),
        (10_000, counted, repeats),
        (100_000, counts, repeats),
    ):
        rate, _ = alarms(random, size, Week(), times, draw)
        interval = f"{rate:.1%} ± {_error(rate, times):.1%}"
        lines.append(
            Row(f"false alarm of a check, n = {size:,}", "1-5 %", interval, 0.01 <= rate <= 0.05)
        )
    for name, (week, goal) in CHANGES.items():
        _, rate = alarms(random, 10_000, week, repeats // 2, counted)
        lines.append(Row(f"power at n = 10k: {name}", f"≥ {goal}", f"{rate:.2f}", rate >= goal))
    for name, week in UNBOUND.items():
        _, rate = alarms(random, 10_000, week, repeats, counts)
        lines.append(Row(f"power at n = 10k: {name}", "", f"{rate:.2f}"))
    return lines


def natural(repeats: int, weeks: int = 8, seed: int = 2) -> list[Row]:
    """Reference weeks that wobble by 0.02 sd; a week that wobbles alike, and one that moved."""
    random = np.random.default_rng(seed)
    lines = []
    for size in (10_000, 100_000):
        false = power = 0
        for _ in range(repeats):
            reference = [counts(random, size, wobbling(random), f"r{i}") for i in range(weeks)]
            week = wobbling(random)
            quiet = compare(reference, counts(random, size, week, "q"), FIVE_PERCENT)
            shift = counts(random, size, week.shifted(0.1), "q")
            false += quiet.outcome == "fail"
            power += "x00" in compare(reference, shift, FIVE_PERCENT).drifted
        a, b = false / repeats, power / repeats
        goals = weeks == 8
        lines += [
            Row(f"{weeks} wobbling weeks, n = {size:,}: false", "≤ 5 %" if goals else "",
                f"{a:.1%} ± {_error(a, repeats):.1%}", a <= 0.05 if goals else None),
            Row(f"{weeks} wobbling weeks, n = {size:,}: mean + 0.1 sd", "≥ 0.7" if goals else "",
                f"{b:.2f}", b >= 0.7 if goals else None),
        ]  # fmt: skip
    return lines


def years(runs: int, steps: int, size: int = 10_000, seed: int = 3) -> list[Row]:
    """104 weekly checks without drift, and a step of 0.03 sd; one baseline of eight weeks."""
    random = np.random.default_rng(seed)
    policy = DriftPolicy(checks_per_false_alarm=104)
    false = []
    with learning_once():
        for _ in range(runs):
            reference = [counts(random, size, Week(), f"r{i}") for i in range(8)]
            weeks = [counts(random, size, Week(), f"w{i:03d}") for i in range(104)]
            reports = [compare(reference, weeks[max(0, i - 2) : i + 1], policy) for i in range(104)]
            false.append(sum(report.outcome == "fail" for report in reports))
        delays = [_delay(random, size, policy) for _ in range(steps)]
    mean, median = float(np.mean(false)), float(np.median(delays))
    early = float(np.mean(np.asarray(delays) <= 3))
    return [
        Row("104 weekly checks without drift, n = 10,000: weeks with a false alarm", "≤ 1",
            f"{mean:.2f} ± {np.std(false) / np.sqrt(runs):.2f}", mean <= 1),
        Row("… a step of 0.03 sd, weeks until found (median)", "≤ 3",
            f"{median:g} ({early:.0%} within 3 weeks)", median <= 3),
    ]  # fmt: skip


def _delay(random: np.random.Generator, size: int, policy: DriftPolicy) -> int:
    reference = [counts(random, size, Week(), f"r{i}") for i in range(8)]
    run = [counts(random, size, Week(), f"p{i}") for i in range(2)]
    for week in range(1, 27):
        run = [*run, counts(random, size, Week().shifted(0.03), f"s{week:02d}")][-3:]
        if "x00" in compare(reference, run, policy).drifted:
            return week
    return 27


class learning_once:  # noqa: N801 - a context
    """Learn from the same reference once per baseline: it does not change from week to week."""

    def __enter__(self) -> None:
        memory: dict[tuple[int, int], Any] = {}
        self._learn = natural_variation.learn

        def learn(reference: Any) -> Any:
            key = (id(reference[0]), len(reference))
            if key not in memory:
                memory.clear()
                memory[key] = (reference, self._learn(reference))
            return memory[key][1]

        product.learn = learn  # type: ignore[attr-defined]

    def __exit__(self, *_: object) -> None:
        product.learn = self._learn  # type: ignore[attr-defined]


def _error(rate: float, times: int) -> float:
    return float(np.sqrt(max(rate * (1 - rate), 1e-4) / times))
