"""Ranking: the items that a user will take up, the likeliest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.metric import Metric
from models.runtime.rankings import orders, peers
from models.runtime.rankings.roles import places
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.sums import RowSums
from models.runtime.task import Floats, Objective, Task, Unlabelled, UnreadableAnswer

ITEMS, SCORES = "items", "scores"
"""Output tensors: numbers of items from 1 (0: none), and the score of each."""
MOST_ITEMS = 1 << 24
"""Items whose numbers a float32 holds exactly."""


class Ranking(Task):
    """A label is what a user took up: a list of items. Of ``most`` answered, the first ``k`` count.

    Measured per user, on what he took up after the training ended. An item that no training row had
    cannot be answered and counts as missed. Predictions are [n, 2 · most]: numbers of items from
    1, and then their scores.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "ndcg": Metric("larger", "0 … 1", "NDCG of the first `k` places, mean over users."),
        "recall": Metric("larger", "share", "Of what a user took up, on the first `k` places."),
        "hit_rate": Metric("larger", "share", "Users with something right on the first `k`."),
        "ndcg_most": Metric("larger", "0 … 1", "NDCG of all `most` places, mean over users."),
        "recall_most": Metric("larger", "share", "Of what a user took up, on all `most` places."),
        "coverage": Metric("larger", "share", "Of the items, on anybody's first `k` places."),
    }
    tracked: ClassVar[str] = "ndcg"
    right_share: ClassVar[str] = "NDCG"
    objective: ClassVar[Objective] = "sampled_softmax"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: ndcg, at_least: 0.02, no_worse_than_champion: 0.05, no_worse_than_baseline: 0",
        "metric: coverage, at_least: 0.05",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"string"})
    partners: ClassVar[frozenset[str] | None] = frozenset({"pairs", "two-towers"})
    # Users are not set aside: nobody could be told from the others' acts what a stranger wants. The
    # backend keeps the newest acts of everybody apart instead.
    aside_rows: ClassVar[int] = 0

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The catalogue: every item of the training rows.

        Raises:
            Unlabelled: there are fewer than two, or more than their numbers can hold.
            InvalidHyperparameter: ``k`` is none of 1 … ``most``.
        """
        k, most = places(hyperparameters)
        items = sorted({item for row in labels for item in row})
        if not 2 <= len(items) < MOST_ITEMS:
            raise Unlabelled(
                f"{name} has {len(items)} items in the training rows; from 2 to {MOST_ITEMS - 1} "
                "can be put in an order"
            )
        return {"kind": "ranking", "name": name, "k": k, "most": most, "items": items}

    @classmethod
    def labels(cls, values: Sequence[Any]) -> NDArray[Any]:
        """Items of each row, in the order in which they were taken up; None is a missing label."""
        labels = np.empty(len(values), dtype=object)
        labels[:] = [_items_of(value) for value in values]
        return labels

    @classmethod
    def labelled(cls, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows took up anything."""
        return np.asarray([bool(row) for row in labels], dtype=bool)

    @property
    def items(self) -> list[str]:
        """The catalogue; the first item's number is 1."""
        return list(self.output["items"])

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {item: number for number, item in enumerate(self.output["items"], 1)}

    @property
    def most(self) -> int:
        """Places of an answer."""
        return int(self.output["most"])

    @property
    def k(self) -> int:
        """Places that count first of all."""
        return int(self.output["k"])

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Numbers of items, best first, and their scores."""
        shape = (1, self.most)
        vocabulary = len(self.output["items"]) + 1
        return (Tensor(ITEMS, shape, "int32", vocabulary), Tensor(SCORES, shape))

    def numbers(self, items: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of the items that the catalogue has, in their order."""
        known = (self._number_of.get(item, 0) for item in items)
        return np.asarray([number for number in known if number], dtype=np.int64)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.int32]:
        """Labels → numbers of items [n, most of a row], each row filled up with 0.

        An item that is none of the catalogue's is left out.
        """
        rows = [self.numbers(row or ()) for row in labels]
        made = np.zeros((len(rows), max((len(row) for row in rows), default=0)), dtype=np.int32)
        for row, numbers in enumerate(rows):
            made[row, : len(numbers)] = numbers
        return made

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Graph output → numbers and scores, side by side [n, 2 · most]."""
        return np.concatenate([raw[ITEMS], raw[SCORES]], axis=1).astype(np.float64)

    def plain(
        self, rows: Floats, targets: NDArray[Any], holdout: Floats
    ) -> Mapping[str, NDArray[Any]]:
        """Truncated SVD of who took up what; whom it does not know gets what most take.

        Args:
            rows: Number of each training row's user, and whether what he knows is left out [n, 2].
            targets: What he took up.
            holdout: The same of the held-out rows.
        """
        matrix = peers.taken(targets, len(self.output["items"]))
        users, items = peers.factors(matrix)
        row_of = {int(user): row for row, user in enumerate(rows[:, 0]) if user}
        at = np.asarray([row_of.get(int(user), -1) for user in holdout[:, 0]], dtype=np.int64)
        known = users[at] * (at >= 0)[:, None]
        seen = matrix[at].multiply(((at >= 0) & (holdout[:, 1] > 0))[:, None]).tocsr()
        seen.eliminate_zeros()
        found, scores = peers.ordered(known, items, peers.popularity(matrix), seen, self.most)
        return {ITEMS: found, SCORES: scores}

    def answers(self, predicted: Floats) -> list[Any]:
        """``{"items": [{"item": …, "score": …}, …]}``, the best first."""
        items = self.output["items"]
        return [
            {
                "items": [
                    {"item": items[int(number) - 1], "score": float(score)}
                    for number, score in zip(*row, strict=True)
                    if number
                ]
            }
            for row in self._parted(predicted)
        ]

    def read(self, answers: Sequence[Any]) -> Floats:
        """What :meth:`answers` gave, or bare lists of items, whose order alone then counts."""
        made = np.zeros((len(answers), 2, self.most))
        for row, answer in enumerate(answers):
            listed = answer.get("items") if isinstance(answer, Mapping) else answer
            if not isinstance(listed, list):
                raise UnreadableAnswer(f"answer {row} is {answer!r:.60}, no list of items")
            if len(listed) > self.most:
                raise UnreadableAnswer(
                    f"answer {row} has {len(listed)} items; at most {self.most} are asked for"
                )
            for place, entry in enumerate(listed):
                named = entry if isinstance(entry, Mapping) else {"item": entry}
                number = self._number_of.get(str(named.get("item")), 0)
                score = named.get("score", 1 / (place + 1))
                if not number or isinstance(score, bool) or not isinstance(score, int | float):
                    raise UnreadableAnswer(
                        f"answer {row} has {entry!r:.60} on place {place + 1}, no item of the "
                        "catalogue with a number as its score"
                    )
                made[row, :, place] = number, score
        return made.reshape(len(answers), -1)

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Means over users."""
        ordered = self._parted(predicted)[:, 0].astype(np.int64)
        hit, relevant = self._hits(labels, predicted)
        first, most = self.k, self.most
        return {
            "ndcg": float(orders.ndcg(hit, relevant, first).mean()),
            "recall": float(orders.recall(hit, relevant, first).mean()),
            "hit_rate": float(hit[:, :first].any(axis=1).mean()),
            "ndcg_most": float(orders.ndcg(hit, relevant, most).mean()),
            "recall_most": float(orders.recall(hit, relevant, most).mean()),
            "coverage": orders.coverage(ordered, len(self.output["items"]), first),
        }

    def sums(self, labels: NDArray[Any], predicted: Floats) -> RowSums:
        """All but ``coverage``, which is no function of sums."""
        hit, relevant = self._hits(labels, predicted)
        names = ("ndcg", "recall", "hit_rate", "ndcg_most", "recall_most")
        columns = (
            orders.ndcg(hit, relevant, self.k),
            orders.recall(hit, relevant, self.k),
            hit[:, : self.k].any(axis=1),
            orders.ndcg(hit, relevant, self.most),
            orders.recall(hit, relevant, self.most),
        )

        def metrics(sums: Floats) -> dict[str, Floats]:
            rows, *totals = sums.T
            return {name: total / rows for name, total in zip(names, totals, strict=True)}

        rows = np.stack([np.ones(len(hit)), *columns], axis=1).astype(np.float64)
        return RowSums(rows, metrics, {"hit_rate": 3})

    def scores(self, predicted: Floats) -> Floats:
        """The best answer's score: what the model trusts itself to know of this user.

        The same however many places a client asks for. It moves when users are strangers, when
        their attributes come otherwise, and when another version thinks otherwise of them.
        """
        return np.asarray(self._parted(predicted)[:, 1, 0], dtype=np.float64)

    @classmethod
    def score_of(cls, answer: Any) -> float | None:
        """The score of the first item."""
        listed = answer.get("items") if isinstance(answer, Mapping) else None
        if not isinstance(listed, list):
            return None
        if not listed:
            return 0.0
        score = listed[0].get("score") if isinstance(listed[0], Mapping) else None
        if isinstance(score, bool) or not isinstance(score, int | float):
            return None
        return float(score)

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """Error: 1 - NDCG of the first k. Residual: their mean score less the share that was right.

        Scores are chances, so that the residual says how overconfident an answer was.
        """
        known = self.labelled(labels)
        hit, relevant = self._hits(labels, predicted)
        gain = orders.ndcg(hit, np.maximum(relevant, 1), self.k)
        first = self._parted(predicted)[:, :, : self.k]
        there = first[:, 0] > 0
        places_taken = np.maximum(there.sum(axis=1), 1)
        said = (first[:, 1] * there).sum(axis=1) / places_taken
        right = hit[:, : self.k].sum(axis=1) / places_taken
        return {
            "residual": np.where(known, said - right, np.nan),
            "error": np.where(known, 1 - gain, np.nan),
            "score": self.scores(predicted),
        }

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """The first k items, and their scores, a list a row."""
        items = self.output["items"]
        first = self._parted(predicted)[:, :, : self.k]
        return {
            "prediction": [[items[int(n) - 1] for n in row if n] for row in first[:, 0]],
            "scores": [row[1][row[0] > 0].tolist() for row in first],
        }

    def _hits(
        self, labels: NDArray[Any], predicted: Floats
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Right places [n, most], and how many different items each row took up [n]."""
        each = [set(row or ()) for row in labels]
        relevant = [self.numbers(sorted(items)) for items in each]
        counts = np.asarray([len(items) for items in each], dtype=np.int64)
        ordered = self._parted(predicted)[:, 0].astype(np.int64)
        return orders.hits(ordered, relevant), counts

    def _parted(self, predicted: Floats) -> Floats:
        """Numbers and scores [n, 2, most]."""
        return predicted.reshape(len(predicted), 2, self.most)


def _items_of(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str) and value.startswith("["):
        # A list as files of answers keep it.
        with suppress(ValueError):
            value = json.loads(value)
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
