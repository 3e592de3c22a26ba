"""Is a model due for retraining? A pure decision over what is known of it."""

from __future__ import annotations

from tasks.model_spec import RetrainWhen
from tasks.values import Frozen

DAY_SECONDS = 86_400.0
ROUNDING = 1e-9
"""105 is 5 % more than 100, and not more than that."""


class Standing(Frozen):
    """What is known of a champion.

    Attributes:
        age_seconds: Since it was trained.
        new_bytes: Data that came after its snapshot, in bytes.
        trained_bytes: Size of its own snapshot, in bytes.
        trained_rows: Rows that it was trained and measured on; 0 when unknown.
        metric_then: Its leading metric when it was gated.
        metric_now: The same metric on newly labelled data; None when not measured.
        smaller_is_better: Which way the metric goes.
        drift: Drift that was told, and that no retraining has answered; "" without.
    """

    age_seconds: float
    new_bytes: int = 0
    trained_bytes: int = 0
    trained_rows: int = 0
    metric_then: float | None = None
    metric_now: float | None = None
    smaller_is_better: bool = True
    drift: str = ""


def reasons(standing: Standing, when: RetrainWhen) -> tuple[str, ...]:
    """Why a model is due, each as a sentence; none when it is not."""
    sentences = []
    age = standing.age_seconds / DAY_SECONDS
    if age > when.max_age_days:
        sentences.append(f"{age:.0f} days old (at most {when.max_age_days})")
    if when.min_new_rows and standing.trained_bytes and standing.trained_rows:
        # Rows are not read for this: their size tells closely enough.
        rows = round(standing.new_bytes / standing.trained_bytes * standing.trained_rows)
        if rows >= when.min_new_rows:
            sentences.append(f"about {rows:,} new rows (from {when.min_new_rows:,} on)")
    if standing.metric_then and standing.metric_now is not None:
        change = standing.metric_now / standing.metric_then - 1
        loss = change if standing.smaller_is_better else -change
        if loss > when.max_metric_loss + ROUNDING:
            sentences.append(
                f"quality fell by {loss:.0%}, from {standing.metric_then:.6g} to "
                f"{standing.metric_now:.6g} (at most {when.max_metric_loss:.0%})"
            )
    if standing.drift:
        sentences.append(standing.drift)
    return tuple(sentences)
