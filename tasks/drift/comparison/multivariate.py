"""Drift that no single column shows: a domain classifier, and kernel means, on sampled rows.

The classifier finds changed dependence (a correlation), and says which columns drive it; the kernel
test finds small clusters and shifts that are spread over many columns. Neither finds everything, so
both are offered (Lopez-Paz and Oquab 2017; Gretton et al. 2012; Rahimi and Recht 2007).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.drift.comparison.together import Driver, Multivariate
from tasks.drift.profiles.cells import Floats
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.drift.profiles.numbers import numbers_of
from tasks.errors import ConfigurationError

CATEGORIES = 64
FREQUENCIES = 256
BLOCKS = 32
PERMUTATIONS = 2_000
LEAST_ROWS = 100


def told_apart(
    reference: Any, current: Any, grid: Grid, *, alpha: float = 0.01, seed: int = 0
) -> Multivariate:
    """Test sampled rows of both sides; the error budget is halved between the two tests.

    Args:
        reference: Arrow table of sampled rows (see sample.py).
        current: The same of the current partitions.
        grid: The baseline's grid; numeric and categorical columns take part.
        alpha: Probability of a false alarm.
        seed: Of the classifier's split and the kernel's frequencies.

    Raises:
        ConfigurationError: no numeric or categorical column is on both sides.
    """
    names = [
        name
        for name, kind in grid.kinds.items()
        if kind in {"numeric", "categorical"}
        and name in reference.column_names
        and name in current.column_names
    ]
    if not names:
        raise ConfigurationError(
            "No numeric or categorical column is on both sides.",
            "Sample the columns that the grid names.",
        )
    kinds = {name: grid.kinds[name] for name in names}
    a, b = _matrix(reference, reference, kinds), _matrix(current, reference, kinds)
    if min(len(a), len(b)) < LEAST_ROWS:
        return Multivariate(
            outcome="inconclusive", alpha=alpha, auc=0.5, p=1, mmd_p=None, drivers=()
        )
    auc, p, drivers = _classify(a, b, kinds, seed)
    numeric = [index for index, name in enumerate(names) if kinds[name] == "numeric"]
    mmd_p = None
    if numeric:
        centre = np.asarray([grid.numeric[names[index]].centre for index in numeric])
        scale = np.asarray([grid.numeric[names[index]].scale for index in numeric])
        mmd_p = kernel_p((a[:, numeric] - centre) / scale, (b[:, numeric] - centre) / scale, seed)
    alarmed = min(p, 1.0 if mmd_p is None else mmd_p) <= alpha / 2
    return Multivariate(
        outcome="fail" if alarmed else "pass",
        alpha=alpha,
        auc=auc,
        p=p,
        mmd_p=mmd_p,
        drivers=drivers,
    )


def kernel_p(reference: Floats, current: Floats, seed: int = 0) -> float:
    """P-value of a Gaussian-kernel two-sample test by block permutation.

    Args:
        reference: Rows in units of the baseline's spread, shape (n, d).
        current: The same, shape (m, d).
        seed: Of frequencies, blocks and permutations.
    """
    random = np.random.default_rng(seed)
    dimension = reference.shape[1]
    # Bounded first, so that one outlier is one odd row and no more.
    a, b = (np.tanh(np.nan_to_num(rows, nan=0.0) / 2) for rows in (reference, current))
    directions = random.standard_normal((dimension, FREQUENCIES)) * (2 / np.sqrt(dimension))
    means = np.concatenate([_blocks(rows @ directions, random) for rows in (a, b)])
    sizes = np.repeat([len(a), len(b)], BLOCKS) / BLOCKS
    label = np.repeat([1.0, 0.0], BLOCKS)

    def distance(first: Floats) -> Floats:
        one, two = first * sizes, (1 - first) * sizes
        gap = one @ means / one.sum(axis=1, keepdims=True)
        gap -= two @ means / two.sum(axis=1, keepdims=True)
        return np.asarray((gap**2).sum(axis=1))

    shuffled = random.permuted(np.tile(label, (PERMUTATIONS, 1)), axis=1)
    statistic = float(distance(label[None, :])[0])
    return float((1 + np.count_nonzero(distance(shuffled) >= statistic)) / (1 + PERMUTATIONS))


def _blocks(projected: Floats, random: np.random.Generator) -> Floats:
    """Mean cosines and sines of random blocks of rows, shape (BLOCKS, 2 * FREQUENCIES)."""
    features = np.concatenate((np.cos(projected), np.sin(projected)), axis=1)
    parts = np.array_split(random.permutation(len(features)), BLOCKS)
    return np.stack([features[part].mean(axis=0) for part in parts])


def _classify(
    a: Floats, b: Floats, kinds: Mapping[str, ColumnKind], seed: int
) -> tuple[float, float, tuple[Driver, ...]]:
    """Train on one half, judge on the other, both ways: each half's p-value is exact."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(seed)
    rows = np.concatenate((a, b))
    label = np.repeat([0, 1], [len(a), len(b)])
    half = np.zeros(len(rows), bool)
    for side in (0, 1):
        half[random.permutation(np.flatnonzero(label == side))[::2]] = True
    codes = [kind == "categorical" for kind in kinds.values()]
    aucs, ps = [], []
    lost = np.zeros(len(kinds))
    for train in (half, ~half):
        model = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, learning_rate=0.15, categorical_features=codes,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        with threadpool_limits(1):
            model.fit(rows[train], label[train])
            test, truth = rows[~train], label[~train]
            auc, p = _auc(model.decision_function(test), truth)
            for column in range(len(kinds)):
                shuffled = test.copy()
                shuffled[:, column] = random.permutation(shuffled[:, column])
                lost[column] += auc - _auc(model.decision_function(shuffled), truth)[0]
        aucs.append(auc)
        ps.append(p)
    order = np.argsort(-lost, kind="stable")
    names = list(kinds)
    drivers = tuple(Driver(column=names[i], auc_lost=float(lost[i] / 2)) for i in order[:10])
    return float(np.mean(aucs)), min(1.0, 2 * min(ps)), drivers


def _auc(scores: Floats, truth: NDArray[np.int64]) -> tuple[float, float]:
    """AUC, and the one-sided p-value of Mann and Whitney with ties."""
    from scipy.special import ndtr
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    m = int(truth.sum())
    n = len(truth) - m
    auc = float((ranks[truth == 1].sum() - m * (m + 1) / 2) / (n * m))
    ties = np.unique(scores, return_counts=True)[1].astype(np.float64)
    total = n + m
    variance = (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))) / (12 * n * m)
    return auc, float(ndtr(-(auc - 0.5) / np.sqrt(max(variance, 1e-300))))


def _matrix(table: Any, reference: Any, kinds: Mapping[str, ColumnKind]) -> Floats:
    columns = [
        _numbers(table[name]) if kind == "numeric" else _codes(table[name], reference[name])
        for name, kind in kinds.items()
    ]
    return np.stack(columns, axis=1)


def _numbers(column: Any) -> Floats:
    """A number per row, NaN where there is none."""
    import pyarrow as pa

    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if values.null_count == 0:
        numbers, _, invalid = numbers_of(values)
        if len(numbers) == len(values) and not invalid:
            return np.asarray(numbers, np.float64)
    parts = [numbers_of(values.slice(index, 1))[0] for index in range(len(values))]
    return np.asarray([float(item[0]) if len(item) else np.nan for item in parts])


def _codes(column: Any, reference: Any) -> Floats:
    """Code of each row's category among the reference's most common; others share one code."""
    known = {name: code for code, name in enumerate(_common(reference.to_pylist()))}
    values: Sequence[Any] = column.to_pylist()
    return np.asarray(
        [np.nan if v is None else known.get(str(v), CATEGORIES) for v in values], np.float64
    )


def _common(values: Sequence[Any]) -> list[str]:
    from collections import Counter

    counted = Counter(str(value) for value in values if value is not None)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, _ in ordered[:CATEGORIES]]
