"""Hyperband: many combinations with few resources each, few with all of them. Pure.

Brackets after Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization"
(2018), which SageMaker's developer guide names. A training job cannot be paused, so a bracket is
halved as Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020), do it without
waiting, in the form that stops: whoever is not among the best third of those that have come as far
goes no further. A resource is one value of the objective: an epoch.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

ETA = 3
MOST_RESOURCE = 20_000
"""The greatest ``MaxResource``, as documented."""
INFERRED = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that tell ``MaxResource``, as documented."""


@dataclass(frozen=True)
class Bracket:
    """Combinations that begin with the same resources.

    Args:
        size: How many.
        rungs: Resources at which all but the best third are stopped.
    """

    size: int
    rungs: tuple[int, ...]


@dataclass(frozen=True)
class Hyperband:
    """``HyperbandStrategyConfig``.

    Args:
        least: ``MinResource``: nothing is stopped before.
        most: ``MaxResource``: everything is stopped there.
    """

    least: int
    most: int

    def brackets(self) -> list[Bracket]:
        """One round of brackets, from the one that begins with the least."""
        deepest = 0
        while self.least * ETA ** (deepest + 1) <= self.most:
            deepest += 1
        return [
            Bracket(
                math.ceil((deepest + 1) * ETA**halvings / (halvings + 1)),
                tuple(self._rung(halvings - i) for i in range(halvings)),
            )
            for halvings in range(deepest, -1, -1)
        ]

    def bracket(self, number: int) -> int:
        """Which bracket of its round a combination falls to; combinations count from 0."""
        sizes = list(accumulate(bracket.size for bracket in self.brackets()))
        return bisect_right(sizes, number % sizes[-1])

    def hopeless(
        self, number: int, losses: Sequence[float], others: Iterable[tuple[int, Sequence[float]]]
    ) -> bool:
        """Whether a training job goes no further than it has come.

        Args:
            number: Its combination's.
            losses: Its objective so far, less is better.
            others: The same of all others.
        """
        reached = len(losses)
        if reached >= self.most:
            return True
        mine = self.bracket(number)
        if reached < self.least or reached not in self.brackets()[mine].rungs:
            return False
        rivals = [
            theirs[reached - 1]
            for other, theirs in others
            if len(theirs) >= reached and self.bracket(other) == mine
        ]
        better = sum(loss < losses[-1] for loss in rivals)
        return len(rivals) + 1 >= ETA and better >= (len(rivals) + 1) // ETA

    def _rung(self, halvings: int) -> int:
        return max(self.least, round(self.most / float(ETA**halvings)))
