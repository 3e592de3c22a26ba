"""How well one column tells the label of rows that it did not see. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.gates.rows.targets import RowTarget

Floats = NDArray[np.float64]
FOLDS = 3
LEAVES = 64
FEWEST = 30
"""Rows that a class must have, and both sides of a question: of fewer, a column may tell all by
chance."""
FEWEST_ROWS = 100
MOST_CELLS = 5_000_000
"""Rows times classes that are looked at. A column of more values times classes names rows."""
MOST_TESTS = 20
"""Questions of a task of many labels that a column is asked."""


@dataclass(frozen=True)
class View:
    """One way to read a column.

    Args:
        said: What of it, as a person is told: "", or "its last 2 characters".
        kind: ``number`` (its rank) is cut anywhere by a tree, the codes of a ``category`` are
            counted, the ``flags`` [n, k] of words are asked one after the other.
        values: float64 [n] (NaN where missing), int64 [n], or bool [n, k].
    """

    said: str
    kind: Literal["number", "category", "flags"]
    values: NDArray[Any]


def judged(target: RowTarget) -> bool:
    """Whether there are rows enough to say that a column tells too much."""
    if len(target) < FEWEST_ROWS:
        return False
    if target.kind == "classes":
        counts = np.bincount(target.values)
        return int((counts >= FEWEST).sum()) >= 2  # noqa: PLR2004  one class is nothing to tell
    if target.kind in {"yes or no", "labels"}:
        return bool(_asked(target))
    return target.kind == "number" and float(np.ptp(target.values)) > 0


def strength(view: View, target: RowTarget) -> float:
    """How well a column tells the label, out of fold, from 0 (nothing) to 1 (everything).

    Returns:
        Of a yes or no the area under the ROC curve (of many labels the greatest), which is 0.5 for
        nothing; of classes the share of what the largest class alone leaves wrong that it gets
        right; of a number R² of its ranks, which sees any curve that rises or falls.
    """
    if target.kind == "number":
        ranks = _ranks(target.values)
        said = _out_of_fold(view, ranks[:, None], classify=False)[:, 0]
        return 1 - float(((ranks - said) ** 2).mean() / ranks.var())
    if target.kind == "classes":
        counts = np.bincount(target.values)
        if len(counts) * _codes(view) > MOST_CELLS:
            return 0.0
        shares = np.eye(len(counts))[target.values] if view.kind == "category" else None
        said = (
            _out_of_fold(view, shares, classify=False).argmax(axis=1)
            if shares is not None
            else _out_of_fold(view, target.values[:, None], classify=True).argmax(axis=1)
        )
        wrong = len(target) - counts.max()
        return 1 - float((said != target.values).sum()) / wrong if wrong else 0.0
    return max(
        (
            auc(
                _out_of_fold(view, target.values[:, [n]].astype(float), classify=False)[:, 0],
                target.values[:, n],
            )
            for n in _asked(target)
        ),
        default=0.0,
    )


def told_by_absence(missing: NDArray[np.bool_], target: RowTarget) -> float:
    """How well the mere absence of a value tells a label, as an area under the ROC curve.

    Args:
        missing: [n].
        target: Of classes the one counts that it tells best; of a number, whether labels of the
            rows without a value are all above, or all below the others.

    Returns:
        0.5 … 1; 0.5 where too few rows have a value, or too few have none.
    """
    if min(missing.sum(), (~missing).sum()) < FEWEST or target.kind == "none":
        return 0.5
    if target.kind == "number":
        area = auc(target.values, missing)
        return max(area, 1 - area)
    best = 0.5
    for _, rows in target.sides:
        if min(rows.sum(), (~rows).sum()) >= FEWEST:
            area = auc(missing.astype(float), rows)
            best = max(best, area, 1 - area)
    return best


def auc(scores: Floats, yes: NDArray[np.bool_]) -> float:
    """Chance that a yes has a higher score than a no; ties count half (Hanley & McNeil 1982)."""
    from scipy.stats import rankdata

    count = int(yes.sum())
    if not 0 < count < len(yes):
        return 0.5
    above = float(rankdata(scores)[yes].sum()) - count * (count + 1) / 2
    return above / (count * (len(yes) - count))


def _asked(target: RowTarget) -> list[int]:
    """Questions with yeses and noes enough."""
    yes = target.values.sum(axis=0)
    enough = np.minimum(yes, len(target) - yes) >= FEWEST
    return [int(n) for n in np.flatnonzero(enough)][:MOST_TESTS]


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values) / len(values), dtype=np.float64)


def _codes(view: View) -> int:
    return int(view.values.max()) + 1 if view.kind == "category" and len(view.values) else 0


def _folds(rows: int) -> NDArray[np.intp]:
    return np.random.default_rng(0).permutation(rows) % FOLDS


def _out_of_fold(view: View, wanted: NDArray[Any], *, classify: bool) -> Floats:
    """What each row's value says of it, learned from the rows of the other folds.

    Args:
        view: The column.
        wanted: [n, k] numbers, of which means are told; or [n, 1] classes.
        classify: Whether ``wanted`` are classes; their shares are told then.
    """
    folds = _folds(len(wanted))
    width = int(wanted.max()) + 1 if classify else wanted.shape[1]
    said = np.zeros((len(wanted), width))
    for fold in range(FOLDS):
        out, rest = folds == fold, folds != fold
        if view.kind == "category":
            said[out] = _means(view.values[rest], wanted[rest], view.values[out])
        else:
            said[out] = _tree(view, wanted, rest, out, width, classify=classify)
    return said


def _means(codes: NDArray[Any], wanted: Floats, asked: NDArray[Any]) -> Floats:
    """Mean of each code; one that was not seen has the mean of all."""
    count = int(max(codes.max(), asked.max())) + 1
    rows = np.bincount(codes, minlength=count)
    sums = np.stack([np.bincount(codes, one, minlength=count) for one in wanted.T], axis=1)
    means = sums / np.maximum(rows, 1)[:, None]
    means[rows == 0] = wanted.mean(axis=0)
    return np.asarray(means[asked], dtype=np.float64)


def _tree(
    view: View,
    wanted: NDArray[Any],
    rest: NDArray[np.bool_],
    out: NDArray[np.bool_],
    width: int,
    *,
    classify: bool,
) -> Floats:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    made = DecisionTreeClassifier if classify else DecisionTreeRegressor
    values = view.values.reshape(len(view.values), -1).astype(np.float32)
    # A word that tells a class is enough of a leak; a tree of many words is a model.
    leaves = LEAVES if view.kind == "number" else min(LEAVES, 2 * max(2, width))
    tree = made(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
    tree.fit(values[rest], wanted[rest, 0])
    if not classify:
        return np.asarray(tree.predict(values[out]), dtype=np.float64)[:, None]
    said = np.zeros((int(out.sum()), width))
    said[:, tree.classes_.astype(int)] = tree.predict_proba(values[out])
    return said
