"""Two towers retrieve, a second stage puts in order: trained in Keras, served in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Backend, Fitted, Fitting
from models.runtime.inputs.pairs import ACTS, USER
from models.runtime.inputs.tabular import FEATURES
from models.runtime.networks import towers as networks
from models.runtime.networks.export import Network
from models.runtime.networks.fitting import Checkpoints, Examples, Fit, FittingSchedule
from models.runtime.networks.fitting import History as Log
from models.runtime.networks.start import start
from models.runtime.rankings import second
from models.runtime.rankings.catalogue import item_features
from models.runtime.rankings.history import History, TakenUp
from models.runtime.rankings.recommender import Recommender, SecondStage, Towers
from models.runtime.rankings.roles import EXCLUDE_SEEN, K
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Signature
from models.runtime.task import PREDICTION
from models.runtime.tasks.ranking import Ranking

FILE = "two_towers/model.npz"
SAME = 1e-4
"""Largest difference between the network's vectors and the served ones, relative to 1."""
WATCHED_USERS = 500


class TwoTowers(Backend):
    """A user's vector times an item's, then a logistic model of the best candidates.

    The newest acts (``tail``, a tenth) teach the second stage and tell how many epochs are enough;
    the towers that are served then learn from all acts.
    """

    partners: ClassVar[frozenset[str] | None] = frozenset({"ranking", "pairs"})
    first_hyperparameters: ClassVar[Mapping[str, str]] = {
        "epochs": "8",
        "batch_size": "512",
        "learning_rate": "0.01",
        "weight_decay": "0.5",
        "vector": "32",
        "k": "10",
        "most": "100",
        "seed": "0",
    }
    trial_hyperparameters: ClassVar[Mapping[str, str]] = {"epochs": "1", "batch_size": "16"}
    logged: ClassVar[Mapping[str, str]] = {
        "train:loss": "loss",
        "validation:{metric}": "val_{metric}",
    }

    def fit(self, fitting: Fitting) -> Fitted:
        """Fit the towers on the older acts, the second stage on the newer, the towers on all."""
        start()
        import keras
        import sklearn
        import tensorflow as tf

        fitting.lap("tensorflow", "")
        data = _Data.of(fitting)
        older, later = data.acts.parted(data.chosen.number("tail", 0.1, least=0, below=1))
        if not len(older) or not len(later):
            older = later = data.acts
        first, history = _Towers(fitting, data, older, "older").fit(later)
        fitting.lap("fit", f"epochs={len(history)}")
        stage = None
        if data.chosen.integer("second_stage", 1, least=0, most=1):
            users = np.unique(later.users)
            vectors = first.towers.user_vectors(users, data.features_of(users))
            stage = second.fitted(first, vectors, later, users, data.exclude_seen, data.seed)
        fitting.lap("second_stage", "")
        final, _ = _Towers(fitting, data, data.acts, "all", epochs=len(history)).fit(None)
        final.second = stage
        fitting.lap("fit_all", "")
        versions = {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "scikit-learn": sklearn.__version__,
        }
        return Fitted(final, history, versions)

    def save(self, fitted: Fitted, _signature: Signature, folder: Path) -> None:
        """All that is served, in one file of NumPy."""
        path = folder / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        model: Recommender = fitted.predictor
        stage = {} if model.second is None else {
            "second_weights": model.second.weights,
            "second_intercept": np.asarray(model.second.intercept),
        }  # fmt: skip
        arrays: dict[str, Any] = {
            **model.towers.to_arrays(),
            **model.history.to_arrays(),
            **stage,
            "popularity": model.popularity,
            "places": np.asarray([model.most, model.candidates]),
        }
        np.savez_compressed(path, **arrays)

    def load(self, folder: Path, _signature: Signature) -> Any:
        """The recommender."""
        with np.load(folder / FILE, allow_pickle=False) as file:
            arrays = dict(file)
        stage = (
            SecondStage(arrays["second_weights"], float(arrays["second_intercept"]))
            if "second_weights" in arrays
            else None
        )
        most, candidates = (int(number) for number in arrays["places"])
        towers, history = Towers.of_arrays(arrays), History.of_arrays(arrays)
        return Recommender(towers, arrays["popularity"], history, stage, most, candidates)


@dataclass(frozen=True)
class _Data:
    """The acts of a fit by numbers, and what tells of users and items."""

    acts: TakenUp
    user_features: NDArray[np.float32]
    item_features: NDArray[np.float32]
    users: int
    items: int
    exclude_seen: bool
    chosen: Hyperparameters
    seed: int

    @classmethod
    def of(cls, fitting: Fitting) -> _Data:
        task = fitting.task
        if not isinstance(task, Ranking):
            raise TypeError(f"two towers answer a ranking, no {type(task).__name__}")
        rows, tensors = fitting.split, fitting.transform(fitting.split)
        number_of = {item: number for number, item in enumerate(task.items, 1)}
        each, numbers = rows.inputs[ACTS], tensors[USER][:, 0].astype(np.int64)
        acts = TakenUp(
            users=np.repeat(numbers, [len(act.days) for act in each]),
            items=np.asarray([number_of[i] for row in rows.labels for i in row], dtype=np.int64),
            days=np.concatenate([act.days for act in each]),
            weights=np.concatenate([act.weights for act in each]),
        )
        vocabulary = next(t.vocabulary for t in fitting.signature.inputs if t.name == USER)
        own = tensors.get(FEATURES, np.zeros((len(numbers), 0), np.float32))
        known = np.zeros((vocabulary, own.shape[1]), dtype=np.float32)
        known[numbers] = own
        chosen = fitting.job.hyperparameters
        return cls(
            acts=acts,
            user_features=known,
            item_features=item_features(acts, [act.attributes for act in each], len(task.items)),
            users=vocabulary - 1,
            items=len(task.items),
            exclude_seen=bool(tensors[EXCLUDE_SEEN].any()),
            chosen=chosen,
            seed=chosen.integer("seed", 0, least=0),
        )

    def features_of(self, users: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Features of users by their numbers; None where nothing tells of them."""
        return self.user_features[users] if self.user_features.shape[1] else None


class _Towers:
    """One fit of the towers, on some of the acts."""

    def __init__(
        self, fitting: Fitting, data: _Data, acts: TakenUp, name: str, epochs: int | None = None
    ) -> None:
        self._fitting, self._data, self._acts = fitting, data, acts
        self._name, self._epochs = name, epochs
        chosen = data.chosen
        counts = np.bincount(acts.items - 1, minlength=data.items)
        common = np.flatnonzero(counts >= chosen.integer("min_acts", 1, least=1))
        self._numbers = np.zeros(data.items, dtype=np.int64)
        self._numbers[common] = np.arange(1, len(common) + 1)
        self._base = np.log(acts.shares(data.items)).astype(np.float32)
        self._shape = networks.TowerShape(
            users=data.users,
            items=len(common),
            user_width=data.user_features.shape[1],
            item_width=data.item_features.shape[1],
            vector=chosen.integer("vector", 32, least=1),
            hidden=chosen.integer("hidden", 64, least=1),
            dropout=chosen.number("dropout", 0.1, least=0, below=1),
        )

    def fit(self, later: TakenUp | None) -> tuple[Recommender, Log]:
        """The recommender of one stage; watched on later acts, where there are any."""
        import keras

        data, chosen, job = self._data, self._data.chosen, self._fitting.job
        keras.utils.set_random_seed(data.seed)
        model = networks.build(self._shape)
        tensors, truth = self._rows()
        epochs = chosen.integer("epochs", 8, least=1)
        log = Fit(
            model=model,
            signature=self._shape.signature,
            examples=Examples.ready(tensors, truth),
            schedule=FittingSchedule(
                loss=networks.corrected_softmax(self._shape.vector),
                epochs=epochs if self._epochs is None else self._epochs,
                batch_size=chosen.integer("batch_size", 512, least=1),
                learning_rate=chosen.number("learning_rate", 0.01, above=0),
                weight_decay=chosen.number("weight_decay", 0.5, least=0),
                seed=data.seed,
                compiled=bool(chosen.integer("compiled", 0, least=0, most=1)),
                patience=chosen.integer("patience", 0, least=0) if later is not None else 0,
            ),
            validate=lambda: {} if later is None else self._watched(model, later),
            checkpoints=Checkpoints(
                job.checkpoint_dir / self._name, f"{self._fitting.identity} {self._name}"
            ),
            stopping=lambda: job.stopping,
        ).run()
        served = self._recommender(model)
        self._compare(model, served.towers, tensors)
        return served, log

    def _rows(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
        data, acts = self._data, self._acts
        at = acts.items - 1
        tensors: dict[str, NDArray[Any]] = {
            networks.USER: acts.users[:, None].astype(np.int32),
            networks.ITEM: self._numbers[at][:, None].astype(np.int32),
        }
        if self._shape.user_width:
            tensors[networks.USER_FEATURES] = data.user_features[acts.users]
        if self._shape.item_width:
            tensors[networks.ITEM_FEATURES] = data.item_features[at]
        drawn = np.bincount(at, minlength=data.items) / len(at)
        truth = np.stack([acts.items, np.log(drawn[at]), self._base[at], acts.weights], axis=1)
        return tensors, truth.astype(np.float32)

    def _recommender(self, model: Any) -> Recommender:
        data, task = self._data, self._fitting.task
        towers = networks.towers_of(
            model, self._shape, self._numbers, data.item_features, self._base
        )
        popularity = [self._acts.shares(data.items), self._acts.recent_shares(data.items)]
        return Recommender(
            towers,
            np.asarray(popularity, dtype=np.float32),
            History.of(self._acts, data.users),
            None,
            int(task.output["most"]),
            data.chosen.integer("candidates", 200, least=1),
        )

    def _watched(self, model: Any, later: TakenUp) -> dict[str, float]:
        """How well later acts are foreseen by what was learned so far."""
        data, task = self._data, self._fitting.task
        users = np.unique(later.users)
        users = np.random.default_rng(data.seed).permutation(users)[:WATCHED_USERS]
        items = task.output["items"]
        labels = np.empty(len(users), dtype=object)
        labels[:] = [tuple(items[i - 1] for i in later.items[later.users == u]) for u in users]
        features = data.features_of(users)
        raw = self._recommender(model).predict(
            {
                USER: users[:, None],
                **({} if features is None else {FEATURES: features}),
                K: np.full((len(users), 1), task.output["most"]),
                EXCLUDE_SEEN: np.full((len(users), 1), int(data.exclude_seen)),
            }
        )
        measured = task.measure(labels, task.predicted(raw))
        return {
            f"val_{task.tracked}": measured[task.tracked],
            "val_loss": 1 - measured["ndcg_most"],
        }

    def _compare(self, model: Any, served: Towers, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Hold the served towers to the network.

        Raises:
            ArithmeticError: they differ.
        """
        rows = slice(None, 256)
        network = Network(model, self._shape.signature)
        answer = network.predict({name: values[rows] for name, values in tensors.items()})
        users = self._acts.users[rows]
        vectors = served.user_vectors(users, self._data.features_of(users))[:, :-1]
        items = served.items[self._acts.items[rows] - 1, :-1]
        ours, theirs = np.concatenate([vectors, items], axis=1), answer[PREDICTION][:, :-1]
        error = float(np.abs(ours - theirs).max(initial=0.0))
        if not error <= SAME * max(1.0, float(np.abs(theirs).max(initial=0.0))):
            raise ArithmeticError(
                f"the served towers differ from the trained ones by {error:g} (at most {SAME:g}); "
                "they must not be released"
            )
