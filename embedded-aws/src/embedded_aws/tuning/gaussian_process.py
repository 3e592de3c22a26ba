"""Regression by a Gaussian process, in plain Python: a tuning job has few observations. Pure.

Zero mean, Matérn-5/2 kernel, noise on the diagonal; Cholesky factors and the marginal likelihood
after Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), algorithm 2.1.
Length and noise are those of a short list under which the observations are likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = Sequence[float]

_LENGTHS = (0.1, 0.2, 0.4, 0.8, 1.6)
_NOISES = (1e-6, 1e-3, 1e-1)
_JITTER = 1e-9


@dataclass(frozen=True)
class Kernel:
    """How alike two points are: 1 at the same place.

    Args:
        length: Distance over which likeness fades.
        noise: Variance that one observation has by itself.
    """

    length: float
    noise: float

    def __call__(self, one: Point, other: Point) -> float:
        """Covariance of two points."""
        near = math.sqrt(5.0) * math.dist(one, other) / self.length
        return (1.0 + near + near * near / 3.0) * math.exp(-near)


class GaussianProcess:
    """A posterior over functions.

    Args:
        kernel: The prior.
        points: Where it was observed.
        targets: What was observed there, standardised.
    """

    def __init__(self, kernel: Kernel, points: Sequence[Point], targets: Sequence[float]) -> None:
        self._kernel = kernel
        self._points = points
        self._lower = _cholesky(kernel, points)
        self._weights = _back(self._lower, _forward(self._lower, targets))
        fit = sum(map(float.__mul__, map(float, targets), self._weights))
        self.likelihood = -0.5 * fit - sum(math.log(row[-1]) for row in self._lower)

    def predict(self, point: Point) -> tuple[float, float]:
        """Mean and standard deviation of the function at a point."""
        row = [self._kernel(point, seen) for seen in self._points]
        mean = sum(map(float.__mul__, row, self._weights))
        solved = _forward(self._lower, row)
        return mean, math.sqrt(max(1.0 - sum(part * part for part in solved), 1e-12))


def likeliest(points: Sequence[Point], targets: Sequence[float]) -> Kernel:
    """The kernel under which the observations are likeliest."""
    wide = math.sqrt(len(points[0]))
    kernels = [Kernel(length * wide, noise) for length in _LENGTHS for noise in _NOISES]
    return max(kernels, key=lambda kernel: GaussianProcess(kernel, points, targets).likelihood)


def _cholesky(kernel: Kernel, points: Sequence[Point]) -> list[list[float]]:
    """The lower factor of the covariance of all points, row by row."""
    lower: list[list[float]] = []
    for i, point in enumerate(points):
        row: list[float] = []
        for j, other in enumerate(points[:i]):
            known = sum(map(float.__mul__, row, lower[j]))
            row.append((kernel(point, other) - known) / lower[j][j])
        left = 1.0 + kernel.noise + _JITTER - sum(part * part for part in row)
        row.append(math.sqrt(max(left, _JITTER)))
        lower.append(row)
    return lower


def _forward(lower: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    solved: list[float] = []
    for row, value in zip(lower, right, strict=True):
        solved.append((value - sum(map(float.__mul__, row, solved))) / row[-1])
    return solved


def _back(lower: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    solved = list(right)
    for i in range(len(solved) - 1, -1, -1):
        solved[i] /= lower[i][i]
        for j in range(i):
            solved[j] -= lower[i][j] * solved[i]
    return solved
