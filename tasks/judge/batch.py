"""Many releases judged side by side: the same fold, one array operation for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import PROMOTE, ROLLBACK, SequentialState, initial
from tasks.judge.state import JudgeState, observe, settle
from tasks.judge.update import update
from tasks.judge.verdict import CanaryVerdict, judge, verdict
from tasks.judge.window import Window, WindowArrays, counts_of_all


def judge_many(policy: JudgePolicy, releases: Sequence[Sequence[Window]]) -> list[CanaryVerdict]:
    """The verdict on each release, as judge gives it (to the rounding of sums).

    Raises:
        ValueError: a window's bins are not the policy's, or windows overlap.
    """
    verdicts: dict[int, CanaryVerdict] = {}
    orderly: list[int] = []
    for index, windows in enumerate(releases):
        if windows and all(second.t0 >= first.t1 - 1e-6 for first, second in pairwise(windows)):
            orderly.append(index)
        else:  # corrected, late or absent windows take the careful way
            verdicts[index] = judge(policy, windows)
    # Longest first, so that the releases that still have windows are always the first rows.
    orderly.sort(key=lambda index: -len(releases[index]))
    feeds = [counts_of_all(policy, releases[index]) for index in orderly]
    lengths = np.array([len(releases[index]) for index in orderly])
    rows = np.arange(len(orderly))
    sequential = initial(policy, len(orderly))
    for step in range(int(lengths.max(initial=0))):
        over = (lengths[rows] <= step) | np.isin(sequential.outcome, (ROLLBACK, PROMOTE))
        if over.any():
            for place in np.flatnonzero(over).tolist():
                verdicts[orderly[rows[place]]] = _verdict(policy, sequential, place)
            rows, sequential = rows[~over], _rows(sequential, ~over)
            if not len(rows):
                break
        sequential = update(policy, sequential, _stack([feeds[row] for row in rows], step))
    for place, row in enumerate(rows):
        verdicts[orderly[row]] = _verdict(policy, sequential, place)
    return [verdicts[index] for index in range(len(releases))]


def observe_many(states: Sequence[JudgeState], windows: Sequence[Window]) -> list[JudgeState]:
    """One more window of each of these releases; as observe gives it (to the rounding of sums).

    Raises:
        ValueError: the policies differ, a window's bins are not the policy's, or windows overlap.
    """
    after: list[JudgeState | None] = [None] * len(states)
    orderly: list[int] = []
    for index, (state, window) in enumerate(zip(states, windows, strict=True)):
        if state.policy != states[0].policy:
            raise ValueError("releases that are folded side by side share one policy")
        ended = state.windows[-1][0].t1 if state.windows else float(state.settled.observed[0])
        if window.t0 >= ended - 1e-6:
            orderly.append(index)
        else:  # a corrected, late or overlapping window takes the careful way
            after[index] = observe(state, window)
    if orderly:
        policy = states[0].policy
        before = [
            state.windows[-1][1] if state.windows else state.settled
            for state in (states[index] for index in orderly)
        ]
        stacked = SequentialState(
            **{
                field.name: np.concatenate(
                    [getattr(sequential, field.name) for sequential in before]
                )
                for field in fields(SequentialState)
            }
        )
        folded = update(
            policy, stacked, counts_of_all(policy, [windows[index] for index in orderly])
        )
        for place, index in enumerate(orderly):
            one = SequentialState(
                **{
                    field.name: getattr(folded, field.name)[place : place + 1]
                    for field in fields(SequentialState)
                }
            )
            known = (*states[index].windows, (windows[index], one))
            after[index] = settle(replace(states[index], windows=known))
    return [state for state in after if state is not None]


def _rows(
    sequential: SequentialState, keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> SequentialState:
    return SequentialState(
        **{field.name: getattr(sequential, field.name)[keep] for field in fields(SequentialState)}
    )


def _verdict(policy: JudgePolicy, sequential: SequentialState, place: int) -> CanaryVerdict:
    keep = np.zeros(len(sequential.observed), dtype=bool)
    keep[place] = True
    return verdict(JudgeState(policy=policy, settled=_rows(sequential, keep)))


def _stack(feeds: Sequence[WindowArrays], step: int) -> WindowArrays:
    return WindowArrays(
        **{
            field.name: np.array([getattr(feed, field.name)[step] for feed in feeds])
            for field in fields(WindowArrays)
        }
    )
