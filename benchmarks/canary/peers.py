"""The peers as rules, written from their documentation and source; all see the same windows.

Guides: five products' deployment guides. Kayenta: NetflixACAJudge and the canary analysis guide.
Flagger: deployment strategies, canary. Argo Rollouts: analysis and progressive delivery. SageMaker:
deployment guardrails with auto-rollback. Bands: Lindon, Sanden & Shirikian 2022, Lindon & Malek
2022, Howard & Ramdas 2022. Rules that keep a fixed share hold SHARE.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, log_ndtr
from scipy.stats import norm

from benchmarks.canary.run import Flags
from benchmarks.canary.world import Array
from tasks.judge.sequential import OPEN, PROMOTE, ROLLBACK
from tasks.judge.window import WindowArrays

SHARE = 0.10


class Peer:
    """A rule over minutes: keeps the windows told so far and an outcome.

    ``steady`` rules hold SHARE to their end, so they can be shown the very same traffic.

    Args:
        releases: How many run side by side.
        edges: Latency edges, ms.
    """

    scored = False
    steady = False
    period = 60.0
    share = SHARE
    lasts = 3600.0
    memory = 300.0

    def __init__(self, releases: int, edges: tuple[float, ...]) -> None:
        self.edges = np.asarray(edges)
        self.middles = np.r_[edges[0] * 0.9, np.sqrt(self.edges[:-1] * self.edges[1:]), edges[-1]]
        self.outcome = np.zeros(releases)
        self.weight = np.full(releases, self.share)
        self.due = self.period
        self.windows: list[WindowArrays] = []

    def tell(self, counts: WindowArrays, now: float) -> None:
        """Keep the window; look when the next look is due."""
        self.windows.append(counts)
        oldest = float(counts.t1[0]) - self.memory - 1e-6
        self.windows = [window for window in self.windows if float(window.t0[0]) >= oldest]
        self.add(counts)
        if now < self.due - 1e-6 or float(counts.t1[0]) <= float(self.windows[0].t0[0]):
            return
        while self.due <= now + 1e-6:
            self.due += self.period
        bad = self.look(now)
        self.outcome = np.where((self.outcome == OPEN) & bad, ROLLBACK, self.outcome)
        done = (self.outcome == OPEN) & self.finished(now)
        self.outcome = np.where(done, PROMOTE, self.outcome)

    def add(self, counts: WindowArrays) -> None:
        """Whatever the rule sums up beyond its memory."""

    def look(self, now: float) -> Flags:
        """Whether each release is to be rolled back now."""
        raise NotImplementedError

    def finished(self, now: float) -> Flags:
        """Whether each release is to be promoted now."""
        return np.full(len(self.outcome), now >= self.lasts)

    def shares(self, now: float) -> Array:
        """The canary's share now; none during the stable history."""
        return self.weight if now >= 0 else np.zeros_like(self.weight)

    def outcomes(self) -> Array:
        """Outcome codes."""
        return self.outcome

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        self.outcome, self.weight = self.outcome[rows], self.weight[rows]
        self.windows = [
            WindowArrays(**{name: value[rows] for name, value in vars(window).items()})
            for window in self.windows
        ]

    def recent(self, seconds: float) -> WindowArrays:
        """Sums over the last ``seconds``, at least one window; both arms."""
        last = self.windows[-1]
        end = float(last.t1[0])
        parts = [w for w in self.windows if float(w.t0[0]) >= end - seconds - 1e-6] or [last]
        return WindowArrays(
            **{name: np.sum([getattr(part, name) for part in parts], axis=0) for name in vars(last)}
        )

    def error_share(self, counts: WindowArrays, arm: int = 0) -> Array:
        """Errors per request; NaN without requests."""
        requests = counts.requests[:, 0, arm]
        share = counts.bad[:, 0, arm] / np.maximum(requests, 1)
        return np.where(requests > 0, share, np.nan)

    def mean_latency(self, counts: WindowArrays, arm: int = 0) -> Array:
        """Mean of the bins' middles, ms; NaN without requests."""
        bins = counts.latency[:, 0, arm]
        total = bins.sum(1)
        return np.where(total > 0, bins @ self.middles / np.maximum(total, 1), np.nan)

    def quantile(self, counts: WindowArrays, level: float, arm: int = 0) -> Array:
        """Upper edge of the bin that holds the quantile, ms; NaN without requests."""
        bins = counts.latency[:, 0, arm]
        total = bins.sum(1)
        at = np.argmax(bins.cumsum(1) >= level * total[:, None], axis=1)
        return np.where(total > 0, np.r_[self.edges, self.edges[-1]][at], np.nan)


class Guides(Peer):
    """Every 30 s for an hour: errors of the last 60 s > 5 % or mean latency > 2 s."""

    steady = True
    period = 30.0

    def look(self, now: float) -> Flags:
        """Canary only, absolute."""
        del now
        seen = self.recent(60.0)
        return (self.error_share(seen) > 0.05) | (self.mean_latency(seen) > 2000.0)


class SageMaker(Peer):
    """Bake 600 s, termination wait 600 s, one alarm: a minute > 5 % errors or mean > 2 s."""

    lasts = 1200.0

    def look(self, now: float) -> Flags:
        """The alarm; after the bake all traffic is on the canary."""
        seen = self.recent(60.0)
        alarm = (self.error_share(seen) > 0.05) | (self.mean_latency(seen) > 2000.0)
        if now >= 600.0:
            self.weight = np.full_like(self.weight, 0.99)
        return alarm


class Flagger(Peer):
    """Every 60 s: success < 99 %, p99 > 500 ms or no values count; five of them roll back."""

    step, highest, threshold = 0.05, 0.5, 5

    def __init__(self, releases: int, edges: tuple[float, ...]) -> None:
        super().__init__(releases, edges)
        self.weight = np.full(releases, self.step)
        self.failed = np.zeros(releases)

    def look(self, now: float) -> Flags:
        """Failed checks are never forgiven; a failed check does not raise the weight."""
        del now
        beyond = self.failed >= self.threshold
        seen = self.recent(60.0)
        fails = ~(1.0 - self.error_share(seen) >= 0.99) | ~(self.quantile(seen, 0.99) <= 500.0)
        self.failed = self.failed + fails
        self.at_top = (self.weight >= self.highest - 1e-9) & ~fails
        self.weight = np.where(fails, self.weight, np.minimum(self.weight + self.step, 0.5))
        return np.asarray(beyond)

    def finished(self, now: float) -> Flags:
        """Promoted by the first clean check at the highest weight."""
        del now
        return np.asarray(self.at_top)

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        super().keep(rows)
        self.failed = self.failed[rows]


class Argo(Peer):
    """20, 40, 60, 80 %, ten minutes each; from 40 % success ≥ 95 % every five minutes."""

    period = 300.0
    share = 0.2
    lasts = 2400.0

    def look(self, now: float) -> Flags:
        """A failure limit of 0: the first failed measurement aborts; NaN fails."""
        judged = now > 600.0
        self.weight = np.full_like(self.weight, 0.2 * min(1 + int(now // 600), 4))
        fails = ~(1.0 - self.error_share(self.recent(300.0)) >= 0.95)
        return fails & judged


class Kayenta(Peer):
    """Mann–Whitney of the minutes of both arms each hour for three; score < 75 fails."""

    steady = True
    period = 3600.0
    lasts = 10800.0
    memory = 60.0

    def __init__(self, releases: int, edges: tuple[float, ...]) -> None:
        super().__init__(releases, edges)
        self.series: list[list[Array]] = []

    def add(self, counts: WindowArrays) -> None:
        """One point a minute of every metric and arm."""
        if float(counts.weight.max()) <= 0 or float(counts.t1[0]) % 60.0 > 1e-6:
            return
        minute = self.recent(60.0)
        self.series.append(
            [
                metric
                for arm in (0, 1)
                for metric in (
                    self.error_share(minute, arm),
                    self.mean_latency(minute, arm),
                    self.quantile(minute, 0.99, arm),
                )
            ]
        )

    def look(self, now: float) -> Flags:
        """Groups: errors (weight 50), latency (mean and p99, weight 50)."""
        data = np.nan_to_num(np.array(self.series))  # minute, arm and metric, release
        if len(data) < 50:
            return np.zeros(len(self.outcome), dtype=bool)
        high = [_high(data[:, metric].T, data[:, 3 + metric].T) for metric in range(3)]
        score = 100.0 - 50.0 * high[0] - 25.0 * high[1] - 25.0 * high[2]
        return np.asarray(score < (95.0 if now >= self.lasts else 75.0))

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        super().keep(rows)
        self.series = [[metric[rows] for metric in point] for point in self.series]


def _high(canary: Array, stable: Array) -> Flags:
    """Kayenta's "High": the 98 % interval of the shift lies beyond a quarter of the shift."""
    m = canary.shape[1]
    spread = np.sqrt(m * m * (2 * m + 1) / 12.0)
    low_rank = int(max(m * m / 2 - norm.ppf(0.99) * spread, 0))
    ranks = sorted({low_rank, (m * m - 1) // 2, m * m // 2})
    shifts = (canary[:, :, None] - stable[:, None]).reshape(len(canary), m * m)
    shifts = np.partition(shifts, ranks, axis=1)
    median = 0.5 * (shifts[:, (m * m - 1) // 2] + shifts[:, m * m // 2])
    # Zero-versus-something passes.
    return np.asarray((shifts[:, low_rank] > 0.25 * abs(median)) & stable.any(1))


class Summing(Peer):
    """A rule on all counts since the canary began."""

    steady = True
    period = 10.0
    memory = 60.0

    def __init__(self, releases: int, edges: tuple[float, ...]) -> None:
        super().__init__(releases, edges)
        self.requests, self.errors = np.zeros((releases, 2)), np.zeros((releases, 2))
        self.latency = np.zeros((releases, 2, len(edges) + 1))

    def add(self, counts: WindowArrays) -> None:
        """Both arms from the canary's start on."""
        if float(counts.weight.max()) > 0:
            self.latency = self.latency + counts.latency[:, 0]
            self.requests = self.requests + counts.requests[:, 0]
            self.errors = self.errors + counts.bad[:, 0]

    def keep(self, rows: Flags) -> None:
        """Drop the releases that are over."""
        super().keep(rows)
        self.requests, self.errors = self.requests[rows], self.errors[rows]
        self.latency = self.latency[rows]


class NaiveZ(Summing):
    """A z-test on all counts so far at every window, p < 0.01: errors, and slow requests."""

    def look(self, now: float) -> Flags:
        """One-sided, errors and the share beyond the stable 95th percentile."""
        del now
        stable = self.latency[:, 1].cumsum(1)
        edge = np.argmax(stable >= 0.95 * stable[:, -1:], axis=1)
        bins = np.arange(self.latency.shape[2])
        slow = (self.latency * (bins > edge[:, None])[:, None]).sum(2)
        return _z(self.requests, self.errors) | _z(self.latency.sum(2), slow)


def _z(n: Array, x: Array) -> Flags:
    total = np.maximum(n.sum(1), 1)
    rate = x.sum(1) / total
    each = np.maximum(n, 1)
    spread = np.sqrt(rate * (1 - rate) * (1 / each).sum(1))
    gap = x[:, 0] / each[:, 0] - x[:, 1] / each[:, 1]
    z = np.where(spread > 0, gap / np.where(spread > 0, spread, 1), 0)
    return np.asarray((log_ndtr(-z) < np.log(0.01)) & (n[:, 0] >= 30))


class Bands(Summing):
    """Published anytime-valid tests: sup-norm bands of the latency laws, Dirichlet on counts."""

    alpha = 0.005
    strength = 100.0

    def look(self, now: float) -> Flags:
        """Error split against the share of traffic, and the gap of both distribution functions."""
        del now
        ours, theirs = self.errors[:, 0], self.errors[:, 1]
        share = self.requests[:, 0] / np.maximum(self.requests.sum(1), 1)
        share = np.clip(share, 1e-6, 1 - 1e-6)
        a, b = self.strength * share, self.strength * (1 - share)
        log_e = betaln(a + ours, b + theirs) - betaln(a, b)
        log_e = log_e - ours * np.log(share) - theirs * np.log1p(-share)
        worse = ours > share * (ours + theirs)
        total = self.latency.sum(2)
        below = self.latency.cumsum(2) / np.maximum(total, 1)[..., None]
        gap = (below[:, 1] - below[:, 0]).max(1)
        n = np.maximum(total, 2)
        band = 0.85 * np.sqrt((np.log(np.log(np.e * n)) + 0.8 * np.log(1612 / self.alpha)) / n)
        return np.asarray((worse & (log_e >= -np.log(self.alpha))) | (gap > band.sum(1)))


PEERS: dict[str, type[Peer]] = {
    "guides": Guides,
    "kayenta": Kayenta,
    "flagger": Flagger,
    "argo": Argo,
    "sagemaker": SageMaker,
    "naive z": NaiveZ,
    "bands": Bands,
}
