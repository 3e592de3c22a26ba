"""How good the champion probably is while labels are late: its expected error by score.

On labelled rows the mean error is measured in each cell of the champion's score (a probability, a
confidence, a predicted value). Later rows without labels give the shares of the cells; the expected
error is the cells' errors weighted by them. It holds while errors given the score stay as they
were (no concept drift: that is what concept.py watches once labels arrive), and it needs no rows,
only the profile of the score's column. Score cells that the labelled rows hardly reach are told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.drift.profiles.cells import CELLS, EDGES, Floats
from tasks.drift.profiles.counts import NumericCounts
from tasks.drift.profiles.grid import NumericGrid
from tasks.errors import ConfigurationError
from tasks.values import Frozen

BINS = 20


class ErrorByScore(Frozen):
    """Mean error by bins of the score, from labelled rows.

    Attributes:
        grid: Grid of the score's column.
        first_cells: First cell of each bin, ascending from 0.
        errors: Mean error in each bin.
        variances: Variance of that mean.
        shares: Share of the labelled rows in each bin.
    """

    grid: NumericGrid
    first_cells: tuple[int, ...]
    errors: tuple[float, ...]
    variances: tuple[float, ...]
    shares: tuple[float, ...]


class Estimated(Frozen):
    """An estimated mean error with a 95 % interval.

    ``beyond`` is the share of rows whose score lies where fewer than a tenth as many labelled rows
    lay: for them the estimate is a guess.
    """

    error: float
    low: float
    high: float
    labelled_error: float
    beyond: float


def learn_errors(
    grid: NumericGrid, scores: Sequence[float] | Floats, errors: Sequence[float] | Floats
) -> ErrorByScore:
    """Learn the mean error by score on labelled rows.

    Args:
        grid: Grid of the score's column in the baseline's profile.
        scores: Shape (n,).
        errors: Of each row, shape (n,): 0 or 1 for a class, an absolute error for a number.

    Raises:
        ConfigurationError: fewer than 100 rows, or shapes differ.
    """
    score, error = np.asarray(scores, np.float64), np.asarray(errors, np.float64)
    if len(score) != len(error) or len(score) < 100:
        raise ConfigurationError(
            f"{len(score)} scores and {len(error)} errors are too few or do not match.",
            "Give at least 100 labelled rows with a score and an error each.",
        )
    cell = np.searchsorted(grid.centre + grid.scale * EDGES, score, side="right")
    quantiles = np.quantile(cell, np.arange(1, BINS) / BINS, method="nearest")
    firsts = np.unique(np.concatenate(([0], quantiles + 1)).astype(np.int64))
    bins = np.searchsorted(firsts, cell, side="right") - 1
    rows = np.bincount(bins, minlength=len(firsts))
    firsts, keep = firsts[rows > 0], np.cumsum(rows > 0) - 1
    bins = keep[bins]
    firsts[0] = 0
    rows = rows[rows > 0]
    means = np.bincount(bins, weights=error) / rows
    spread = np.bincount(bins, weights=(error - means[bins]) ** 2) / rows
    # Half a row of the overall spread keeps a bin without any error from being certain.
    variances = (spread * rows + 0.5 * error.var()) / (rows + 0.5) / rows
    return ErrorByScore(
        grid=grid,
        first_cells=tuple(int(first) for first in firsts),
        errors=tuple(means.tolist()),
        variances=tuple(variances.tolist()),
        shares=tuple((rows / rows.sum()).tolist()),
    )


def estimate_error(learned: ErrorByScore, score: NumericCounts) -> Estimated:
    """Expected mean error of rows whose score was profiled.

    Raises:
        ConfigurationError: the profile is on another grid, or has no score.
    """
    total = int(score.cells.sum())
    if score.grid != learned.grid or not total:
        raise ConfigurationError(
            "The score's profile is empty, or not on the grid that errors were learned on.",
            "Profile the predictions with the baseline's grid.",
        )
    bins = np.searchsorted(learned.first_cells, np.arange(CELLS), side="right") - 1
    shares = np.bincount(bins, weights=score.cells, minlength=len(learned.first_cells)) / total
    errors, known = np.asarray(learned.errors), np.asarray(learned.shares)
    error = float(shares @ errors)
    spread = 1.96 * float(np.sqrt(shares**2 @ np.asarray(learned.variances)))
    return Estimated(
        error=error,
        low=error - spread,
        high=error + spread,
        labelled_error=float(known @ errors),
        beyond=float(shares[shares > 10 * known].sum()),
    )
