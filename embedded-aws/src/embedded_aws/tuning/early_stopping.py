"""``TrainingJobEarlyStoppingType`` Auto: the median rule of the developer guide. Pure.

"Stop Training Jobs Early": a training job is stopped after an epoch whose objective is worse than
the median of the running averages, up to the same epoch, of the training jobs before it (the rule
of Golovin et al., "Google Vizier: A Service for Black-Box Optimization", 2017).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def hopeless(losses: Sequence[float], previous: Sequence[Sequence[float]]) -> bool:
    """Whether a training job is to be stopped.

    Args:
        losses: Its objective after each epoch, less is better.
        previous: The same of training jobs that have ended.
    """
    epoch = len(losses)
    averages = [statistics.fmean(one[:epoch]) for one in previous if len(one) >= epoch > 0]
    return bool(averages) and losses[-1] > statistics.median(averages)
