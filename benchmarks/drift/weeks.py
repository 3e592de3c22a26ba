"""Is the promise kept in real weeks? 200 weekly checks in named worlds, through ``compare``.

Twelve numeric columns. A world says how the level of each column goes from week to week, in
standard deviations; rows are drawn about it by the exact law of their counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.drift.power import learning_once
from benchmarks.drift.table import Row
from benchmarks.drift.world import NUMERIC, Week, counts
from tasks.drift import DriftPolicy, Profile, compare
from tasks.drift.alarms.announced import AnnouncedDrift
from tasks.drift.alarms.following import LOOKED_BACK, going_on, told_after
from tasks.drift.profiles.cells import Floats

CHECKS, ROWS, WOBBLE = 200, 10_000, 0.03
YEAR = 365.25 / 7
Levels = Callable[[np.random.Generator, int], Floats]
"""Levels of each week and column, shape (weeks, columns), in standard deviations."""


def still(_: np.random.Generator, weeks: int) -> Floats:
    """Nothing but sampling."""
    return np.zeros((weeks, len(NUMERIC)))


def wobble(random: np.random.Generator, weeks: int) -> Floats:
    """Weeks differ by chance, each column by itself."""
    return random.normal(0, WOBBLE, (weeks, len(NUMERIC)))


def common(random: np.random.Generator, weeks: int) -> Floats:
    """Weeks differ by chance, all columns alike (a holiday, a campaign)."""
    return np.repeat(random.normal(0, WOBBLE, (weeks, 1)), len(NUMERIC), axis=1)


def unlike(random: np.random.Generator, weeks: int) -> Floats:
    """Some columns wobble four times as much as others."""
    return wobble(random, weeks) * np.geomspace(0.5, 2, len(NUMERIC))


def following(rho: float) -> Levels:
    """Stationary AR(1): a week's effect lives on in the next."""

    def levels(random: np.random.Generator, weeks: int) -> Floats:
        effects = wobble(random, weeks)
        for week in range(1, weeks):
            effects[week] = rho * effects[week - 1] + np.sqrt(1 - rho**2) * effects[week]
        return effects

    return levels


def trend(_: np.random.Generator, weeks: int) -> Floats:
    """One column rises by 0.1 sd a year."""
    return _first(0.1 * np.arange(weeks) / YEAR)


def season(random: np.random.Generator, weeks: int) -> Floats:
    """One column swings by 0.1 sd either way within a year, from a random day on."""
    phase = random.uniform(0, 2 * np.pi)
    return _first(0.1 * np.sin(phase + 2 * np.pi * np.arange(weeks) / YEAR))


def _first(level: npt.NDArray[np.floating[Any]]) -> Floats:
    levels = np.zeros((len(level), len(NUMERIC)))
    levels[:, 0] = level
    return levels


@dataclass(frozen=True)
class World:
    """A row of the table. ``most``: false alarms that may be, None where that is no promise."""

    levels: Levels
    weeks: int
    most: float | None = None


WORLDS: dict[str, World] = {
    **{f"still, {n} weeks": World(still, n, 2) for n in (4, 7, 8, 26)},
    **{f"wobble, {n} weeks": World(wobble, n, 2) for n in (2, 3, 4, 6, 7, 8, 26)},
    **{f"common wobble, {n} weeks": World(common, n, 2) for n in (8, 26)},
    **{f"unlike wobble, {n} weeks": World(unlike, n, 4) for n in (8, 26)},
    **{f"AR .5, {n} weeks": World(following(0.5), n, 4) for n in (8, 26)},
    **{f"AR .8, {n} weeks": World(following(0.8), n, 4) for n in (8, 26)},
    **{f"AR .95, {n} weeks": World(following(0.95), n) for n in (8, 26)},
    "trend, 8 weeks": World(trend, 8, 1),
    "trend, 26 weeks": World(trend, 26, 1),
    "season, 8 weeks": World(season, 8),
    "season, 26 weeks": World(season, 26),
}


@dataclass
class Seen:
    """What 200 checks found, one number a run.

    ``alarms``: checks against the baseline that alarm. ``told``: of these, checks that tell
    something new.
    """

    alarms: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    tests: Counter[str] = field(default_factory=Counter)
    known: str = ""


def watched(world: World, runs: int, seed: int = 11, checks: int = CHECKS) -> Seen:
    """Runs of weekly checks against one baseline, as the watch does them."""
    seen = Seen()
    with learning_once():
        for run in range(runs):
            _watch(world, np.random.default_rng((seed, run)), checks, seen)
    return seen


def _watch(world: World, random: np.random.Generator, checks: int, seen: Seen) -> None:
    policy = DriftPolicy()
    levels = world.levels(random, world.weeks + checks)
    weeks = [week(random, ROWS, level, i) for i, level in enumerate(levels)]
    reference, later = weeks[: world.weeks], weeks[world.weeks :]
    told: dict[str, AnnouncedDrift] = {}
    alarms = news = 0
    for check in range(checks):
        looked_at = later[max(0, check - LOOKED_BACK - 2) : check + 1]
        report = compare(reference, looked_at, policy)
        if report.outcome == "fail":
            alarms += 1
            same = going_on(report, told, reference, looked_at, policy)
            report = report.model_copy(update={"followed": same})
            news += bool(report.news)
            told = told_after(report, told)
            seen.tests.update(c.test for c in report.columns if c.name in report.news)
        seen.known = report.known
    seen.alarms.append(alarms)
    seen.told.append(news)


def table(runs: int, names: Collection[str] = ()) -> list[Row]:
    """A row a world."""
    lines = []
    for name, world in WORLDS.items():
        if names and name not in names:
            continue
        seen = watched(world, runs)
        alarms, told = float(np.mean(seen.alarms)), float(np.mean(seen.told))
        error = np.std(seen.told) / np.sqrt(runs)
        lines.append(
            Row(
                f"{CHECKS} checks, {name}: told",
                "" if world.most is None else f"≤ {world.most:g}",
                f"{told:.2f} ± {error:.2f}, worst {max(seen.told)} ({alarms:.1f} checks alarm)",
                None if world.most is None else told <= world.most,
            )
        )
    return lines


def week(random: np.random.Generator, rows: int, level: Floats, number: int) -> Profile:
    """A week's counts of the numeric columns."""
    return counts(random, rows, Week(shift=tuple(level)), f"w{number:03d}", categories=False)
