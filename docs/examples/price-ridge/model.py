"""A metric that is this model's own; champion and candidate are both measured by it."""

import numpy as np


def metrics(labels, predicted):
    """The share of prices that are at most a fifth off."""
    return {"within_20_percent": float((np.abs(predicted - labels) <= 0.2 * labels).mean())}
