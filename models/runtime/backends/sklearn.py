"""scikit-learn estimators on a model's features: one file of skops, served as it was fitted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Backend, Fitted, Fitting, Stopped
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Signature
from models.runtime.task import PREDICTION, Objective, Task

FILE = "sklearn/model.skops"
"""Holds values and the names of types, and nothing that runs when it is read, as a pickle would."""
FITTED_FOR = "sklearn/fitted_for.json"


class ScikitLearn(Backend):
    """``estimator()`` of a model.py, or gradient boosting on histograms (Ke et al. 2017).

    Ids of words are given to it as counts, a sparse matrix; without an ``estimator()`` a linear
    model learns from their TF-IDF weights.
    """

    calls: ClassVar[frozenset[str]] = frozenset({"estimator"})
    first_hyperparameters: ClassVar[Mapping[str, str]] = {
        "max_iter": "300",
        "learning_rate": "0.08",
        "seed": "0",
    }
    trial_hyperparameters: ClassVar[Mapping[str, str]] = {"max_iter": "5"}
    logged: ClassVar[Mapping[str, str]] = {"train:{metric}": "train_{metric}"}

    def fit(self, fitting: Fitting) -> Fitted:
        """Fit once, on all labelled training rows; a job that is stopped starts anew."""
        import sklearn

        fitting.lap("scikit-learn", "")
        task, hyperparameters = fitting.task, fitting.job.hyperparameters
        own = fitting.own.get("estimator")
        estimator = (
            own(task, hyperparameters)
            if own is not None
            else _estimator(task, fitting.signature, hyperparameters)
        )
        targets = task.targets(fitting.split.labels)
        if targets.ndim > 1 and targets.shape[1] == 1:
            targets = targets[:, 0]
        estimator.fit(matrix(fitting.transform(fitting.split), fitting.signature), targets)
        if fitting.job.stopping:
            raise Stopped
        width = task.outputs[0].shape[-1]
        predictor = Estimator(estimator, task.objective, width, fitting.signature)
        predictions = task.predicted(predictor.predict(fitting.transform(fitting.watched)))
        metric = task.measure(fitting.watched.labels, predictions)[task.tracked]
        print(f"epoch=1 train_{task.tracked}={metric:.6g}", flush=True)
        fitting.lap("fit", "")
        return Fitted(predictor, [], {"scikit-learn": sklearn.__version__})

    def save(self, fitted: Fitted, _signature: Signature, folder: Path) -> None:
        """The fitted estimator, by skops."""
        import skops.io

        (folder / FILE).parent.mkdir(parents=True, exist_ok=True)
        predictor: Estimator = fitted.predictor
        skops.io.dump(predictor.estimator, folder / FILE)
        fitted_for = {"objective": predictor.objective, "width": predictor.width}
        (folder / FITTED_FOR).write_text(json.dumps(fitted_for) + "\n", encoding="utf-8")

    def load(self, folder: Path, signature: Signature) -> Any:
        """The fitted estimator.

        Raises:
            UntrustedFile: it names a type of Python's own library, which no estimator is.
        """
        import skops.io

        fitted_for = json.loads((folder / FITTED_FOR).read_text("utf-8"))
        estimator = skops.io.load(folder / FILE, trusted=trusted(folder / FILE))
        return Estimator(estimator, fitted_for["objective"], fitted_for["width"], signature)


class UntrustedFile(ValueError):
    """A file of an estimator asks for what no estimator needs."""


def trusted(path: Path) -> list[str]:
    """Types that a file names, beside those that skops knows to be harmless.

    Python's own library (``os.system``, ``builtins.eval``) is what an attacker would name.

    Raises:
        UntrustedFile: it names some of it.
    """
    import skops.io

    named = skops.io.get_untrusted_types(file=path)
    foreign = [name for name in named if name.split(".")[0] in sys.stdlib_module_names]
    if foreign:
        raise UntrustedFile(f"{path.name} asks for {', '.join(foreign)}; no estimator does")
    return list(named)


def _estimator(task: Task, signature: Signature, hyperparameters: Hyperparameters) -> Any:
    known = LINEAR if any(tensor.vocabulary for tensor in signature.inputs) else ESTIMATORS
    if task.objective == "binary_cross_entropy" and task.outputs[0].shape[-1] == 1:
        return known["cross_entropy"](hyperparameters)  # one label needs no estimator for each
    return known[task.objective](hyperparameters)


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
    cells = (rows, ids[rows, places])
    return csr_matrix((np.ones(len(rows)), cells), shape=(len(ids), vocabulary))


def _boosting(hyperparameters: Hyperparameters) -> dict[str, Any]:
    return {
        "max_iter": hyperparameters.integer("max_iter", 300, least=1),
        "learning_rate": hyperparameters.number("learning_rate", 0.08, above=0),
        "max_leaf_nodes": hyperparameters.integer("max_leaf_nodes", 31, least=2),
        "random_state": hyperparameters.integer("seed", 0, least=0),
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


def _weighted(learner: Any) -> Any:
    """A linear learner on TF-IDF weights, the logarithm of counts in them."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfTransformer(sublinear_tf=True), learner)


def _logistic(hyperparameters: Hyperparameters) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=hyperparameters.number("C", 3.0, above=0),
        max_iter=hyperparameters.integer("max_iter", 300, least=1),
        random_state=hyperparameters.integer("seed", 0, least=0),
    )


def _linear_regressor(hyperparameters: Hyperparameters) -> Any:
    from sklearn.linear_model import Ridge

    return _weighted(Ridge(alpha=1 / hyperparameters.number("C", 3.0, above=0)))


def _linear_classifier(hyperparameters: Hyperparameters) -> Any:
    return _weighted(_logistic(hyperparameters))


def _linear_labeller(hyperparameters: Hyperparameters) -> Any:
    from sklearn.multioutput import MultiOutputClassifier

    return MultiOutputClassifier(_weighted(_logistic(hyperparameters)))


def _values(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1, width)


def _chances(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    """A class that no training row had has the chance 0."""
    chances = np.zeros((features.shape[0], width))
    chances[:, np.asarray(estimator.classes_, dtype=int)] = estimator.predict_proba(features)
    return chances


def _label_chances(estimator: Any, features: Any, width: int) -> NDArray[np.float64]:
    chances = np.zeros((features.shape[0], width))
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
