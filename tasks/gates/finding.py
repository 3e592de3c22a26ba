"""What a gate found: a comparison with its figures; verdict and page are made of it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from tasks.gates.intervals import ConfidenceInterval
from tasks.values import Check, Outcome

Rival = Literal["champion", "baseline"]
BY_HAND = "inconclusive; a person accepted it by its point value"


@dataclass(frozen=True)
class Finding:
    """One comparison.

    Args:
        metric: What was compared.
        outcome: What came of it.
        sign: ``≥`` or ``≤``, as it stands before a bound.
        bound: Of the metric's own value: a fixed one, or the worst that the rival leaves room for.
        value: The candidate's; None where it was not measured.
        rival: With whom it was compared; "" for a fixed bound.
        reference: The rival's value.
        interval: Of the value; of the difference to the rival, where there is one.
        holds: Whether the point values keep the bound; None where they could not be compared.
        part: The slice, as ``column: value``; "" for all rows.
        why: In a few words.
        zero: Whether the metric is better nearer to zero, so that sizes are compared.
        shown: Whether the outcome was shown; a slice may pass because nothing was.
    """

    metric: str
    outcome: Outcome
    sign: str = ""
    bound: float = math.nan
    value: float | None = None
    rival: Rival | Literal[""] = ""
    reference: float | None = None
    interval: ConfidenceInterval | None = None
    holds: bool | None = None
    part: str = ""
    why: str = ""
    zero: bool = False
    shown: bool = True

    @property
    def name(self) -> str:
        """The metric, whom it is compared with, and where."""
        versus = f" vs {self.rival}" if self.rival else ""
        return f"{self.metric}{versus}" + (f" in {self.part}" if self.part else "")

    @property
    def margin(self) -> float:
        """The worst difference to the rival that passes."""
        reference = self.reference or 0.0
        return self.bound - (abs(reference) if self.zero else reference)

    def accepted(self) -> Finding:
        """The same, when a person has said that an inconclusive one goes by its point value."""
        if self.outcome != "inconclusive" or self.holds is None:
            return self
        why = f"{BY_HAND}: {self.why}" if self.why else BY_HAND
        return replace(self, outcome="pass" if self.holds else "fail", why=why)

    def check(self) -> Check:
        """As the verdict keeps it."""
        observed = "nothing" if self.value is None else f"{self.value:.6g}"
        if self.interval is not None:
            told = f"{self.interval.low:.6g} … {self.interval.high:.6g}"
            observed += f", difference {told}" if self.rival else f", {told}"
        bound = "a finite number" if not self.sign else f"{self.sign} {self.bound:.6g}"
        return Check(
            name=self.name, outcome=self.outcome, observed=observed, bound=bound, detail=self.why
        )
