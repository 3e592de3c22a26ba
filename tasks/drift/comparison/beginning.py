"""Since when a column drifts: each partition is looked at once, from the newest back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.drift.comparison.natural import Learned, MeasuredWeeks, measured, prediction_tests
from tasks.drift.comparison.twosample import Tested
from tasks.drift.profiles.counts import Counts
from tasks.drift.profiles.profile import Profile, joined

Compared = Callable[[Counts, Counts], list[Tested]]


def beginning(
    name: str,
    test: str,
    reference: Counts,
    run: Sequence[Profile],
    learned: Learned | None,
    compared: Compared,
) -> tuple[int, Counts]:
    """Where the suffix of the run begins that differs most on one test, and its counts.

    A suffix is the one before it and one more partition, so that the cost is linear in the run.

    Args:
        name: The column.
        test: The test that found it.
        reference: The column's counts in the baseline.
        run: Partitions in order of time.
        learned: Natural variation, if it is known.
        compared: Two-sample tests, used where it is not.
    """
    best, at = 2.0, len(run) - 1
    suffix: Counts | None = None
    sums: MeasuredWeeks | None = None
    found = run[-1].columns[name]
    for start in range(len(run) - 1, -1, -1):
        counts = run[start].columns[name]
        suffix = counts if suffix is None else joined(counts, suffix)
        if learned is not None:
            here = measured(learned, name, run[start])
            sums = here if sums is None else sums.with_one_more(here)
            tests = prediction_tests(learned, {name: sums})[name]
        else:
            tests = compared(reference, suffix)
        p = next((item.p for item in tests if item.name == test), 1.0)
        if p < best or (p == best == 0.0):
            best, at, found = p, start, suffix
    return at, found
