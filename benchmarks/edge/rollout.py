"""Staged rollouts of many releases side by side: clients report, the judge moves the percentage.

As in the product: one observation per user and version, windows of a minute told a minute late,
the share raised to a step of the ladder, and every window left out that lies between a step and
the moment when the last client has read the pointer (``refresh_seconds``). What is not simulated:
the alarms on the absolute floors, which would end the worst scenarios sooner, and clients that
stay offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import OPEN, PROMOTE, ROLLBACK, SequentialState, initial
from tasks.judge.update import update
from tasks.judge.window import WindowArrays
from tasks.release.observation.analysis import policy
from tasks.release.observation.latency_edges import placed
from tasks.specs.release import ReleaseSpec

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE = 60.0
SEEN_OUTSIDE_SECONDS = 30.0
"""From the verdict to a pointer that the CDN shows."""
MEDIAN_MS = 6.0
EDGES_MS = placed({})


@dataclass(frozen=True)
class Scenario:
    """What the candidate does to its users. Errors are shares of users.

    ``points`` is added to the share of users with an error, from ``from_minute`` on; ``slower``
    multiplies every latency; ``spread`` is the σ of log-latency among devices; in an ``incident``
    both versions fail ten times as often for ten minutes of each hour.
    """

    name: str
    good: bool = False
    points: float = 0.0
    slower: float = 1.0
    spread: float = 0.8
    from_minute: float = 0.0
    incident: bool = False


SCENARIOS = (
    Scenario("no change", good=True),
    Scenario("devices of all ages (σ 1.6)", good=True, spread=1.6),
    Scenario("incidents of both versions", good=True, incident=True),
    Scenario("errors of every user", points=1.0),
    Scenario("errors +5 points", points=0.05),
    Scenario("errors ×4 (0.5 → 2 %)", points=0.015),
    Scenario("errors +5 points after an hour", points=0.05, from_minute=60.0),
    Scenario("latency ×2", slower=2.0),
    Scenario("latency +25 %", slower=1.25),
)


@dataclass
class Outcome:
    """Per release: outcome code, seconds to it, users who met the candidate, and those it failed.

    ``failed`` counts users with an error beyond what the stable version would have given them.
    """

    outcome: Array
    seconds: Array
    met: Array
    failed: Array

    @property
    def rolled_back(self) -> float:
        """Share of releases that evidence rolled back."""
        return float((self.outcome == ROLLBACK).mean())

    @property
    def promoted(self) -> float:
        """Share of releases that were promoted."""
        return float((self.outcome == PROMOTE).mean())

    def median(self, values: Array, code: float) -> float:
        """Median among the releases with this outcome; NaN when there is none."""
        hit = self.outcome == code
        return float(np.median(values[hit])) if hit.any() else float("nan")


def play(
    scenario: Scenario, rate: float, spec: ReleaseSpec, *, reps: int, seed: int, errors: float
) -> Outcome:
    """Roll out until every release has ended.

    Args:
        scenario: What is wrong with the candidate.
        rate: New users per second.
        spec: The release's settings, as in model.yaml.
        reps: Releases.
        seed: Of the random numbers.
        errors: Share of the stable version's users who have an error.
    """
    rules = policy(spec, 0, EDGES_MS)
    rng = np.random.default_rng(seed)
    ladder = np.array((0.0, *spec.ladder))
    state = initial(rules, reps)
    share = np.zeros(reps)
    calm_from = np.full(reps, float(spec.refresh_seconds))
    outcome = Outcome(np.zeros(reps), np.zeros(reps), np.zeros(reps), np.zeros(reps))
    waiting: list[tuple[WindowArrays, Flags]] = []
    lag = round(spec.metrics_lag_seconds / MINUTE)
    minutes = int((spec.deadline_seconds + spec.watch_seconds) / MINUTE) * 2 + 60
    for minute in range(minutes):
        begin, now = minute * MINUTE, (minute + 1) * MINUTE
        still = outcome.outcome == OPEN
        if not still.any():
            break
        counts, failures = _window(scenario, rng, rate * MINUTE, share, begin, errors)
        outcome.met += counts.requests[:, 0, 0] * still
        outcome.failed += failures * still
        waiting.append((counts, calm_from <= begin))
        if len(waiting) <= lag:
            continue
        window, steady = waiting.pop(0)
        rows = still & steady
        if rows.any():
            state = _update_rows(rules, state, window, rows)
        over = still & (state.outcome != OPEN)
        outcome.outcome[over], outcome.seconds[over] = state.outcome[over], now
        rung = ladder[np.searchsorted(ladder, state.target + 1e-9, side="right") - 1]
        up = still & ~over & (rung > share)
        share = np.where(up, rung, share)
        calm_from = np.where(up, now + SEEN_OUTSIDE_SECONDS + spec.refresh_seconds, calm_from)
    return outcome


def _update_rows(
    rules: JudgePolicy, state: SequentialState, window: WindowArrays, rows: Flags
) -> SequentialState:
    """The state after a window of some of the releases."""
    some = SequentialState(
        **{f.name: getattr(state, f.name)[rows] for f in fields(SequentialState)}
    )
    after = update(rules, some, WindowArrays(**{k: v[rows] for k, v in vars(window).items()}))
    whole = {}
    for field in fields(SequentialState):
        column = getattr(state, field.name).copy()
        column[rows] = getattr(after, field.name)
        whole[field.name] = column
    return SequentialState(**whole)


def _window(
    scenario: Scenario, rng: np.random.Generator, users: float, share: Array, begin: float,
    errors: float,
) -> tuple[WindowArrays, Array]:  # fmt: skip
    """One minute of reports of every release, and how many users the candidate failed."""
    reps = len(share)
    came = rng.poisson(users, reps)
    candidate = rng.binomial(came, share)
    arms = np.stack([candidate, came - candidate], axis=1)
    shaken = scenario.incident and (begin / MINUTE) % 60 >= 50
    base = min(1.0, errors * (10.0 if shaken else 1.0))
    worse = scenario.points if begin >= scenario.from_minute * MINUTE else 0.0
    shares = np.array([min(1.0, base + worse), base])
    bad = rng.binomial(arms, shares)
    failures = bad[:, 0] - base * arms[:, 0]
    good = arms - bad
    latency = np.stack(
        [
            rng.multinomial(good[:, arm], _bins(scenario.spread, factor))
            for arm, factor in enumerate((scenario.slower, 1.0))
        ],
        axis=1,
    )
    counts = WindowArrays(
        t0=np.full(reps, begin),
        t1=np.full(reps, begin + MINUTE),
        weight=share,
        warmup=np.zeros(reps, dtype=bool),
        requests=arms[:, None, :].astype(float),
        trials=arms[:, None, :].astype(float),
        bad=bad[:, None, :].astype(float),
        latency=latency[:, None, :, :].astype(float),
        predictions=np.zeros((reps, 1, 2, 0)),
        pairs=np.zeros((reps, 4, 2)),
    )
    return counts, np.maximum(failures, 0.0) if worse else np.zeros(reps)


def _bins(spread: float, factor: float) -> Array:
    """Chance of each latency bin among users without an error."""
    edges = np.log(np.array(EDGES_MS) / (MEDIAN_MS * factor)) / spread
    chances: Array = np.diff(np.concatenate([[0.0], ndtr(edges), [1.0]]))
    return chances


def row(scenario: Scenario, rate: float, outcome: Outcome) -> Sequence[str]:
    """A line of the table."""
    code = PROMOTE if scenario.good else ROLLBACK
    return (
        scenario.name,
        f"{rate:g}",
        f"{outcome.rolled_back:.1%}",
        f"{outcome.promoted:.1%}",
        _number(outcome.median(outcome.seconds, code) / MINUTE),
        _number(outcome.median(outcome.met, code)),
        "–" if scenario.good else _number(outcome.median(outcome.failed, code)),
    )


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:,.0f}"
