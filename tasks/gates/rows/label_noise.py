"""How many labels are wrong, estimated from cross-validated chances. Pure.

Confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in
Dataset Labels") counts rows of a label whose chance of another one is at least what rows of that
other one have on average. Where classes overlap, it counts rows that are merely hard: two normal
classes, each 1σ from their border, make 7 % without a wrong label. So the surest answers are asked,
too (the anchors of Liu & Tao 2016, "Classification with Noisy Labels by Importance Reweighting"):
where a class is all but certain, what still has another label is wrong; here that makes 1.5 %.
Wrong labels are in both, hard rows mostly in the first, and the smaller of the two is the estimate.
Noise that keeps to the border of two classes looks like hardness to anybody, and is underestimated;
many classes that all overlap are sure of nothing, and look like noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.gates.rows.finding import RowFinding, broken, unknown
from tasks.gates.rows.sides import percent
from tasks.specs.data_gates import LabelNoiseSpec

Floats = NDArray[np.float64]
SUREST = 0.3
"""Share of the answers of each class that are the surest."""
FEWEST_SURE = 10
DRAWS = 200
TAIL = 0.025
SKILL = 0.3
"""Share of what the largest class leaves wrong that must be got right: of less, nothing tells wrong
labels from rows that nobody can know."""
SHOWN = 10
LABEL_NOISE = "label noise"


@dataclass(frozen=True)
class NoiseEstimate:
    """What cross-validated chances say of the labels.

    Args:
        share: Estimated share of wrong labels, with the ends of its 95 % interval.
        low: Lower end.
        high: Upper end.
        skill: Share of what the largest class leaves wrong that the chances got right.
        suspects: Rows whose label is likely wrong, the most likely one first.
        likelier: The class that each of these is likelier to be.
    """

    share: float
    low: float
    high: float
    skill: float
    suspects: NDArray[np.intp]
    likelier: NDArray[np.intp]


def estimated(chances: Floats, labels: NDArray[Any]) -> NoiseEstimate:
    """Estimate the share of wrong labels.

    Args:
        chances: Of each class [n, k], of rows that nothing was learned from.
        labels: Class indices [n]; every class has a row.
    """
    weights = np.random.default_rng(0).poisson(1.0, (DRAWS, len(labels))).astype(np.float64)
    confident = _confident(chances, labels)
    sure = _surest(chances)
    told = _share(chances, labels, np.ones((1, len(labels))), confident, sure)[0]
    drawn = _share(chances, labels, weights, confident, sure)
    counts = np.bincount(labels)
    right = (chances.argmax(axis=1) == labels).sum()
    wrong = len(labels) - counts.max()
    own = chances[np.arange(len(labels)), labels]
    suspects = np.flatnonzero((confident >= 0) & (confident != labels))
    order = suspects[np.argsort(own[suspects] - chances[suspects, confident[suspects]])]
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL])
    return NoiseEstimate(
        share=float(told),
        low=float(min(low, told)),
        high=float(max(high, told)),
        skill=1 - float(len(labels) - right) / wrong if wrong else 0.0,
        suspects=order,
        likelier=confident[order],
    )


def noise(
    estimate: NoiseEstimate, names: NDArray[np.str_], classes: tuple[str, ...], rule: LabelNoiseSpec
) -> RowFinding:
    """What the estimate comes to.

    Args:
        estimate: Of these rows.
        names: Of the rows.
        classes: Names of the classes; none where labels are private.
        rule: The bound.
    """
    if estimate.skill < SKILL:
        return unknown(
            LABEL_NOISE,
            f"a plain model gets right only {percent(max(estimate.skill, 0))} of what the largest "
            "class leaves wrong, so that wrong labels and hard rows look alike",
        )
    value = f"{percent(estimate.share)} ({percent(estimate.low)} to {percent(estimate.high)})"
    bound = f"≤ {percent(rule.at_most)}"
    examples = tuple(
        f"{names[row]} (likelier {classes[other]})" if classes else str(names[row])
        for row, other in zip(estimate.suspects[:SHOWN], estimate.likelier[:SHOWN], strict=True)
    )
    if estimate.low <= rule.at_most:
        why = (
            f"a plain model gets right {percent(estimate.skill)} of what the largest class leaves "
            "wrong: the less, the more rows are merely hard"
        )
        return RowFinding(LABEL_NOISE, "pass", value, bound, why, examples=examples)
    return RowFinding(
        LABEL_NOISE,
        broken(rule.severity),
        value,
        bound,
        "so many labels are likely wrong, as cross-validated predictions have it",
        "look at the rows that are named and correct their source, or raise "
        "data_gates.label_noise.at_most",
        examples,
    )


def _confident(chances: Floats, labels: NDArray[Any]) -> NDArray[np.intp]:
    """The class that a row is confidently of, as rows of that class are on average; -1 for none."""
    thresholds = np.asarray([chances[labels == n, n].mean() for n in range(chances.shape[1])])
    above = np.where(chances >= thresholds, chances, -1.0)
    return np.where(above.max(axis=1) >= 0, above.argmax(axis=1), -1)


def _surest(chances: Floats) -> NDArray[np.intp]:
    """The class of the rows that it is surest of; -1 for the others."""
    sure = np.full(len(chances), -1, dtype=np.intp)
    answers, best = chances.argmax(axis=1), chances.max(axis=1)
    for n in range(chances.shape[1]):
        rows = np.flatnonzero(answers == n)
        if len(rows) >= FEWEST_SURE:
            count = max(FEWEST_SURE, int(SUREST * len(rows)))
            sure[rows[np.argsort(-best[rows], kind="stable")[:count]]] = n
    return sure


def _share(
    chances: Floats,
    labels: NDArray[Any],
    weights: Floats,
    confident: NDArray[np.intp],
    sure: NDArray[np.intp],
) -> Floats:
    """The estimate, for each line of weights of the rows [draws, n] → [draws]."""
    width = chances.shape[1]
    wrong, answers = np.zeros(len(weights)), chances.argmax(axis=1)
    for n in range(width):
        mine = labels == n
        judged = mine & (confident >= 0)
        sums = weights[:, judged].sum(axis=1)
        other = weights[:, judged & (confident != n)].sum(axis=1)
        wrong += weights[:, mine].sum(axis=1) * other / np.maximum(sums, 1)
    surest = np.zeros(len(weights))
    for n in range(width):
        mine = sure == n
        sums = weights[:, mine].sum(axis=1)
        other = weights[:, mine & (labels != n)].sum(axis=1)
        answered = weights[:, answers == n].sum(axis=1)
        # A class that is too rarely answered to have surest rows says nothing; others speak for it.
        surest += answered * other / np.maximum(sums, 1) if mine.any() else 0.0
    spoken = sum(weights[:, answers == n].sum(axis=1) for n in range(width) if (sure == n).any())
    total = weights.sum(axis=1)
    counted = wrong / np.maximum(total, 1)
    anchored = np.where(spoken, surest / np.maximum(spoken, 1), np.inf)
    return np.asarray(np.minimum(counted, anchored), dtype=np.float64)
