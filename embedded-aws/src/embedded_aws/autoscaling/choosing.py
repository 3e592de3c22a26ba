"""Of what several policies ask for, what is done. Pure.

"Application Auto Scaling gives precedence to the policy that provides the largest capacity for both
scale out and scale in", and target tracking scales in only when every one of its policies that may
scale in is ready to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedded_aws.autoscaling.decide import AT_DESIRED, AT_MAX, AT_MIN, Decision

_TOLD = (AT_MAX, AT_MIN, AT_DESIRED)


@dataclass(frozen=True)
class Proposal:
    """What one alarm asks for.

    Args:
        decision: Of the policy that it has triggered.
        cause: In words.
        tracking: Whether the policy is one of target tracking.
    """

    decision: Decision
    cause: str
    tracking: bool


def choose(
    proposals: Sequence[Proposal],
    current: int,
    *,
    unready: bool,
    no_out: bool = False,
    no_in: bool = False,
) -> Proposal | None:
    """The proposal to follow, or to tell of as not scaled; None for neither.

    Args:
        proposals: See there.
        current: Present capacity.
        unready: Whether a policy of target tracking that may scale in does not ask for it.
        no_out: Whether scaling out is suspended.
        no_in: Whether scaling in is suspended.
    """
    outs = [one for one in proposals if one.decision.capacity > current]
    if outs and not no_out:
        return max(outs, key=lambda one: one.decision.capacity)
    ins = [] if no_in else _ins(proposals, current, unready=unready)
    if ins and not outs:
        return max(ins, key=lambda one: one.decision.capacity)
    hidden = {AT_MAX} if no_out else set()
    hidden |= {AT_MIN} if no_in else set()
    told = [one for one in proposals if one.decision.reason in _TOLD]
    return next((one for one in told if one.decision.reason not in hidden), None)


def _ins(proposals: Sequence[Proposal], current: int, *, unready: bool) -> list[Proposal]:
    tracking = [one for one in proposals if one.tracking]
    blocked = unready or any(one.decision.capacity >= current for one in tracking)
    return [
        one
        for one in proposals
        if one.decision.capacity < current and not (one.tracking and blocked)
    ]
