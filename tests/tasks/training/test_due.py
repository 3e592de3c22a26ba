"""Why a model is due: age, new rows, lost quality, drift; and nothing else."""

from typing import Any

import pytest

from tasks.model_spec import RetrainWhen
from tasks.training.due import DAY_SECONDS, Standing, reasons

WHEN = RetrainWhen(max_age_days=30, min_new_rows=500, max_metric_loss=0.05)
FRESH = Standing(
    age_seconds=10 * DAY_SECONDS,
    new_bytes=100,
    trained_bytes=1_000,
    trained_rows=4_000,
    metric_then=100.0,
    metric_now=100.0,
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"age_seconds": 30 * DAY_SECONDS}, []),
        ({"age_seconds": 31 * DAY_SECONDS}, ["31 days old (at most 30)"]),
        ({"new_bytes": 124}, []),
        ({"new_bytes": 125}, ["about 500 new rows (from 500 on)"]),
        ({"new_bytes": 125, "trained_bytes": 0}, []),
        ({"metric_now": 105.0}, []),
        ({"metric_now": 110.0}, ["quality fell by 10%, from 100 to 110 (at most 5%)"]),
        ({"metric_now": 50.0}, []),
        (
            {"metric_then": 0.9, "metric_now": 0.81, "smaller_is_better": False},
            ["quality fell by 10%, from 0.9 to 0.81 (at most 5%)"],
        ),
        ({"metric_now": None}, []),
        ({"drift": "drift in grade"}, ["drift in grade"]),
    ],
)
def test_each_reason_is_told_from_its_bound_on(changes: dict[str, Any], said: list[str]) -> None:
    assert list(reasons(FRESH.model_copy(update=changes), WHEN)) == said


def test_all_reasons_are_told_and_none_where_rows_do_not_count() -> None:
    stale = FRESH.model_copy(update={"age_seconds": 99 * DAY_SECONDS, "new_bytes": 10_000})
    assert len(reasons(stale, WHEN)) == 2
    assert len(reasons(stale, WHEN.model_copy(update={"min_new_rows": 0}))) == 1
