"""The fold: one window after the other, and what is known after each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from tasks.judge.monitor.detector import STAKES, e_values, grown, total
from tasks.judge.monitor.past import WEEKS, Expected, expected
from tasks.judge.monitor.policy import (
    HOUR_SECONDS,
    STREAMS,
    WEEK_SECONDS,
    WINDOW_SECONDS,
    MonitorPolicy,
    latency_edges,
)
from tasks.judge.monitor.totals import Totals, together
from tasks.judge.policy import Immutable

CALM_WINDOWS = 12
"""Windows in a row, an hour of them, that end an alarm: what comes and goes is told once."""
LOST_WINDOWS = 12
NONE = tuple(tuple(0.0 for _ in STAKES) for _ in STREAMS)
NO_RISE = tuple(0.0 for _ in STREAMS)


class Alarm(Immutable):
    """What is worse than it was. ``since`` and ``rang`` in unix seconds."""

    stream: str
    since: float
    rang: float
    share: float = Field(description="Bad requests of the last window, 0..1.")
    bound: float = Field(description="What past weeks had, margin included.")
    beyond_ms: float = Field(default=0.0, description="Latency: what counts as slow.")


class MonitorState(Immutable):
    """Everything that the next window needs.

    Attributes:
        version: The champion that the evidence is about.
        seen_until: End of the last window; 0 before the first.
        evidence: By stream and stake.
        rise: By stream, log evidence since its change most likely began (a CUSUM, Page 1954).
        since: When that was.
        past: Hours since 1970 → what was counted, of every champion that served then.
        alarm: What rings, until an hour was calm.
        calm: Windows in a row without anything beyond its bound, while an alarm rings.
        lost: Windows in a row with requests whose errors nobody told.
        compared: What the last window was compared with; None while there is too little past.
        hour: The hour that this holds for: within one the past does not change.
    """

    version: str = ""
    seen_until: float = 0.0
    evidence: tuple[tuple[float, ...], ...] = NONE
    rise: tuple[float, ...] = NO_RISE
    since: tuple[float, ...] = NO_RISE
    past: Mapping[int, Totals] = Field(default_factory=dict)
    alarm: Alarm | None = None
    calm: int = 0
    lost: int = 0
    compared: Expected | None = None
    hour: int = -1


def of_version(state: MonitorState, version: str) -> MonitorState:
    """The state as another champion begins: its past is the service's, its evidence none."""
    if version == state.version:
        return state
    return MonitorState(version=version, seen_until=state.seen_until, past=state.past)


def observe(
    policy: MonitorPolicy, state: MonitorState, begin: float, window: Totals
) -> MonitorState:
    """Fold one window, the champion's alone.

    Args:
        policy: Margins and promise.
        state: Before it.
        begin: Its begin, unix seconds; not before ``seen_until``.
        window: What was counted in its ``WINDOW_SECONDS``.

    Raises:
        ValueError: the window lies before what was seen already.
    """
    if begin < state.seen_until:
        raise ValueError(f"a window of {begin:.0f}, and {state.seen_until:.0f} is seen already")
    hour = int(begin // HOUR_SECONDS)
    bounds = state.compared
    if state.hour != hour:
        bounds = expected(policy, state.past, begin, latency_edges())
    after = state.model_copy(
        update={
            "seen_until": begin + WINDOW_SECONDS,
            "past": _remembered(state.past, begin, window),
            "lost": _lost(state, window),
            "compared": bounds,
            "hour": hour,
        }
    )
    if bounds is None or not window.requests:
        return after
    return _judged(policy, after, begin, window, bounds)


def _judged(
    policy: MonitorPolicy, state: MonitorState, begin: float, window: Totals, bounds: Expected
) -> MonitorState:
    edges = latency_edges()
    slow = 0.0
    timed = bounds.edge is not None and window.timed > 0
    if bounds.edge is not None and timed:
        slow = window.slower_than(bounds.edge) / window.timed
    known = np.array([window.errors is not None, timed])
    share = np.array([(window.errors or 0) / window.requests, slow])
    bound = np.array([bounds.errors, bounds.slow])
    exceeded = known & (share > bound)
    if state.alarm is not None:
        calm = 0 if exceeded.any() else state.calm + 1
        if calm < CALM_WINDOWS:
            return state.model_copy(update={"calm": calm})
        return state.model_copy(update={"alarm": None, "calm": 0})
    e = e_values(share, bound)
    evidence = grown(np.array(state.evidence), e, known)
    since = np.where(np.array(state.rise) > 0.0, np.array(state.since), begin)
    rise = np.maximum(np.array(state.rise) + np.where(known, np.log(e[..., -1]), 0.0), 0.0)
    if total(evidence) < policy.threshold:
        return state.model_copy(
            update={
                "evidence": tuple(tuple(row) for row in evidence.tolist()),
                "rise": tuple(rise.tolist()),
                "since": tuple(since.tolist()),
            }
        )
    worst = int(np.argmax(evidence.mean(-1)))
    beyond = edges[bounds.edge] if worst == 1 and bounds.edge is not None else 0.0
    alarm = Alarm(
        stream=STREAMS[worst],
        since=float(since[worst]),
        rang=begin + WINDOW_SECONDS,
        share=float(share[worst]),
        bound=float(bound[worst]),
        beyond_ms=beyond,
    )
    return state.model_copy(update={"alarm": alarm, "calm": 0, "evidence": NONE, "rise": NO_RISE})


def _remembered(past: Mapping[int, Totals], begin: float, window: Totals) -> dict[int, Totals]:
    hour = int(begin // HOUR_SECONDS)
    kept = dict(past)
    if hour not in past:
        oldest = hour - WEEKS * WEEK_SECONDS // HOUR_SECONDS - 1
        kept = {one: totals for one, totals in past.items() if one >= oldest}
    if window.requests:
        kept[hour] = together([part for part in (kept.get(hour), window) if part is not None])
    return kept


def _lost(state: MonitorState, window: Totals) -> int:
    if not window.requests:
        return state.lost
    return state.lost + 1 if window.errors is None else 0


def standing(policy: MonitorPolicy, state: MonitorState) -> str:
    """What is known, in a sentence or two."""
    if state.alarm is not None:
        return described(state.alarm)
    lost = (
        f" Errors have not been told for {state.lost * WINDOW_SECONDS / 60:.0f} minutes: "
        "unknown is not none."
        if state.lost >= LOST_WINDOWS
        else ""
    )
    if state.compared is None:
        return (
            "Not compared with its past yet: the same hour of two weeks, or of three days, must "
            f"have had requests.{lost}"
        )
    found = state.compared
    return (
        f"As in the same hour of the last {found.periods} {found.unit}: errors at most "
        f"{found.errors:.1%}, margin included; evidence {_evidence(state):.3g} of "
        f"{policy.threshold:,.0f}.{lost}"
    )


def described(alarm: Alarm) -> str:
    """An alarm as a sentence."""
    if alarm.stream == "errors":
        what = f"{alarm.share:.1%} of its answers are errors, where past weeks had"
    else:
        what = f"{alarm.share:.0%} of its answers take more than {alarm.beyond_ms:.3g} ms, where"
        what += " past weeks had"
    return f"{what} at most {alarm.bound:.1%}, margin included."


def _evidence(state: MonitorState) -> float:
    return float(total(np.array(state.evidence)))
