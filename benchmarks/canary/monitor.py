"""Champions beside their own past: false alarms in a year, and how soon what begins later is told.

Worlds are hours with a day and a week in them; nothing of the monitor was tuned on them. Beside it
stand two alarms that people have: a fixed bound (5 % errors, or a p90 of 3 s, in two windows of
five minutes one after the other), and three standard deviations above the same hour of past weeks,
in two windows as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from tasks.judge.monitor import (
    WINDOW_SECONDS,
    MonitorPolicy,
    MonitorState,
    Totals,
    latency_edges,
    observe,
)
from tasks.judge.monitor.policy import HOUR_SECONDS, WEEK_SECONDS

WINDOWS = HOUR_SECONDS // WINDOW_SECONDS
LEARNING_WEEKS = 5
FAULT_HOURS = 24
SIGMA = 0.4
SLOW_MS, ERROR_SHARE, FIXED_MS = 60.0, 0.05, 3000.0
EDGES = np.log(latency_edges())
YEAR_WEEKS = 52
BEGAN = 1_704_067_200  # a Monday, 00:00 UTC


@dataclass(frozen=True)
class Ways:
    """How a service is. ``rate`` in requests per second at the peak; log standard deviations."""

    rate: float = 2.0
    errors: float = 0.005
    seasonal: float = 0.0
    wobble: float = 0.0
    memory: float = 0.9
    clustered: int = 1
    incident_weeks: float = 0.0
    growth: float = 0.0
    release_steps: float = 0.0


WORLDS: Mapping[str, Ways] = {
    "calm": Ways(),
    "one request a minute": Ways(rate=1 / 60),
    "100/s": Ways(rate=100.0),
    "errors and latency follow the day": Ways(seasonal=1.0),
    "hours that wobble (0.3, AR .9)": Ways(wobble=0.3),
    "errors in clusters of 20": Ways(clustered=20),
    "a shared incident of 10 minutes a week": Ways(incident_weeks=1.0),
    "traffic grows by 3 % a week": Ways(growth=0.03),
    "a release a week, each 8 % slower or faster": Ways(release_steps=0.08),
}


@dataclass(frozen=True)
class Fault:
    """Errors added and the factor on latency, both grown to within ``ramp_hours``."""

    errors: float = 0.0
    factor: float = 1.0
    ramp_hours: float = 0.0

    def after(self, hours: float) -> tuple[float, float]:
        """Errors added and factor, hours since it began."""
        part = min(hours / self.ramp_hours, 1.0) if self.ramp_hours else 1.0
        return part * self.errors, 1.0 + part * (self.factor - 1.0)


FAULTS: Mapping[str, Fault] = {
    "+2 points of errors": Fault(errors=0.02),
    "+5 points of errors": Fault(errors=0.05),
    "half of all answers fail": Fault(errors=0.5),
    "leak: +30 points within four hours": Fault(errors=0.3, ramp_hours=4.0),
    "50 % slower": Fault(factor=1.5),
    "twice as slow": Fault(factor=2.0),
    "slower and slower, threefold in 12 hours": Fault(factor=3.0, ramp_hours=12.0),
}


def hours(
    ways: Ways, weeks: int, rng: np.random.Generator, fault: Fault | None = None, at: int = 0
) -> Iterator[tuple[int, list[Totals], float]]:
    """Hour by hour: its begin, its windows, and the bad answers that the fault added to each."""
    noise = np.zeros(2)
    step = 1.0
    for hour in range(weeks * 168):
        day = 0.5 - 0.5 * np.cos(2 * np.pi * ((hour % 24) - 4) / 24)
        busy = (0.15 + 0.85 * day) * (0.6 if hour % 168 >= 120 else 1.0)
        busy *= (1.0 + ways.growth) ** (hour / 168)
        noise = ways.memory * noise + np.sqrt(1 - ways.memory**2) * rng.normal(size=2)
        if ways.release_steps and hour % 168 == 0:
            step = float(np.exp(rng.normal(0.0, ways.release_steps)))
        bend = ways.wobble * noise
        share = min(ways.errors * np.exp(bend[0]) * (1 + ways.seasonal * day), 0.9)
        slow = SLOW_MS * np.exp(0.3 * bend[1]) * (1 + ways.seasonal * day) * step
        added, factor = (0.0, 1.0) if fault is None or hour < at else fault.after(hour - at)
        incident = rng.random() < ways.incident_weeks / 168
        place = int(rng.integers(0, WINDOWS - 1))
        windows = []
        for number in range(WINDOWS):
            shared = 0.3 if incident and number in {place, place + 1} else 0.0
            windows.append(
                _window(rng, ways, busy, min(share + added + shared, 1.0), slow * factor)
            )
        yield BEGAN + hour * HOUR_SECONDS, windows, added


def _window(
    rng: np.random.Generator, ways: Ways, busy: float, share: float, median: float
) -> Totals:
    requests = int(rng.poisson(ways.rate * busy * WINDOW_SECONDS))
    if not requests:
        return Totals()
    groups = -(-requests // ways.clustered)
    errors = min(int(rng.binomial(groups, share)) * ways.clustered, requests)
    below = ndtr((EDGES - np.log(median)) / SIGMA)
    chance = np.diff(np.concatenate([[0.0], below, [1.0]]))
    counts = rng.multinomial(requests, chance / chance.sum())
    return Totals(
        requests=requests,
        errors=errors,
        latency={place: int(count) for place, count in enumerate(counts) if count},
    )


class Monitor:
    """The product's."""

    def __init__(self) -> None:
        self.policy, self.state = MonitorPolicy(), MonitorState()

    def rings(self, begin: float, window: Totals) -> bool:
        """Whether an alarm begins with this window."""
        before = self.state.alarm
        self.state = observe(self.policy, self.state, begin, window)
        return self.state.alarm is not None and before is None


class FixedBound:
    """Bounds that are the same for every model and hour, passed twice in a row."""

    def __init__(self) -> None:
        self.row = 0

    def rings(self, _begin: float, window: Totals) -> bool:
        """Whether an alarm begins with this window."""
        if window.requests:
            errors = (window.errors or 0) / window.requests
            bad = errors > ERROR_SHARE or _p90(window) > FIXED_MS
            self.row = self.row + 1 if bad else 0
            return bad and self.row == 2
        return False


class ThreeSigma:
    """Three deviations above the mean of all windows of this hour in past weeks, twice in a row."""

    def __init__(self) -> None:
        self.row = 0
        self.sums: dict[int, list[float]] = {}

    def rings(self, begin: float, window: Totals) -> bool:
        """Whether an alarm begins with this window."""
        if not window.requests:
            return False
        place = int(begin % WEEK_SECONDS // HOUR_SECONDS)
        sums = self.sums.setdefault(place, [0.0] * 5)
        count, bad = sums[0], False
        for at, value in ((1, (window.errors or 0) / window.requests), (3, _p90(window))):
            if count >= 2 * WINDOWS:
                mean = sums[at] / count
                spread = max(sums[at + 1] / count - mean**2, 0.0) ** 0.5
                bad |= value > mean + 3.0 * spread
            sums[at] += value
            sums[at + 1] += value**2
        sums[0] += 1
        self.row = self.row + 1 if bad else 0
        return bad and self.row == 2


def _p90(window: Totals) -> float:
    beyond = window.timed
    for place in sorted(window.latency):
        beyond -= window.latency[place]
        if beyond <= 0.1 * window.timed:
            return latency_edges()[min(place, len(EDGES) - 1)]
    return latency_edges()[-1]


ALARMS: Mapping[str, Callable[[], Monitor | FixedBound | ThreeSigma]] = {
    "monitor": Monitor,
    "fixed bound": FixedBound,
    "three sigma": ThreeSigma,
}


def false_alarms(ways: Ways, years: int, seed: int) -> dict[str, float]:
    """Alarms a year of a champion that is as it was, by kind of alarm."""
    counts = dict.fromkeys(ALARMS, 0)
    for year in range(years):
        alarms = {name: make() for name, make in ALARMS.items()}
        for begin, windows, _ in hours(ways, YEAR_WEEKS, np.random.default_rng([seed, year])):
            for number, window in enumerate(windows):
                for name, alarm in alarms.items():
                    counts[name] += alarm.rings(begin + number * WINDOW_SECONDS, window)
    return {name: count / years for name, count in counts.items()}


def found(ways: Ways, fault: Fault, reps: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """By kind of alarm: share that told within a day, median minutes and bad answers until then."""
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in ALARMS}
    for rep in range(reps):
        rng = np.random.default_rng([seed, 1, rep])
        at = LEARNING_WEEKS * 168 + int(rng.integers(0, 168))
        alarms = {name: make() for name, make in ALARMS.items()}
        bad = 0.0
        for begin, windows, added in hours(ways, LEARNING_WEEKS + 3, rng, fault, at):
            hour = (begin - BEGAN) // HOUR_SECONDS
            if hour >= at + FAULT_HOURS:
                break
            for number, window in enumerate(windows):
                bad += added * window.requests
                for name in list(alarms):
                    rang = alarms[name].rings(begin + number * WINDOW_SECONDS, window)
                    if rang and hour >= at:
                        minutes = (begin - BEGAN) / 60 - at * 60 + (number + 1) * 5
                        told[name].append((minutes, bad))
                        del alarms[name]
    return {name: _medians(list(pairs), reps) for name, pairs in told.items()}


def _medians(pairs: list[tuple[float, float]], reps: int) -> tuple[float, float, float]:
    missing = [(np.inf, np.inf)] * (reps - len(pairs))
    minutes, bad = np.median(np.array([*pairs, *missing]), axis=0)
    return len(pairs) / reps, float(minutes), float(bad)


def measure(years: int, reps: int, seed: int) -> None:
    """Print both tables."""
    began = time.monotonic()
    print(f"False alarms a year ({years} years a world; promised: at most 0.5, expected)\n")
    print("| world | " + " | ".join(ALARMS) + " |")
    print("|---|" + "---|" * len(ALARMS))
    for name, ways in WORLDS.items():
        counts = false_alarms(ways, years, seed)
        print(f"| {name} | " + " | ".join(f"{count:.1f}" for count in counts.values()) + " |",
              flush=True)  # fmt: skip
    print(f"\nTold within a day: share; median minutes; bad answers until then ({reps} times)\n")
    print("| fault, in the hours that wobble | " + " | ".join(ALARMS) + " |")
    print("|---|" + "---|" * len(ALARMS))
    wobbling = replace(WORLDS["hours that wobble (0.3, AR .9)"], seasonal=1.0)
    for name, fault in FAULTS.items():
        results = found(wobbling, fault, reps, seed)
        cells = [f"{s:.0%}; {_shown(m)} min; {_shown(b)}" for s, m, b in results.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if np.isfinite(value) else "–"
