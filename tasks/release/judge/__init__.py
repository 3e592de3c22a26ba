"""The canary judge: a pure fold over windows of counts. See docs/judge.md."""

from tasks.release.judge.batch import judge_many, observe_many
from tasks.release.judge.policy import (
    JudgePolicy,
    Limits,
    Restart,
    StreamWeights,
    Tolerance,
    geometric_edges,
)
from tasks.release.judge.state import JudgeState, observe
from tasks.release.judge.verdict import Margin, StreamEvidence, Verdict, judge, verdict
from tasks.release.judge.window import ArmCounts, Arms, Pairs, Window

__all__ = [
    "ArmCounts",
    "Arms",
    "JudgePolicy",
    "JudgeState",
    "Limits",
    "Margin",
    "Pairs",
    "Restart",
    "StreamEvidence",
    "StreamWeights",
    "Tolerance",
    "Verdict",
    "Window",
    "geometric_edges",
    "judge",
    "judge_many",
    "observe",
    "observe_many",
    "verdict",
]
