"""After the watch: is the champion still as it was at this hour of past weeks?

A release is judged beside the version before it, and that comparison ends with its watch. What
begins later (a leak, a dependency, a daily peak that the release never saw) has no control group:
the champion is compared with its own past instead, for as long as it serves.

    state = MonitorState()
    state = observe(policy, state, window)      # every five minutes, in order
    state.alarm                                 # None, or which stream, since when
    standing(policy, state)                     # what is known, in one sentence
"""

from tasks.judge.monitor.fold import Alarm, MonitorState, observe, standing
from tasks.judge.monitor.policy import STREAMS, WINDOW_SECONDS, MonitorPolicy, latency_edges
from tasks.judge.monitor.totals import Totals

__all__ = [
    "STREAMS",
    "WINDOW_SECONDS",
    "Alarm",
    "MonitorPolicy",
    "MonitorState",
    "Totals",
    "latency_edges",
    "observe",
    "standing",
]
