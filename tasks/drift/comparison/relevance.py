"""Which differences are worth an alarm, however sure they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tasks.drift.comparison.categorical import aligned
from tasks.drift.comparison.effects import coarse, real_psi
from tasks.drift.comparison.twosample import Tested, tail_cells
from tasks.drift.policy import MOVED, Gates
from tasks.drift.profiles.cells import Floats, Ints
from tasks.drift.profiles.counts import CategoryCounts, Counts, NumericCounts


def gated(tests: list[Tested], gates: Gates) -> list[Tested]:
    """Tests without those whose difference is too small to matter."""
    distribution = next((t.difference for t in tests if t.name == "largest gap"), 0.0)
    least: Mapping[str, tuple[float, float]] = {
        "location": (distribution, gates.distribution),
        "spread": (distribution, gates.distribution),
        "cells": (distribution, gates.distribution),
        "largest gap": (distribution, gates.distribution),
        "low tail": (0, gates.tail),
        "high tail": (0, gates.tail),
        "missing": (0, gates.missing),
        "one value": (0, gates.category),
        "one category": (0, gates.category),
        "all categories": (0, gates.category),
        "new values": (0, gates.fresh),
    }
    return [
        test
        for test in tests
        if max(least[test.name][0], abs(test.difference)) >= least[test.name][1]
    ]


def relevant(
    tests: list[Tested], reference: Counts, current: Counts, least_psi: float
) -> list[Tested]:
    """Tests without those of a moved distribution, where it moved by less than matters here."""
    cells = cells_of(reference, current)
    words = isinstance(reference, CategoryCounts) and reference.words
    if not least_psi or cells is None or words or real_psi(*cells) >= least_psi:
        return tests
    kept = [test for test in tests if test.name not in MOVED]
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        # A small shift also fills a tail; only one that holds twice as much is a fault of its own.
        doubled = _doubled_tails(reference.cells, current.cells)
        doubled["one value"] = real_psi(_at(reference), _at(current)) >= least_psi
        kept = [test for test in kept if doubled.get(test.name, True)]
    return kept


def _at(counts: NumericCounts) -> Floats:
    """Rows that hold the grid's centre, and the others."""
    centre = counts.at_centre or 0
    return np.asarray([centre, counts.cells.sum() - centre], np.float64)


def _doubled_tails(reference: Ints, current: Ints) -> dict[str, bool]:
    n, m = max(int(reference.sum()), 1), max(int(current.sum()), 1)
    cuts = zip(("low tail", "high tail"), tail_cells(reference), strict=True)
    return {name: current[cut].sum() / m >= 2 * reference[cut].sum() / n for name, cut in cuts}


def cells_of(reference: Counts, current: Counts) -> tuple[Floats, Floats] | None:
    """Counts over the cells that effect sizes are read on."""
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        return coarse(reference.cells, current.cells)
    if isinstance(reference, CategoryCounts) and isinstance(current, CategoryCounts):
        pair = aligned(reference, current)
        return pair.reference.astype(np.float64), pair.current.astype(np.float64)
    return None
