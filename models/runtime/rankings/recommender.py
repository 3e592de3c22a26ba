"""What is served: candidates by the product of two towers' vectors, then put in order again.

Both stages (Covington, Adams & Sargin 2016) are NumPy. The first is exact: every item is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.inputs.tabular import FEATURES
from models.runtime.rankings.history import RECENT_ITEMS, History, padded
from models.runtime.rankings.roles import EXCLUDE_SEEN, K
from models.runtime.rankings.search import best
from models.runtime.signature import Arrays

Floats = NDArray[np.float32]
SIGNS = ("retrieval", "popularity", "recent popularity", "nearest known", "mean known", "seen",
         "activity")  # fmt: skip
"""What the second stage looks at; of all but the last, how a candidate differs from the others."""


@dataclass(frozen=True)
class Towers:
    """Vectors of users and items, whose product is how likely an item is taken up (log, no base).

    Args:
        users: Vectors of the known users, row 0 of nobody known [users + 1, d].
        items: Vectors of the items, whose last number is added as it is [items, d + 1].
        layers: Weights and biases of the network that turns a user's attributes into a vector.
    """

    users: Floats
    items: Floats
    layers: tuple[tuple[Floats, Floats], ...] = ()

    def user_vectors(self, numbers: NDArray[np.integer], features: Floats | None) -> Floats:
        """Users' numbers [n] and their features [n, w] → vectors [n, d + 1]."""
        vectors = self.users[numbers]
        if features is not None and self.layers:
            hidden = np.asarray(features, dtype=np.float32)
            for weights, bias in self.layers[:-1]:
                hidden = hidden @ weights + bias
                hidden = hidden / (1 + np.exp(-hidden))
            weights, bias = self.layers[-1]
            vectors = vectors + hidden @ weights + bias
        ones = np.ones((len(vectors), 1), dtype=np.float32)
        return np.concatenate([vectors, ones], axis=1, dtype=np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are saved."""
        arrays: dict[str, NDArray[Any]] = {"users": self.users, "items": self.items}
        for number, (weights, bias) in enumerate(self.layers):
            arrays |= {f"weights_{number}": weights, f"bias_{number}": bias}
        return arrays

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Towers:
        """As they were saved."""
        count = sum(name.startswith("weights_") for name in arrays)
        layers = tuple((arrays[f"weights_{n}"], arrays[f"bias_{n}"]) for n in range(count))
        return cls(arrays["users"], arrays["items"], layers)


@dataclass(frozen=True)
class SecondStage:
    """The chance that a candidate is taken up: a logistic model of :data:`SIGNS`.

    Args:
        weights: One for each of them.
        intercept: Added to their weighted sum.
    """

    weights: Floats
    intercept: float

    def chances(self, signs: Floats) -> Floats:
        """Signs [n, signs] → chances [n]."""
        odds = signs @ self.weights + np.float32(self.intercept)
        return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float32)


class Recommender:
    """A loaded model.

    Args:
        towers: The first stage.
        popularity: Share of each item in all acts, and in the newest ones [2, items].
        history: What each user took up.
        second: The second stage; None leaves the first one's order as it is.
        most: Places of an answer.
        candidates: Items that the second stage is given, at least ``most``.
    """

    def __init__(
        self,
        towers: Towers,
        popularity: Floats,
        history: History,
        second: SecondStage | None,
        most: int,
        candidates: int,
    ) -> None:
        self.towers, self.history, self.second = towers, history, second
        self.popularity = popularity
        self.most, self.candidates = most, max(most, candidates)
        # A product along rows of items takes four times as long as one down contiguous columns.
        self._columns = np.ascontiguousarray(towers.items.T)
        self._logged = np.log(popularity).astype(np.float32)
        vectors = towers.items[:, :-1]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._directions = vectors / np.maximum(lengths, 1e-9)

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """``user``, ``features``, ``k``, ``exclude_seen`` → ``items`` and ``scores`` [n, most]."""
        found = []
        # Row by row: the same user gets the same answer, whoever is asked for in the same request.
        for row in range(len(inputs["user"])):
            user = inputs["user"][row]
            features = inputs[FEATURES][row : row + 1] if FEATURES in inputs else None
            scores = self.retrieved(self.towers.user_vectors(user, features)[0])
            asked = int(inputs[K][row, 0]), bool(inputs[EXCLUDE_SEEN][row, 0])
            found.append(self._answer(int(user[0]), *asked, scores))
        return {
            "items": padded([items + 1 for items, _ in found], self.most, "int32"),
            "scores": padded([scores for _, scores in found], self.most, "float32"),
        }

    def retrieved(self, vector: Floats) -> Floats:
        """What the first stage says of every item for a user's vector [d + 1] → [items]."""
        return np.asarray(vector @ self._columns, dtype=np.float32)

    def _answer(
        self, user: int, count: int, without: bool, scores: Floats
    ) -> tuple[NDArray[np.int64], Floats]:
        known = self.history.of_user(user) - 1
        if without:
            scores[known] = -np.inf
        items = best(scores, self.candidates if self.second else count)
        if self.second is None:
            chances = np.asarray(1 / (1 + np.exp(-scores[items])), dtype=np.float32)
            return items, chances
        chances = self.second.chances(self.signs(known, items, scores[items]))
        order = best(chances, count)
        return items[order], chances[order]

    def signs(
        self, known: NDArray[np.integer], items: NDArray[np.integer], scores: Floats
    ) -> Floats:
        """What the second stage looks at [items, signs].

        Args:
            known: Indices of what the user took up, the newest last.
            items: Indices of the candidates.
            scores: What the first stage says of each.
        """
        signs = np.zeros((len(items), len(SIGNS)), dtype=np.float32)
        signs[:, 0] = scores
        signs[:, 1:3] = self._logged[:, items].T
        if len(known):
            near = self._directions[items] @ self._directions[known[-RECENT_ITEMS:]].T
            signs[:, 3], signs[:, 4] = near.max(axis=1), near.mean(axis=1)
            signs[:, 5] = np.isin(items, known)
        # Within one list, as a conditional logit has it: those who do much would else decide
        # between items by what tells only how much they do.
        signs -= signs.mean(axis=0)
        signs[:, 6] = np.log1p(len(known))
        return signs
