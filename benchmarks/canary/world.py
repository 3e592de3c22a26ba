"""The simulated service: stable and canary traffic of many releases side by side.

Everything is drawn in ticks of ten seconds. A tick's requests are Poisson, split at random by the
canary's share; errors, latency bins and prediction bins follow the scenario. The CloudWatch feed
sums six ticks and tells them sixty seconds late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, ndtr, ndtri

from benchmarks.canary.scenarios import Scenario
from tasks.judge.window import WindowArrays

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Law = Callable[[Array], Array]

TICK = 10.0
HOSTS = (1, 4)
"""Of the canary and of the stable version, where hosts pause or differ."""
LOST_FROM = 120.0
"""Seconds after the canary's start from which its errors are not told, where they are lost."""
SPELL = (300.0, 600.0)
"""Seconds after the canary's start between which its host is slower."""


def lognormal(x: Array) -> Array:
    """Median 80 ms, σ 0.5: the law that the trial was tuned on."""
    return np.asarray(ndtr(np.log(np.maximum(x, 1e-9) / 80.0) / 0.5))


def gamma(x: Array) -> Array:
    """Shape 2, mean 120 ms."""
    return np.asarray(gammainc(2.0, np.maximum(x, 0.0) / 60.0))


def bimodal(x: Array) -> Array:
    """Three cache hits of 15 ms for each miss of 200 ms."""
    logs = np.log(np.maximum(x, 1e-9))
    hit, miss = ndtr((logs - np.log(15.0)) / 0.3), ndtr((logs - np.log(200.0)) / 0.4)
    return np.asarray(0.75 * hit + 0.25 * miss)


LAWS: dict[str, Law] = {"lognormal": lognormal, "gamma": gamma, "bimodal": bimodal}


@dataclass(frozen=True)
class Setting:
    """Traffic and feed. ``feed`` is "direct" (10 s) or "cloudwatch" (60 s, 60 s late)."""

    rate: float = 10.0
    errors: float = 0.005
    feed: str = "direct"
    law: str = "lognormal"
    by_user: bool = True

    @property
    def ticks(self) -> int:
        """Ticks in one window."""
        return 1 if self.feed == "direct" else 6

    @property
    def lag(self) -> int:
        """Ticks from a window's end until it is told."""
        return 0 if self.feed == "direct" else 6


class World:
    """Traffic of ``releases`` releases; ``tick`` plays ten seconds.

    Args:
        scenario: What is wrong.
        setting: Traffic and feed.
        edges: Latency edges, ms.
        bins: Number of prediction bins, equally likely in the stable version.
        releases: How many run side by side.
        rng: Source of chance.
        horizon: Ticks that bursts are laid out for.

    ``scored`` may be set to False where nobody reads predictions: they are then not drawn.
    """

    def __init__(
        self,
        scenario: Scenario,
        setting: Setting,
        edges: tuple[float, ...],
        bins: int,
        releases: int,
        rng: np.random.Generator,
        horizon: int = 2000,
    ) -> None:
        self.scenario, self.setting, self.rng = scenario, setting, rng
        self.edges, self.bins = np.asarray(edges), bins
        usual = LAWS[setting.law]
        self.law: Law = lambda x: usual(x / scenario.pace)
        self.scored = True
        self.laws: dict[tuple[float, float, float], Array] = {}
        self.now = 0
        self.began = np.full(releases, -1)
        self.alive = np.arange(releases)
        self.burst = np.zeros((releases, horizon), dtype=bool)
        if scenario.bursts:
            for row in self.burst:
                at = rng.exponential(900.0)
                while at < horizon * TICK:
                    length = rng.uniform(60.0, 240.0)
                    row[int(at / TICK) : int((at + length) / TICK) + 1] = True
                    at += length + rng.exponential(900.0)
        # Requests still to come of users who always fail, by hash (50 cells) and tick.
        self.pending = np.zeros((releases, 50, 12))
        score_edges = ndtri(np.arange(1, bins) / bins)
        self.scores = np.diff(np.r_[0.0, ndtr(score_edges - scenario.shift), 1.0])
        self.plain_scores = np.full(bins, 1.0 / bins)
        if scenario.host_spread:
            self.speeds = np.exp(scenario.host_spread * rng.standard_normal((releases, sum(HOSTS))))
        grid = np.geomspace(0.1, 1e5, 20001) * scenario.pace
        self.slow_mark = float(grid[np.searchsorted(self.law(grid), 0.95)])

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Drop the releases that are over."""
        self.alive, self.burst = self.alive[rows], self.burst[rows]
        self.began, self.pending = self.began[rows], self.pending[rows]
        if self.scenario.host_spread:
            self.speeds = self.speeds[rows]

    def latency_law(self, slower: float, tail: float, tail_slower: float) -> Array:
        """Probabilities of the latency bins."""
        known = self.laws.get((slower, tail, tail_slower))
        if known is not None:
            return known
        below = (1.0 - tail) * self.law(self.edges / slower)
        below = below + tail * self.law(self.edges / (slower * tail_slower))
        law: Array = np.diff(np.r_[0.0, below, 1.0])
        self.laws[slower, tail, tail_slower] = law
        return law

    def tick(self, weight: Array) -> tuple[WindowArrays, Array]:
        """Play ten seconds; returns the counts (row 0 only) and the expected bad responses."""
        rng, scenario, setting = self.rng, self.scenario, self.setting
        releases = len(weight)
        self.began = np.where((self.began < 0) & (weight > 0), self.now, self.began)
        age = np.where(self.began >= 0, (self.now - self.began) * TICK, 0.0)
        traffic = setting.rate * TICK
        thin = np.where(scenario.lull & (age >= 120.0) & (age < 1320.0), 0.01, 1.0)
        total = rng.poisson(traffic * thin)
        canary = rng.binomial(total, np.clip(weight, 0.0, 1.0))
        requests = np.stack([canary, total - canary], axis=1)

        size = np.where(weight >= scenario.from_share - 1e-9, 1.0, 0.0)
        size = size * (age >= scenario.from_seconds)
        if scenario.ramp_seconds:
            size = size * np.minimum((age + TICK / 2) / scenario.ramp_seconds, 1.0)
        burst = self.burst[:, self.now]
        base = np.where(burst, 0.2, setting.errors)
        faulty = np.minimum(
            base * (1.0 + (scenario.times - 1.0) * size) + scenario.points * size, 1
        )
        single = 0.5 if scenario.sticky else 1.0
        bad = np.stack(
            [
                rng.binomial(requests[:, 0], faulty * single),
                rng.binomial(requests[:, 1], base * single),
            ],
            axis=1,
        )
        trials = requests.copy()
        hits = bad.copy()
        if scenario.sticky:
            requests, bad, trials, hits = self._sticky(weight, requests, bad)
            if not setting.by_user:
                trials, hits = requests, bad

        plain = self.latency_law(1.0, 0.0, 1.0)
        slow = self.latency_law(scenario.slower, scenario.tail, scenario.tail_slower)
        if scenario.hump:
            slow = self._humped()
        cold = self.latency_law(scenario.slower * scenario.cold_factor, 0.0, 1.0)
        shared = self.latency_law(4.0, 0.0, 1.0)
        is_cold = (scenario.cold_factor > 1.0) & (age < scenario.cold_seconds)
        law = np.where((size > 0)[:, None], slow, plain)
        law = np.where(is_cold[:, None], cold, law)
        stable_law = np.where(burst[:, None], shared, plain)
        if not scenario.from_share and not scenario.from_seconds:
            both = self.latency_law(4.0 * scenario.slower, 0.0, 1.0)
            law = np.where(burst[:, None], both, law)
        if scenario.spell_slower > 1.0:
            spell = (age >= SPELL[0]) & (age < SPELL[1])
            law = np.where(spell[:, None], self.latency_law(scenario.spell_slower, 0.0, 1.0), law)
        if scenario.host_spread:
            law, stable_law = self._of_hosts()
        if scenario.busy:
            law, stable_law = self._queued(weight), self._queued(1.0 - weight)
        latency = np.stack(
            [rng.multinomial(requests[:, 0], law), rng.multinomial(requests[:, 1], stable_law)],
            axis=1,
        )
        if scenario.pause_seconds:
            latency = self._paused(latency)
        predictions = np.zeros((releases, 2, self.bins))
        if self.scored:
            predictions[:, 0] = rng.multinomial(requests[:, 0], self.scores)
            predictions[:, 1] = rng.multinomial(requests[:, 1], self.plain_scores)
        excess = (faulty - base) * requests[:, 0]
        if scenario.slower > 1.0:
            excess = excess + requests[:, 0] * (
                0.95 - float(self.law(np.array(self.slow_mark / scenario.slower)))
            )
        excess = excess + requests[:, 0] * (scenario.tail + 2 * ndtr(abs(scenario.shift) / 2) - 1)
        if scenario.silent:
            lost = (size > 0) & (weight > 0)
            excess = excess + requests[:, 0] * lost
            for counted in (requests, trials, hits, latency, predictions):
                counted[lost, 0] = 0
        if scenario.errors_lost:
            untold = (age >= LOST_FROM) & (age < LOST_FROM + scenario.errors_lost) & (weight > 0)
            for counted in (trials, hits):
                counted[untold, 0] = 0
        start = np.full(releases, self.now * TICK)
        self.now += 1
        counts = WindowArrays(
            t0=start,
            t1=start + TICK,
            weight=weight.copy(),
            warmup=np.zeros(releases, dtype=bool),
            requests=requests[:, None].astype(float),
            trials=trials[:, None].astype(float),
            bad=hits[:, None].astype(float),
            latency=latency[:, None].astype(float),
            predictions=predictions[:, None].astype(float),
            pairs=np.zeros((releases, 4, 2)),
        )
        return counts, excess

    def _humped(self) -> Array:
        """The stable version's law with the requests just below its p90 just above it."""
        hump = self.scenario.hump
        rank = self.law(self.edges)
        moved = np.minimum(rank, 0.9 - hump)
        # Where they land they double those that lie there, as far as they reach.
        moved = moved + 2.0 * np.clip(rank - 0.9, 0.0, min(hump, 0.1))
        moved = np.maximum(moved, np.where(rank > 0.9 + hump, rank, 0.0))
        return np.asarray(np.diff(np.r_[0.0, moved, 1.0]))

    def _paused(self, latency: Whole) -> Whole:
        """Hosts that stand still now and then: one of the canary's, four of the stable version's.

        Whoever asks a host meanwhile waits for half of its pause in the mean.
        """
        scenario, rng = self.scenario, self.rng
        waits = int(np.searchsorted(self.edges, 500.0 * scenario.pause_seconds))
        latency = latency.copy()
        for arm, hosts in enumerate(HOSTS):
            pauses = rng.binomial(hosts, TICK / scenario.pause_every, size=len(latency))
            held = np.minimum(pauses / hosts * scenario.pause_seconds / TICK, 1.0)
            slow = rng.binomial(latency[:, arm], held[:, None])
            latency[:, arm] -= slow
            latency[:, arm, waits] += slow.sum(-1)
        return latency

    def _of_hosts(self) -> tuple[Array, Array]:
        """Latency of the canary's host, and of the stable version's hosts together."""
        below = self.law(self.edges[None, None] / self.speeds[..., None])
        ends = np.zeros((*below.shape[:2], 1)), np.ones((*below.shape[:2], 1))
        laws = np.diff(np.concatenate([ends[0], below, ends[1]], axis=-1))
        return laws[:, : HOSTS[0]].mean(1), laws[:, HOSTS[0] :].mean(1)

    def _queued(self, share: Array) -> Array:
        """Latency of hosts that bear this share of the traffic, as 1 / (1 - ρ) has it."""
        shares, which = np.unique(share, return_inverse=True)
        factors = 1.0 / (1.0 - self.scenario.busy * shares)
        laws = [self.latency_law(float(factor), 0.0, 1.0) for factor in factors]
        return np.asarray(np.stack(laws)[which])

    def _sticky(
        self, weight: Array, requests: Whole, bad: Whole
    ) -> tuple[Whole, Whole, Whole, Whole]:
        """Half of the errors come as whole users of twenty requests on average."""
        rng, setting = self.rng, self.setting
        cells = self.pending.shape[1]
        rate = setting.rate * TICK * setting.errors * 0.5 / 20.0 / cells
        fresh = rng.poisson(rate, size=self.pending.shape[:2])
        spread = self.pending.shape[2]
        sizes = np.where(fresh > 0, fresh + rng.negative_binomial(np.maximum(fresh, 1), 0.05), 0)
        self.pending += rng.multinomial(sizes, np.full(spread, 1.0 / spread))
        failing = self.pending[:, :, 0]
        ours = (np.arange(cells) + 0.5)[None] / cells < weight[:, None]
        both = np.stack([(failing * ours).sum(1), (failing * ~ours).sum(1)], axis=1)
        people = np.stack([(fresh * ours).sum(1), (fresh * ~ours).sum(1)], axis=1)
        self.pending = np.concatenate(
            [self.pending[:, :, 1:], np.zeros((*self.pending.shape[:2], 1))], axis=2
        )
        whole = (requests + both).astype(int)
        people = people.astype(int)
        return whole, (bad + both).astype(int), requests + people, bad + people


def merged(parts: list[WindowArrays]) -> WindowArrays:
    """Several ticks as one window; the share is the mean one."""
    first, last = parts[0], parts[-1]
    return replace(
        first,
        t1=last.t1,
        weight=np.mean([part.weight for part in parts], axis=0),
        requests=np.sum([part.requests for part in parts], axis=0),
        trials=np.sum([part.trials for part in parts], axis=0),
        bad=np.sum([part.bad for part in parts], axis=0),
        latency=np.sum([part.latency for part in parts], axis=0),
        predictions=np.sum([part.predictions for part in parts], axis=0),
    )


def rows_of(counts: WindowArrays, rows: NDArray[np.bool_]) -> WindowArrays:
    """The counts of some releases."""
    return WindowArrays(**{name: value[rows] for name, value in vars(counts).items()})
