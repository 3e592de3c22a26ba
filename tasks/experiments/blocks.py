"""What was counted: sums by block, slice and arm, in whole numbers. Pure.

A user is counted once, in the block in which his window ends, with everything he did until then.
Each block is cut into slices by another hash: slices are taken one after the other, so that even
users who are all counted in one block teach the levels that the later ones are compared at.
Amounts are whole millionths, so that sums are the same in any order.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.buckets import bucket
from tasks.experiments.plan import ARMS, Arm, Experiment, SuccessMetric
from tasks.experiments.sequence import Sums

MILLION = 1_000_000
SLICES = 8
GRACE_SECONDS = 60.0
"""A block is read so long after its end, when the slowest writer of its moment is through."""


@dataclass(frozen=True)
class Cell:
    """The users of one block, slice and arm.

    ``crossed`` were seen with the other arm's version. ``sums`` holds, by metric, the sums of y
    and y², where y is the user's capped amount over the cap, in millionths.
    """

    block: int
    slice: int
    arm: Arm
    users: int
    crossed: int
    sums: Mapping[str, tuple[int, int]]


def slice_of(experiment: Experiment, user: str) -> int:
    """The slice of a user, independent of his arm."""
    return bucket(user, f"{experiment.salt}/slice") % SLICES


def block_of(experiment: Experiment, due: float) -> int:
    """The block in which a user is counted whose window ends at ``due``."""
    return max(0, math.floor((due - experiment.starts) / experiment.block_seconds))


def end_of(experiment: Experiment, block: int) -> float:
    """When a block ends, unix seconds."""
    return experiment.starts + (block + 1) * experiment.block_seconds


def closed(experiment: Experiment, now: float) -> int:
    """How many blocks can be read."""
    return block_of(experiment, now - GRACE_SECONDS)


def all_counted(experiment: Experiment) -> float:
    """When the last user can have been counted and read, unix seconds."""
    last = block_of(experiment, experiment.ends + experiment.window_seconds)
    return end_of(experiment, last) + GRACE_SECONDS


def part(metric: SuccessMetric, amount: int) -> int:
    """A user's y in millionths.

    Args:
        metric: Whose.
        amount: Sum of what he did, in millionths of the metric's unit.
    """
    if metric.kind == "proportion":
        return MILLION if amount > 0 else 0
    return min(max(round(amount / metric.cap), 0), MILLION)


def sums_of(cells: Iterable[Cell], metric: str) -> tuple[Sums, tuple[int, ...]]:
    """One metric's sums in the order of counting, and the block of each.

    Cells of the same block, slice and arm are added up; their order does not matter.
    """
    by_slice: dict[tuple[int, int], dict[Arm, list[int]]] = defaultdict(
        lambda: {arm: [0, 0, 0] for arm in ARMS}
    )
    for cell in cells:
        kept = by_slice[cell.block, cell.slice][cell.arm]
        s, q = cell.sums.get(metric, (0, 0))
        for index, value in enumerate((cell.users, s, q)):
            kept[index] += value
    order = sorted(by_slice)
    scale = np.array([1.0, 1.0 / MILLION, 1.0 / MILLION**2])
    treatment, control = (
        np.array([by_slice[key][arm] for key in order], dtype=float).reshape(-1, 3) * scale
        for arm in ARMS
    )
    return Sums(*treatment.T, *control.T), tuple(block for block, _ in order)


def arrivals(cells: Iterable[Cell]) -> tuple[tuple[int, int], ...]:
    """Users counted so far, (treatment, control), after each block."""
    by_block: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        by_block[cell.block][ARMS.index(cell.arm)] += cell.users
    path, total = [], [0, 0]
    for block in sorted(by_block):
        total = [total[0] + by_block[block][0], total[1] + by_block[block][1]]
        path.append((total[0], total[1]))
    return tuple(path)
