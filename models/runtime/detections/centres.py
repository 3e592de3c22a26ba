"""Objects as points on a grid (Zhou, Wang & Krähenbühl 2019, "Objects as Points").

The photo is a grid of cells. Each class has a map of how likely a cell holds the centre of such an
object; four more maps say where in its cell a centre lies and how large the object is. All are
numbers from 0 to 1, so that one scale carries them in int8:

=========  ======================================================================================
channels   meaning
=========  ======================================================================================
0 … c - 1  chance of each class's centre
c, c + 1   where the centre lies in its cell, from its left and from its upper edge, as shares
c + 2, +3  width and height, as shares of the photo's
=========  ======================================================================================

What a network learns from has one channel more: 1 in cells that hold a centre.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.detections.objects import FIELDS, Floats

PLACE = 4
"""Channels behind those of the classes: where a centre lies, and how large its object is."""
REACH = 0.54 / 6
"""Deviation of the bump around a centre, of its object's size (Liu et al. 2020, TTFNet)."""
NARROWEST = 1 / 3
"""Least deviation, in cells: the neighbours of a small object's centre are hardly one."""


def drawn(truth: Floats, grid: int, classes: int) -> NDArray[np.float32]:
    """Objects → what a network learns: float32 [n, grid, grid, classes + 5].

    A class's map is 1 at its centres and falls off around them, as wide as the object is, so that
    a near miss costs less. Where two centres share a cell, the larger object's place is kept:
    of two such objects of one class, one cannot be told.

    Args:
        truth: [n, m, 5]: class from 1 (0: none), corners.
        grid: Cells on each side.
        classes: How many there are.
    """
    maps = np.zeros((len(truth), grid, grid, classes + PLACE + 1), dtype=np.float32)
    cells = np.arange(grid)
    areas = (truth[..., 3] - truth[..., 1]) * (truth[..., 4] - truth[..., 2])
    for row, place in zip(*np.nonzero(truth[..., 0] > 0), strict=True):
        maps_of_row = maps[row]
        number, x0, y0, x1, y1 = truth[row, place]
        centre, size = np.asarray([x0 + x1, y0 + y1]) * grid / 2, np.asarray([x1 - x0, y1 - y0])
        column, line = np.minimum(centre.astype(np.int64), grid - 1)
        wide, high = np.maximum(REACH * size * grid, NARROWEST)
        across = np.exp(-((cells - column) ** 2) / (2 * wide**2))
        down = np.exp(-((cells - line) ** 2) / (2 * high**2))
        bumps = maps_of_row[..., int(number) - 1]
        np.maximum(bumps, down[:, None] * across, out=bumps)
        cell = maps_of_row[line, column]
        if not cell[-1] or areas[row, place] > cell[classes + 2] * cell[classes + 3]:
            cell[classes:] = (*(centre - (column, line)), *size, 1.0)
    return maps


def found(maps: NDArray[Any], most: int, least: float) -> Floats:
    """Maps → the surest objects of each photo, the surest first: [n, most, 6].

    An object is told where a class's chance is larger than in the neighbouring cells before it (in
    reading order) and no smaller than in those behind it: so two equal neighbours are one object,
    which matters in int8, where many are equal. This takes the place of suppressing boxes that
    overlap.

    Args:
        maps: [n, grid, grid, classes + 4]; more channels are not looked at.
        most: Objects that are told at most.
        least: Chance below which nothing is told.

    Returns:
        Number of the class from 1 (0: none), chance, corners.
    """
    n, grid, _, channels = maps.shape
    classes = channels - PLACE
    values = np.asarray(maps, dtype=np.float64)
    chances = np.where(_peaks(values[..., :classes]), values[..., :classes], 0.0).reshape(n, -1)
    kept = min(most, chances.shape[1])
    order = np.argsort(-chances, axis=1, kind="stable")[:, :kept]
    surest = np.take_along_axis(chances, order, axis=1)
    cell, number = order // classes, order % classes
    places = values[..., classes:].reshape(n, grid * grid, PLACE)
    place = np.take_along_axis(places, cell[..., None], axis=1)
    origin = np.stack([cell % grid, cell // grid], axis=-1)
    centre, half = (origin + place[..., :2]) / grid, place[..., 2:] / 2
    made = np.zeros((n, most, FIELDS))
    made[:, :kept, 0] = number + 1
    made[:, :kept, 1] = surest
    made[:, :kept, 2:] = np.clip(np.concatenate([centre - half, centre + half], axis=-1), 0, 1)
    solid = (made[..., 4:] > made[..., 2:4]).all(axis=-1)
    made[~(solid & (made[..., 1] >= least) & (made[..., 1] > 0))] = 0.0
    return made


def objects_of(drawn_maps: NDArray[Any]) -> Floats:
    """The inverse of :func:`drawn`, but for objects that shared a cell: [n, m, 5]."""
    maps = np.asarray(drawn_maps, dtype=np.float64)
    classes = maps.shape[-1] - PLACE - 1
    centres = (maps[..., :classes] == 1) & (maps[..., -1:] == 1)
    alone = np.concatenate([centres, maps[..., classes:-1]], axis=-1)
    most = int(centres.reshape(len(maps), -1).sum(axis=1).max(initial=0))
    rows, lines, columns, numbers = np.nonzero(centres)
    made = np.zeros((len(maps), most, 5))
    place = alone[rows, lines, columns, classes:]
    centre = (np.stack([columns, lines], axis=-1) + place[:, :2]) / maps.shape[1]
    at = np.arange(len(rows)) - np.searchsorted(rows, rows)
    corners = np.concatenate([centre - place[:, 2:] / 2, centre + place[:, 2:] / 2], axis=-1)
    made[rows, at] = np.concatenate([numbers[:, None] + 1, corners], axis=-1)
    return made


def _peaks(chances: Floats) -> NDArray[np.bool_]:
    """Where a cell is the largest of the nine around it [n, grid, grid, classes]."""
    grid = chances.shape[1]
    wide = np.pad(chances, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    largest = np.ones(chances.shape, dtype=bool)
    for place in range(9):
        line, column = divmod(place, 3)
        neighbour = wide[:, line : line + grid, column : column + grid]
        if place < 4:
            largest &= chances > neighbour
        elif place > 4:
            largest &= chances >= neighbour
    return largest
