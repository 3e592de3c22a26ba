"""The next combination by Bayesian optimisation. Pure, and the same for the same random numbers.

A Gaussian process is fitted to what is known, and the combination with the greatest expected
improvement is taken (Jones, Schonlau and Welch, "Efficient Global Optimization of Expensive
Black-Box Functions", 1998; Snoek, Larochelle and Adams, "Practical Bayesian Optimization of Machine
Learning Algorithms", 2012, which SageMaker's developer guide names). What is under way counts with
the value that is expected of it (the "kriging believer" of Ginsbourger, Le Riche and Carraro,
"Kriging is well-suited to parallelize optimization", 2010). Results of other data (a warm start by
transfer learning) count by their deviation from the mean of their own group (Yogatama and Mann,
"Efficient Transfer Learning Method for Automatic Hyperparameter Tuning", 2014).

It is not SageMaker's own implementation, which is not published: its choices are others.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from embedded_aws.tuning.gaussian_process import GaussianProcess, likeliest
from embedded_aws.tuning.ranges import Space, place
from embedded_aws.tuning.sampling import by_chance

FIRST = 3
"""Results, before which combinations are by chance."""
_BEST, _LATEST = 20, 40
"""Which results are looked at where there are many: the cost grows with the cube."""
_ANYWHERE, _NEARBY = 200, 40
_WIDTHS = (0.15, 0.05, 0.01)


@dataclass(frozen=True)
class Observation:
    """What is known of one combination.

    Args:
        values: The combination.
        loss: Its objective, less is better.
        group: Losses are compared within it.
    """

    values: Mapping[str, str]
    loss: float
    group: str = ""


def proposal(
    space: Space,
    seen: Sequence[Observation],
    under_way: Collection[Mapping[str, str]],
    rng: Random,
) -> dict[str, str]:
    """The combination to try next.

    Args:
        space: Ranges of the hyperparameters.
        seen: Results, in the order in which they came.
        under_way: Combinations that have no result yet.
        rng: Random numbers.
    """
    taken = [*(one.values for one in seen), *under_way]
    placed = [(point, one) for one in seen if (point := place(space, one.values)) is not None]
    if len(placed) < FIRST:
        return by_chance(space, rng, taken)
    standard = _standardised([one for _, one in placed])
    known = _worth_a_look([(p, loss) for (p, _), loss in zip(placed, standard, strict=True)])
    points, losses = [point for point, _ in known], [loss for _, loss in known]
    kernel = likeliest(points, losses)
    for values in under_way:
        if (point := place(space, values)) is not None:
            expected, _ = GaussianProcess(kernel, points, losses).predict(point)
            points, losses = [*points, point], [*losses, expected]
    process, best = GaussianProcess(kernel, points, losses), min(losses)
    ranked = sorted(zip(standard, (one.values for _, one in placed), strict=True), key=_first)
    chosen, most = by_chance(space, rng, taken), -1.0
    for values in _candidates(space, [values for _, values in ranked[: len(_WIDTHS)]], rng):
        point = place(space, values)
        if point is None or values in taken:
            continue
        if (gain := improvement(*process.predict(point), best)) > most:
            chosen, most = values, gain
    return chosen


def improvement(mean: float, deviation: float, best: float) -> float:
    """Expected improvement on the least loss so far."""
    far = (best - mean) / deviation
    density = math.exp(-0.5 * far * far) / math.sqrt(2.0 * math.pi)
    return (best - mean) * 0.5 * math.erfc(-far / math.sqrt(2.0)) + deviation * density


def _candidates(
    space: Space, best: Sequence[Mapping[str, str]], rng: Random
) -> list[dict[str, str]]:
    """Combinations from everywhere, and from around the best ones."""
    found = [{one.name: one.random(rng) for one in space} for _ in range(_ANYWHERE)]
    for values in best:
        for width in _WIDTHS:
            found += [
                {one.name: one.near(values[one.name], width, rng) for one in space}
                for _ in range(_NEARBY // len(_WIDTHS))
            ]
    return found


def _standardised(seen: Sequence[Observation]) -> list[float]:
    """Losses as deviations from the mean of their group, in its standard deviations."""
    groups: dict[str, list[float]] = {}
    for one in seen:
        groups.setdefault(one.group, []).append(one.loss)
    means = {group: statistics.fmean(losses) for group, losses in groups.items()}
    spreads = {group: statistics.pstdev(losses) or 1.0 for group, losses in groups.items()}
    return [(one.loss - means[one.group]) / spreads[one.group] for one in seen]


def _worth_a_look(
    known: Sequence[tuple[tuple[float, ...], float]],
) -> list[tuple[tuple[float, ...], float]]:
    """The best and the latest results, in their order."""
    order = sorted(range(len(known)), key=lambda i: known[i][1])[:_BEST]
    kept = sorted({*order, *range(max(0, len(known) - _LATEST), len(known))})
    return [known[i] for i in kept]


def _first(pair: tuple[float, Mapping[str, str]]) -> float:
    return pair[0]
