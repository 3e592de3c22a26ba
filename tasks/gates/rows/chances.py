"""Chances of the classes, cross-validated with a plain model: for tables, texts and photos."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.images.pictures import pixels
from tasks.gates.rows.sides import ChannelRows, RowFeature

Floats = NDArray[np.float64]
FOLDS = 5
MOST_ROWS, MOST_PHOTOS, MOST_TREES = 20_000, 3_000, 80_000
"""Rows of a text or table, photos, and rows times classes of a table, which boosting goes by."""
MOST_CLASSES = 20
"""Classes beyond which boosting, a tree for each, takes minutes."""
SIDE = 16
MOST_CODES, BUCKETS = 200, 32
"""Distinct values of a category; texts of a table share so many buckets of words."""


def of_table(columns: Mapping[str, NDArray[Any]], labels: NDArray[Any]) -> Floats:
    """Gradient boosting on histograms (Ke et al. 2017).

    Args:
        columns: As `ChannelRows` has them; text of many different values as hashed words.
        labels: Class indices [n], of each class five or more.

    Returns:
        Chances [n, classes] of rows that nothing was learned from.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    parts, categorical = [], []
    for values in columns.values():
        part, is_code = _numbers(values)
        parts.append(part)
        categorical += [is_code] * part.shape[1]
    # Small trees of many rows, and few of them: wrong labels are not to be learned by heart.
    learner = HistGradientBoostingClassifier(
        max_iter=30,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        early_stopping=False,
        categorical_features=np.asarray(categorical),
        random_state=0,
    )
    return _crossed(learner, np.concatenate(parts, axis=1), labels)


def of_texts(texts: Sequence[str], labels: NDArray[Any]) -> Floats:
    """A linear model of the TF-IDF weights of words and pairs of words; see :func:`of_table`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    weights = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=50_000)
    try:
        rows = weights.fit_transform(texts)
    except ValueError:  # no text holds a word: nothing is told, and each class has its share
        shares = np.bincount(labels) / len(labels)
        return np.tile(shares, (len(labels), 1))
    return _crossed(LogisticRegression(C=10.0, max_iter=200), rows, labels)


def of_pixels(small: Floats, labels: NDArray[Any]) -> Floats:
    """A linear model of small pictures [n, side, side, 3]; see :func:`of_table`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    return _crossed(learner, small.reshape(len(small), -1), labels)


def shrunk(files: Sequence[Path]) -> Floats:
    """Photos as pictures of 16 × 16, 0 … 1: float64 [n, 16, 16, 3]."""
    return np.stack([pixels(file.read_bytes(), (SIDE, SIDE))[0] / 255 for file in files])


def most_rows(rows: ChannelRows, classes: int) -> int:
    """Rows from which chances are learned in some seconds."""
    return MOST_PHOTOS if rows.files else min(MOST_ROWS, MOST_TREES // classes)


def of_rows(rows: ChannelRows, features: Sequence[RowFeature], labels: NDArray[Any]) -> Floats:
    """Chances of the classes by what the rows are: photos, one text, or a table."""
    if rows.files:
        return of_pixels(shrunk(rows.files), labels)
    texts = [feature.name for feature in features if feature.kind == "text"]
    if len(features) == len(texts) == 1:
        return of_texts([str(text) for text in rows.columns[texts[0]]], labels)
    return of_table(rows.columns, labels)


def _crossed(learner: Any, rows: Any, labels: NDArray[Any]) -> Floats:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    # More threads than cores spin where others work beside it; and a share of wrong labels asks
    # for no last digit of a fit.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        told = cross_val_predict(learner, rows, labels, cv=folds, method="predict_proba")
    return np.asarray(told, dtype=np.float64)


def _numbers(values: NDArray[Any]) -> tuple[Floats, bool]:
    """A column as numbers [n, k], and whether they are codes of categories."""
    from pandas import factorize

    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]").astype(np.int64).astype(np.float64)
        days[np.isnat(values)] = np.nan
        return days[:, None], False
    if values.dtype.kind != "O":
        return np.where(np.isfinite(values), values, np.nan)[:, None], False
    codes, distinct = factorize(values)
    if len(distinct) <= MOST_CODES:
        return codes.astype(np.float64)[:, None], True
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(n_features=BUCKETS, alternate_sign=False, norm=None)
    return hashing.transform([str(value) for value in values]).toarray(), False
