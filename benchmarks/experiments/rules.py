"""Rules that end an experiment: ours, and what is commonly done, written from its documentation.

Each takes sums after each block and answers, per experiment, the block at which it names a winner
(and whether that is the treatment), or infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from tasks.experiments.sequence import Design, Sums, log_evidence

Array = NDArray[np.float64]
ALPHA = 0.05
Rule = Callable[[Sums, Design], Array]


@dataclass(frozen=True)
class Look:
    """Welch's t-test at some of the blocks: ``scipy.stats.ttest_ind(equal_var=False)`` on sums."""

    every: int
    alpha: float = ALPHA

    def __call__(self, sums: Sums, _design: Design) -> Array:
        """Block of the first look at which p is below α."""
        n_t, s_t, q_t, n_c, s_c, q_c = (column.cumsum(-1) for column in sums.columns())
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_t, mean_c = s_t / n_t, s_c / n_c
            v_t = (q_t / n_t - mean_t**2) / (n_t - 1)
            v_c = (q_c / n_c - mean_c**2) / (n_c - 1)
            t = (mean_t - mean_c) / np.sqrt(v_t + v_c)
            freedom = (v_t + v_c) ** 2 / (v_t**2 / (n_t - 1) + v_c**2 / (n_c - 1))
            p = 2 * student.sf(np.abs(t), freedom)
        looks = np.zeros(p.shape[-1], dtype=bool)
        looks[self.every - 1 :: self.every] = True
        return first(looks & (np.nan_to_num(p, nan=1.0) < self.alpha))


def fixed(sums: Sums, design: Design) -> Array:
    """The same test, once, at the end: what it promises holds for one look only."""
    return Look(every=sums.n_t.shape[-1])(sums, design)


def bonferroni(looks: int) -> Rule:
    """Daily looks, α shared among them."""
    return lambda sums, design: Look(sums.n_t.shape[-1] // looks, ALPHA / looks)(sums, design)


def ours(sums: Sums, design: Design) -> Array:
    """The confidence sequence, looked at after every block."""
    evidence = log_evidence(sums, np.zeros(1), design)[..., 0]
    return first(evidence >= -np.log(ALPHA))


def first(crossings: Any) -> Array:
    """Number of blocks until it first holds; infinity when it never does."""
    return np.where(crossings.any(-1), crossings.argmax(-1) + 1.0, np.inf)
