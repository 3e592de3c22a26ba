"""The canary judge: a pure fold over windows of counts. See docs/judge.md.

It needs numpy, SciPy and pydantic, and nothing else of this repository: no clock, no network, no
store. Any controller that can count requests, errors, latencies and predictions of two versions can
ask it::

    state = JudgeState.start(JudgePolicy())
    state = observe(state, window)      # as each window comes, also late or corrected
    answer = verdict(state)             # hold | step | promote | rollback | inconclusive
    document = state.to_json()          # plain JSON; JudgeState.from_json(document) goes on

``judge`` folds all windows of a release at once; ``judge_many`` and ``observe_many`` fold many
releases side by side. The same windows give the same verdict, in whatever order they came.
"""

from tasks.judge.batch import judge_many, observe_many
from tasks.judge.policy import (
    AbsoluteLimits,
    HarmMargins,
    JudgePolicy,
    NonInferiorityMargins,
    Restart,
    StreamWeights,
    geometric_edges,
)
from tasks.judge.state import JudgeState, observe
from tasks.judge.verdict import CanaryVerdict, Margin, StreamEvidence, judge, verdict
from tasks.judge.window import ArmCounts, Arms, Pairs, Window

__all__ = [
    "AbsoluteLimits",
    "ArmCounts",
    "Arms",
    "CanaryVerdict",
    "HarmMargins",
    "JudgePolicy",
    "JudgeState",
    "Margin",
    "NonInferiorityMargins",
    "Pairs",
    "Restart",
    "StreamEvidence",
    "StreamWeights",
    "Window",
    "geometric_edges",
    "judge",
    "judge_many",
    "observe",
    "observe_many",
    "verdict",
]
