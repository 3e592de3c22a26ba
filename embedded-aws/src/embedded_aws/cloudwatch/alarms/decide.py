"""The decision of a metric alarm: a pure function of its datapoints.

CloudWatch looks at more datapoints than ``EvaluationPeriods``: the *evaluation range*. Real ones
anywhere in it are preferred to missing ones; only where there are fewer than ``EvaluationPeriods``
does ``TreatMissingData`` count. The tables in "How alarm state is evaluated when data is missing"
(CloudWatch User Guide) are the specification, and the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As in the guide's tables: 5 datapoints are retrieved for 3 evaluation periods.
EXTRA = 2


@dataclass(frozen=True)
class Decision:
    """What an evaluation comes to.

    Args:
        state: The new state, or None to keep the present one.
        judged: Indices of the real datapoints that were judged, newest first.
        filled: How many missing ones were treated as ``treated``.
        treated: ``Breaching``, ``NonBreaching``, or "" where none was needed.
    """

    state: str | None
    judged: tuple[int, ...]
    filled: int = 0
    treated: str = ""


def decide(
    breaching: Sequence[bool | None], periods: int, datapoints: int, missing: str
) -> Decision:
    """Decide on a state.

    Args:
        breaching: One per period of the evaluation range, oldest first; None where data is missing.
        periods: N of "M out of N".
        datapoints: M.
        missing: ``missing``, ``ignore``, ``breaching`` or ``notBreaching``.
    """
    real = [i for i in range(len(breaching) - 1, -1, -1) if breaching[i] is not None]
    window = tuple(real[:periods])
    bad = sum(1 for i in window if breaching[i])
    lacking = periods - len(window)
    if lacking == 0:
        return Decision("ALARM" if bad >= datapoints else "OK", window)
    if missing == "breaching":
        state = "ALARM" if bad + lacking >= datapoints else "OK"
        return Decision(state, window, lacking, "Breaching")
    if missing == "notBreaching":
        state = "ALARM" if bad >= datapoints else "OK"
        return Decision(state, window, lacking, "NonBreaching")
    if bad >= datapoints:
        return Decision("ALARM", window)
    if bad < len(window):
        return Decision("OK", window)
    if missing == "ignore":
        return Decision(None, window)
    # "Avoiding premature transitions": a lone breach only counts once it is as old as the
    # datapoints that the alarm asks for.
    if window and len(breaching) - window[-1] >= datapoints:
        return Decision("ALARM", window)
    return Decision("INSUFFICIENT_DATA", window)
