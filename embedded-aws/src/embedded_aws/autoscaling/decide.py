"""The decision to scale: from what was measured, and what has been done, to a capacity. Pure.

Scaling out is proportional, scaling in is conservative ("Target tracking scaling policies for
Application Auto Scaling" and "Step scaling policies", user guide). AWS does not publish how it
weighs the datapoints of an alarm. Here a datapoint counts for the capacity at which it was
measured: those from before the last change say nothing of the capacity that it has made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

AT_MAX = "AlreadyAtMaxCapacity"
AT_MIN = "AlreadyAtMinCapacity"
AT_DESIRED = "AlreadyAtDesiredCapacity"
# Of these AWS tells nobody: the alarm asks again in a minute.
COOLING = "cooling down"
UNMEASURED = "nothing measured since the last change"
# A load of exactly three targets is for three instances, whatever floating point makes of it.
_HAIR = 1e-9


@dataclass(frozen=True)
class Past:
    """What scaling has done to a variant, in virtual unix seconds.

    Args:
        out_ended: When the last scale-out was fulfilled.
        out_from: The capacity that it began with.
        in_ended: When the last scale-in was fulfilled.
    """

    out_ended: float = -math.inf
    out_from: int = 0
    in_ended: float = -math.inf

    @property
    def settled(self) -> float:
        """Since when the capacity is what it is."""
        return max(self.out_ended, self.in_ended)


@dataclass(frozen=True)
class Situation:
    """A variant when an alarm asks for it to be scaled.

    Args:
        current: Instances.
        low: Fewest that are allowed.
        high: Most that are allowed.
        now: Virtual unix time.
        past: See there.
        out_cooldown: Seconds to wait for a scale-out to take effect.
        in_cooldown: Seconds to wait between scale-ins.
    """

    current: int
    low: int
    high: int
    now: float
    past: Past = Past()
    out_cooldown: float = 300.0
    in_cooldown: float = 300.0

    @property
    def growing(self) -> bool:
        """Whether a scale-out is still to take effect; a later scale-in ends its cool-down."""
        past = self.past
        return past.in_ended < past.out_ended and self.now < past.out_ended + self.out_cooldown

    @property
    def shrinking_waits(self) -> bool:
        """Whether it is too early to scale in: capacity just added or taken is left alone."""
        past = self.past
        return self.now < past.in_ended + self.in_cooldown or (
            self.now < past.out_ended + self.out_cooldown
        )

    def within(self, capacity: int) -> int:
        """A capacity between the bounds."""
        return max(self.low, min(self.high, capacity))


@dataclass(frozen=True)
class Decision:
    """The capacity to have, and, where that is the present one, why."""

    capacity: int
    reason: str = ""


@dataclass(frozen=True)
class Step:
    """One step adjustment: from where to where the breach goes, and what to do then."""

    low: float
    high: float
    adjustment: int


@dataclass(frozen=True)
class StepPolicy:
    """A step scaling policy.

    Args:
        kind: ``ChangeInCapacity``, ``PercentChangeInCapacity`` or ``ExactCapacity``.
        steps: Without gaps or overlaps.
        least: ``MinAdjustmentMagnitude``.
    """

    kind: str
    steps: tuple[Step, ...]
    least: int = 0


def track_out(points: Sequence[tuple[float, float]], target: float, at: Situation) -> Decision:
    """Scale out so that each instance has the target to do.

    While an earlier scale-out is to take effect, what it has added counts for the next: only a
    larger one, reckoned from the same beginning, adds to it.

    Args:
        points: ``(start, value)`` of the alarm's datapoints, oldest first.
        target: Value per instance that is aimed at.
        at: See there.
    """
    usable = [v for start, v in points if at.growing or start >= at.past.settled]
    if not usable:
        return Decision(at.current, UNMEASURED)
    # Of no instance, what is measured is what one would have to do.
    return _out(lambda capacity: proportional(max(1, capacity), usable[-1], target), at)


def track_in(points: Sequence[tuple[float, float]], target: float, at: Situation) -> Decision:
    """Scale in as far as the busiest of the alarm's minutes would still have met the target."""
    usable = [value for start, value in points if start >= at.past.settled]
    if not usable:
        return Decision(at.current, UNMEASURED)
    return _in(proportional(at.current, max(usable), target), at)


def step(breach: float, *, above: bool, policy: StepPolicy, at: Situation) -> Decision:
    """Scale by the step that the breach falls into; a breach in none changes nothing.

    Args:
        breach: The metric minus the alarm's threshold.
        above: Whether the alarm is for values above its threshold.
        policy: See there.
        at: See there.
    """
    found = step_for(breach, policy.steps, above=above)
    if found is None:
        return Decision(at.current, AT_DESIRED)

    def wanted(capacity: int) -> int:
        return adjusted(capacity, policy.kind, found.adjustment, policy.least)

    if wanted(at.current) > at.current:
        return _out(wanted, at)
    if wanted(at.current) < at.current:
        return _in(wanted(at.current), at)
    return Decision(at.current, AT_DESIRED)


def proportional(capacity: int, value: float, target: float) -> int:
    """Instances among which the load would come to the target for each."""
    return math.ceil(capacity * value / target - _HAIR)


def step_for(breach: float, steps: Sequence[Step], *, above: bool) -> Step | None:
    """The step whose interval holds a breach: closed towards the threshold, open away from it."""
    for one in steps:
        inside = one.low <= breach < one.high if above else one.low < breach <= one.high
        if inside:
            return one
    return None


def adjusted(capacity: int, kind: str, adjustment: int, least: int = 0) -> int:
    """What an adjustment makes of a capacity, never below 0.

    Percentages are rounded towards zero, but to no less than one instance.
    """
    if kind == "ExactCapacity":
        return adjustment
    change = adjustment
    if kind == "PercentChangeInCapacity" and adjustment:
        size = max(1, abs(capacity * adjustment) // 100, least)
        change = size if adjustment > 0 else -size
    return max(0, capacity + change)


def _out(wanted: Callable[[int], int], at: Situation) -> Decision:
    if at.current >= at.high:
        return Decision(at.current, AT_MAX)
    # Should somebody else have taken away what was added, there is nothing of it to count.
    begun = min(at.past.out_from, at.current) if at.growing else at.current
    capacity = at.within(wanted(begun))
    if capacity <= at.current:
        return Decision(at.current, AT_DESIRED)
    return Decision(capacity)


def _in(wanted: int, at: Situation) -> Decision:
    if at.current <= at.low:
        return Decision(at.current, AT_MIN)
    if at.shrinking_waits:
        return Decision(at.current, COOLING)
    capacity = at.within(wanted)
    if capacity >= at.current:
        return Decision(at.current, AT_DESIRED)
    return Decision(capacity)
