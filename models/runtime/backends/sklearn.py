"""scikit-learn estimators on a model's features: one file of joblib, served as it was fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Backend, Fitted, Fitting, Stopped
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Signature
from models.runtime.task import PREDICTION, Objective

FILE = "sklearn/model.joblib"


class ScikitLearn(Backend):
    """``estimator()`` of a model.py, or gradient boosting on histograms (Ke et al. 2017).

    Ids of words are given to it as counts, a sparse matrix; without an ``estimator()`` a linear
    model learns from their TF-IDF weights.
    """

    first_hyperparameters: ClassVar[Mapping[str, str]] = {
        "max_iter": "300",
        "learning_rate": "0.08",
        "seed": "0",
    }
    trial_hyperparameters: ClassVar[Mapping[str, str]] = {"max_iter": "5"}

    def fit(self, fitting: Fitting) -> Fitted:
        """Fit once, on all labelled training rows; a job that is stopped starts anew."""
        import sklearn

        fitting.lap("scikit-learn", "")
        task, chosen = fitting.task, fitting.job.hyperparameters
        own = fitting.own.get("estimator")
        known = LINEAR if any(t.vocabulary for t in fitting.signature.inputs) else ESTIMATORS
        estimator = own(task, chosen) if own is not None else known[task.objective](chosen)
        targets = task.targets(fitting.split.labels)
        if targets.ndim > 1 and targets.shape[1] == 1:
            targets = targets[:, 0]
        estimator.fit(matrix(fitting.transform(fitting.split), fitting.signature), targets)
        if fitting.job.stopping:
            raise Stopped
        width = task.outputs[0].shape[-1]
        predictor = Estimator(estimator, task.objective, width, fitting.signature)
        predicted = task.predicted(predictor.predict(fitting.transform(fitting.watched)))
        measured = task.measure(fitting.watched.labels, predicted)[task.tracked]
        print(f"epoch=1 train_{task.tracked}={measured:.6g}", flush=True)
        fitting.lap("fit", "")
        return Fitted(predictor, [], {"scikit-learn": sklearn.__version__})

    def save(self, fitted: Fitted, _signature: Signature, folder: Path) -> None:
        """The fitted estimator, by joblib."""
        import joblib

        path = folder / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        predictor: Estimator = fitted.predictor
        joblib.dump((predictor.estimator, predictor.objective, predictor.width), path)

    def load(self, folder: Path, signature: Signature) -> Any:
        """The fitted estimator. Loading runs what the file says: trust whoever made it."""
        import joblib

        estimator, objective, width = joblib.load(folder / FILE)
        return Estimator(estimator, objective, width, signature)


class Estimator:
    """An estimator as a predictor.

    Args:
        estimator: A fitted estimator.
        objective: What it was fitted for.
        width: Numbers that it answers for a row.
        signature: The tensors that it is given.
    """

    def __init__(
        self, estimator: Any, objective: Objective, width: int, signature: Signature
    ) -> None:
        self.estimator = estimator
        self.objective = objective
        self.width = width
        self._signature = signature

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Tensors [n, …] → the prediction, float64 [n, width]."""
        features = matrix(inputs, self._signature)
        return {PREDICTION: _ANSWERS[self.objective](self.estimator, features, self.width)}


def matrix(tensors: Arrays, signature: Signature) -> Any:
    """All tensors of a row side by side: float64 [n, k], sparse where some hold ids.

    Ids become how often each is there; padding is not counted.
    """
    vocabularies = {tensor.name: tensor.vocabulary for tensor in signature.inputs}
    if not any(vocabularies.values()):
        parts = [values.reshape(len(values), -1) for values in tensors.values()]
        return np.concatenate(parts, axis=1, dtype=np.float64)
    from scipy.sparse import csr_matrix, hstack

    return hstack(
        [
            _counts(values.reshape(len(values), -1), vocabularies[name])
            if vocabularies[name]
            else csr_matrix(values.reshape(len(values), -1), dtype=np.float64)
            for name, values in tensors.items()
        ],
        format="csr",
    )


def _counts(ids: NDArray[Any], vocabulary: int) -> Any:
    from scipy.sparse import csr_matrix

    rows, places = np.nonzero(ids)
    found = (rows, ids[rows, places])
    return csr_matrix((np.ones(len(rows)), found), shape=(len(ids), vocabulary))


def _boosting(chosen: Hyperparameters) -> dict[str, Any]:
    return {
        "max_iter": chosen.integer("max_iter", 300),
        "learning_rate": chosen.number("learning_rate", 0.08),
        "max_leaf_nodes": chosen.integer("max_leaf_nodes", 31),
        "random_state": chosen.integer("seed", 0),
    }


def _regressor(chosen: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(loss="absolute_error", **_boosting(chosen))


def _classifier(chosen: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_boosting(chosen))


def _labeller(chosen: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.multioutput import MultiOutputClassifier

    return MultiOutputClassifier(HistGradientBoostingClassifier(**_boosting(chosen)))


def _weighted(learner: Any) -> Any:
    """A linear learner on TF-IDF weights, the logarithm of counts in them."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfTransformer(sublinear_tf=True), learner)


def _logistic(chosen: Hyperparameters) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=chosen.number("C", 3.0),
        max_iter=chosen.integer("max_iter", 300),
        random_state=chosen.integer("seed", 0),
    )


def _linear_regressor(chosen: Hyperparameters) -> Any:
    from sklearn.linear_model import Ridge

    return _weighted(Ridge(alpha=1 / chosen.number("C", 3.0)))


def _linear_classifier(chosen: Hyperparameters) -> Any:
    return _weighted(_logistic(chosen))


def _linear_labeller(chosen: Hyperparameters) -> Any:
    from sklearn.multioutput import MultiOutputClassifier

    return MultiOutputClassifier(_weighted(_logistic(chosen)))


def _values(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1, width)


def _chances(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    """A class that no training row had has the chance 0."""
    chances = np.zeros((features.shape[0], width))
    chances[:, np.asarray(estimator.classes_, dtype=int)] = estimator.predict_proba(features)
    return chances


def _label_chances(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    chances = np.zeros((features.shape[0], width))
    for label, given in enumerate(estimator.predict_proba(features)):
        # A label that all training rows had, or none, leaves one column.
        classes = list(estimator.estimators_[label].classes_)
        chances[:, label] = given[:, classes.index(1)] if 1 in classes else 0.0
    return chances


ESTIMATORS: Mapping[Objective, Callable[[Hyperparameters], Any]] = {
    "absolute_error": _regressor,
    "cross_entropy": _classifier,
    "binary_cross_entropy": _labeller,
}
LINEAR: Mapping[Objective, Callable[[Hyperparameters], Any]] = {
    "absolute_error": _linear_regressor,
    "cross_entropy": _linear_classifier,
    "binary_cross_entropy": _linear_labeller,
}
_ANSWERS: Mapping[Objective, Callable[..., NDArray[np.float64]]] = {
    "absolute_error": _values,
    "cross_entropy": _chances,
    "binary_cross_entropy": _label_chances,
}
