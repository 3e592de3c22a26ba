"""The judge's state, and the fold of windows into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import PROMOTE, ROLLBACK, SequentialState, initial
from tasks.judge.update import update
from tasks.judge.window import Window, counts_of


@dataclass(frozen=True)
class JudgeState:
    """Everything the judge knows; ``to_json`` and ``from_json`` carry it over a restart.

    Attributes:
        policy: The policy that the release started with.
        settled: The sequential state before the windows that may still be corrected.
        windows: These windows in order of t0, each with the sequential state after it.
        refused: Corrections that came after their window had settled.
        standing: Outcome and time of a rollback or promotion already given: no later correction
            takes it back, because traffic has been moved on it.
    """

    policy: JudgePolicy
    settled: SequentialState
    windows: tuple[tuple[Window, SequentialState], ...] = ()
    refused: int = 0
    standing: tuple[float, float] | None = None

    @classmethod
    def start(cls, policy: JudgePolicy) -> JudgeState:
        """The state before the first window."""
        return cls(policy=policy, settled=initial(policy))

    @property
    def sequential(self) -> SequentialState:
        """The sequential state after the last window."""
        sequential = self.windows[-1][1] if self.windows else self.settled
        if self.standing is None:
            return sequential
        outcome, decided = self.standing
        if sequential.outcome[0] == outcome:
            return sequential
        return replace(
            sequential,
            outcome=np.array([outcome]),
            decided=np.array([decided]),
            target=np.array([0.0 if outcome == ROLLBACK else 1.0]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: numbers, strings, lists. Size: some 30 KB."""
        return {
            "policy": self.policy.model_dump(mode="json"),
            "settled": self.settled.to_json(),
            "windows": [window.model_dump(mode="json") for window, _ in self.windows],
            "refused": self.refused,
            "standing": list(self.standing) if self.standing else None,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> JudgeState:
        """The same state again; the windows that may still be corrected are folded anew."""
        policy = JudgePolicy.model_validate(document["policy"])
        settled = SequentialState.from_json(document["settled"])
        windows = [Window.model_validate(item) for item in document["windows"]]
        standing = document["standing"]
        return cls(
            policy=policy,
            settled=settled,
            windows=_fold(policy, settled, windows),
            refused=int(document["refused"]),
            standing=(float(standing[0]), float(standing[1])) if standing else None,
        )


def observe(state: JudgeState, window: Window) -> JudgeState:
    """Fold one window.

    A window with a known t0 replaces the one it corrects, a missing one that comes late takes its
    place, and the windows after it are folded again. One that is older than
    ``revision_windows`` is refused and counted.

    Raises:
        ValueError: the window overlaps another, or its bins are not the policy's.
    """
    known = state.windows
    if known and window.t0 > known[-1][0].t0:
        if window.t0 < known[-1][0].t1 - 1e-6:
            raise ValueError(
                f"window {window.t0} starts before window {known[-1][0].t0} ends; windows must "
                "not overlap"
            )
        after = update(state.policy, known[-1][1], counts_of(state.policy, window))
        return settle(replace(state, windows=(*known, (window, after))))
    if window.t0 < float(state.settled.observed[0]) - 1e-6:
        return replace(state, refused=state.refused + 1)
    if any(window == old for old, _ in known):
        return state
    kept = [old for old, _ in known if old.t0 != window.t0]
    merged = sorted([*kept, window], key=lambda item: item.t0)
    for first, second in pairwise(merged):
        if second.t0 < first.t1 - 1e-6:
            raise ValueError(
                f"window {second.t0} starts before window {first.t0} ends; windows must not overlap"
            )
    return settle(replace(state, windows=_fold(state.policy, state.settled, merged)))


def settle(state: JudgeState) -> JudgeState:
    """Let go of windows that are too old to be corrected; keep an outcome that was given."""
    surplus = len(state.windows) - state.policy.revision_windows
    if surplus > 0:
        state = replace(
            state, settled=state.windows[surplus - 1][1], windows=state.windows[surplus:]
        )
    if state.standing is None and state.windows:
        last = state.windows[-1][1]
        outcome = float(last.outcome[0])
        if outcome in (ROLLBACK, PROMOTE):
            state = replace(state, standing=(outcome, float(last.decided[0])))
    return state


def _fold(
    policy: JudgePolicy, sequential: SequentialState, windows: Iterable[Window]
) -> tuple[tuple[Window, SequentialState], ...]:
    folded = []
    for window in windows:
        sequential = update(policy, sequential, counts_of(policy, window))
        folded.append((window, sequential))
    return tuple(folded)
