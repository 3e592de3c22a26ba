"""The cells of the frozen grid: where a number falls is read off its floating-point bits.

A column's grid is centred on the baseline's median and scaled by its interquartile range. In those
units a number's cell is its sign, its exponent and the first four bits of its mantissa: 16 cells to
an octave, from 2⁻⁷ to 2²⁰ on either side, one cell in the middle and one open end on each side. The
cell is found by a subtraction, a multiplication and a shift, so that counting costs the same
whatever the number of cells, and NaN and infinity fall out of the same pass.

All steps are single IEEE operations: every machine, thread and batch size gives the same counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LOWEST, HIGHEST = -7, 20  # octaves, in units of the scale
PER_OCTAVE = 16
SIDE = (HIGHEST - LOWEST) * PER_OCTAVE
MIDDLE = SIDE + 1
CELLS = 2 * SIDE + 3
"""Cells of a column: two open ends, two sides, the middle."""

_BITS = 13  # sign, 8 of the exponent, 4 of the mantissa
_RAW = 1 << _BITS
_SHIFT = np.uint32(32 - _BITS)
_INFINITE = [_RAW // 2 - 16, _RAW - 16]
_NAN, _UP, _DOWN = CELLS, CELLS + 1, CELLS + 2
_BLOCK = 65_536
EXACT = 2**53
"""From here on float64 does not hold every integer."""
NEAR = 2.0**62


def _fold() -> Ints:
    """Cell of each raw index of sign, exponent and mantissa bits."""
    raw = np.arange(_RAW)
    exponent, mantissa = (raw >> 4) & 0xFF, raw & 0xF
    step = (exponent - 127 - LOWEST) * PER_OCTAVE + mantissa
    step = np.clip(step, -1, SIDE)
    negative = raw >= _RAW // 2
    cell = np.where(negative, MIDDLE - 1 - step, MIDDLE + 1 + step)
    cell = np.where(step < 0, MIDDLE, cell)
    special = exponent == 0xFF
    cell = np.where(special & (mantissa > 0), _NAN, cell)
    cell = np.where(special & (mantissa == 0) & ~negative, _UP, cell)
    return np.where(special & (mantissa == 0) & negative, _DOWN, cell).astype(np.int64)


_CELL_OF = _fold()


def _edges() -> Floats:
    octaves = 2.0 ** np.arange(LOWEST, HIGHEST)
    side = (octaves[:, None] * (1 + np.arange(PER_OCTAVE) / PER_OCTAVE)).ravel()
    side = np.append(side, 2.0**HIGHEST)
    return np.concatenate((-side[::-1], side))


EDGES = _edges()
"""Inner edges in units of the scale, ascending, one fewer than cells."""


def _centres() -> Floats:
    inner = (EDGES[1:] + EDGES[:-1]) / 2
    return np.concatenate((EDGES[:1], inner, EDGES[-1:]))


CENTRES = _centres()
"""A value for each cell, in units of the scale: its middle, or its edge at an open end."""


class CellCounter:
    """Counts batches of numbers into cells; memory is one block, whatever is counted."""

    def __init__(self, centre: float, scale: float, origin: int | None = None) -> None:
        """``origin``: the centre as an exact integer, to count integers beyond 2⁵³ exactly."""
        self._centre = np.float64(centre)
        self._scale = np.float64(scale)
        self._origin = origin if origin is not None and abs(origin) >= EXACT else None
        ordinary = 1e-30 < scale < 1e30  # else its inverse is no float32
        tiny = scale < 1e-300  # else its inverse may be infinite
        self._inverse = np.float32(1 / scale) if ordinary else np.float64(0 if tiny else 1 / scale)
        self.at_centre = 0
        self._raw = np.zeros(_RAW, np.int64)
        self._huge = np.zeros(2, np.int64)  # finite, but beyond float32: up, down
        self._centred = np.empty(_BLOCK, np.float64)
        self._units = np.empty(_BLOCK, np.float32)
        self._index = np.empty(_BLOCK, np.int64)

    def add(self, values: NDArray[Any]) -> None:
        """Count a batch of numbers, shape (n,)."""
        for start in range(0, len(values), _BLOCK):
            self._add(values[start : start + _BLOCK])

    def _add(self, values: NDArray[Any]) -> None:
        size = len(values)
        centred, units, index = self._centred[:size], self._units[:size], self._index[:size]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            self._subtract(values, centred)
            self.at_centre += size - int(np.count_nonzero(centred))
            if not self._inverse:
                centred /= self._scale
                units[:] = centred
            elif self._inverse.dtype == np.float64:
                centred *= self._inverse
                units[:] = centred
            else:
                units[:] = centred
                units *= self._inverse
        np.right_shift(units.view(np.uint32), _SHIFT, out=index, casting="unsafe")
        counts = np.bincount(index, minlength=_RAW)
        self._raw += counts
        if counts[_INFINITE].any():
            finite = np.isfinite(values)
            self._huge[0] += np.count_nonzero(finite & np.isposinf(units))
            self._huge[1] += np.count_nonzero(finite & np.isneginf(units))

    def _subtract(self, values: NDArray[Any], centred: Floats) -> None:
        np.subtract(values, self._centre, out=centred)
        if self._origin is None or values.dtype.kind not in "iu":
            return
        # Modulo 2⁶⁴ the difference of two integers is exact wherever it fits into 63 bits.
        exact = values.astype(np.uint64) - np.uint64(self._origin % 2**64)
        near = np.abs(centred) < NEAR
        centred[near] = exact.view(np.int64)[near]

    def cells(self) -> Ints:
        """Counts per cell, shape (CELLS,)."""
        cells = self._folded()[:CELLS]
        cells[-1] += self._huge[0]
        cells[0] += self._huge[1]
        return cells

    @property
    def not_a_number(self) -> int:
        """NaN values seen."""
        return int(self._folded()[_NAN])

    @property
    def infinite(self) -> int:
        """Infinite values seen, of either sign."""
        folded = self._folded()
        return int(folded[_UP] + folded[_DOWN] - self._huge.sum())

    def _folded(self) -> Ints:
        folded = np.zeros(CELLS + 3, np.int64)
        np.add.at(folded, _CELL_OF, self._raw)
        return folded
