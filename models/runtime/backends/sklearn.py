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
from models.runtime.task import PREDICTION, Objective, Task

FILE = "sklearn/model.joblib"


class ScikitLearn(Backend):
    """``estimator()`` of a model.py, or gradient boosting on histograms (Ke et al. 2017)."""

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
        task, hyperparameters = fitting.task, fitting.job.hyperparameters
        own = fitting.own.get("estimator")
        estimator = (
            own(task, hyperparameters) if own is not None else _estimator(task, hyperparameters)
        )
        targets = task.targets(fitting.split.labels)
        if targets.ndim > 1 and targets.shape[1] == 1:
            targets = targets[:, 0]
        estimator.fit(matrix(fitting.transform(fitting.split)), targets)
        if fitting.job.stopping:
            raise Stopped
        predictor = Estimator(estimator, task.objective, task.outputs[0].shape[-1])
        predictions = task.predicted(predictor.predict(fitting.transform(fitting.watched)))
        metric = task.measure(fitting.watched.labels, predictions)[task.tracked]
        print(f"epoch=1 train_{task.tracked}={metric:.6g}", flush=True)
        fitting.lap("fit", "")
        return Fitted(predictor, [], {"scikit-learn": sklearn.__version__})

    def save(self, fitted: Fitted, _signature: Signature, folder: Path) -> None:
        """The fitted estimator, by joblib."""
        import joblib

        path = folder / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        predictor: Estimator = fitted.predictor
        joblib.dump((predictor.estimator, predictor.objective, predictor.width), path)

    def load(self, folder: Path, _signature: Signature) -> Any:
        """The fitted estimator. Loading runs what the file says: trust whoever made it."""
        import joblib

        return Estimator(*joblib.load(folder / FILE))


def _estimator(task: Task, chosen: Hyperparameters) -> Any:
    if task.objective == "binary_cross_entropy" and task.outputs[0].shape[-1] == 1:
        return _classifier(chosen)  # a single label needs no estimator for each
    return ESTIMATORS[task.objective](chosen)


class Estimator:
    """An estimator as a predictor.

    Args:
        estimator: A fitted estimator.
        objective: What it was fitted for.
        width: Numbers that it answers for a row.
    """

    def __init__(self, estimator: Any, objective: Objective, width: int) -> None:
        self.estimator = estimator
        self.objective = objective
        self.width = width

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Tensors [n, …] → the prediction, float64 [n, width]."""
        features = matrix(inputs)
        return {PREDICTION: _ANSWERS[self.objective](self.estimator, features, self.width)}


def matrix(tensors: Arrays) -> NDArray[np.float64]:
    """All tensors of a row side by side: float64 [n, k]."""
    parts = [values.reshape(len(values), -1) for values in tensors.values()]
    return np.concatenate(parts, axis=1, dtype=np.float64)


def _boosting(hyperparameters: Hyperparameters) -> dict[str, Any]:
    return {
        "max_iter": hyperparameters.integer("max_iter", 300),
        "learning_rate": hyperparameters.number("learning_rate", 0.08),
        "max_leaf_nodes": hyperparameters.integer("max_leaf_nodes", 31),
        "random_state": hyperparameters.integer("seed", 0),
    }


def _regressor(hyperparameters: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(loss="absolute_error", **_boosting(hyperparameters))


def _classifier(hyperparameters: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_boosting(hyperparameters))


def _labeller(hyperparameters: Hyperparameters) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.multioutput import MultiOutputClassifier

    return MultiOutputClassifier(HistGradientBoostingClassifier(**_boosting(hyperparameters)))


def _values(estimator: Any, features: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1, width)


def _chances(estimator: Any, features: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """A class that no training row had has the chance 0."""
    chances = np.zeros((len(features), width))
    chances[:, np.asarray(estimator.classes_, dtype=int)] = estimator.predict_proba(features)
    return chances


def _label_chances(
    estimator: Any, features: NDArray[np.float64], width: int
) -> NDArray[np.float64]:
    chances = np.zeros((len(features), width))
    answers = estimator.predict_proba(features)
    several = isinstance(answers, list)
    for label, probabilities in enumerate(answers if several else [answers]):
        # A label that all training rows had, or none, leaves one column.
        classes = list((estimator.estimators_[label] if several else estimator).classes_)
        chances[:, label] = probabilities[:, classes.index(1)] if 1 in classes else 0.0
    return chances


ESTIMATORS: Mapping[Objective, Callable[[Hyperparameters], Any]] = {
    "absolute_error": _regressor,
    "cross_entropy": _classifier,
    "binary_cross_entropy": _labeller,
}
_ANSWERS: Mapping[Objective, Callable[..., NDArray[np.float64]]] = {
    "absolute_error": _values,
    "cross_entropy": _chances,
    "binary_cross_entropy": _label_chances,
}
