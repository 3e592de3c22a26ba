"""Rows together, as the tasks ask: a sample of the champion's rows, and what came since."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.drift import DriftReport, fit_grid
from tasks.drift.comparison.rows import compare_rows, keep_rows
from tasks.drift.reports.markdown import markdown

BUCKET = "rows-together"
COLUMNS = {"a": "numeric", "b": "numeric", "c": "categorical", "note": "text"}
START = date(2026, 5, 1)
LAST = START + timedelta(days=9)


def rows(seed, first, correlation=0.0, size=3_000):
    random = np.random.default_rng(seed)
    a, b = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size).T
    return pa.table(
        {
            "a": a,
            "b": b,
            "c": random.choice(["x", "y"], size),
            "note": ["said"] * size,
            "_day": [first + timedelta(days=int(day)) for day in random.integers(0, 10, size)],
        }
    )


@pytest.fixture
def lake(aws_environment):
    from tasks.aws import client

    client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def compared(lake, good, snapshot):
    grid = fit_grid(rows(0, START), COLUMNS)
    return compare_rows(lake, "rows", snapshot, COLUMNS, good, LAST, grid=grid, alpha=0.01)


def test_what_no_column_shows_is_told_and_is_no_alarm(lake, tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    pq.write_table(rows(1, START), good / "part-0.parquet")
    assert keep_rows(lake, "rows", "snapshot-1", COLUMNS, good) == 3_000
    assert keep_rows(lake, "rows", "snapshot-1", COLUMNS, good) == 3_000, "and again"
    # The old rows are still there: only what came after the champion's last day is new.
    since = LAST + timedelta(days=1)
    pq.write_table(rows(2, since), good / "part-1.parquet")
    quiet = compared(lake, good, "snapshot-1")
    assert quiet.outcome == "pass"
    pq.write_table(rows(3, since, correlation=0.9), good / "part-1.parquet")
    found = compared(lake, good, "snapshot-1")
    assert found.outcome == "fail"
    assert {driver.column for driver in found.drivers[:2]} == {"a", "b"}

    report = DriftReport(
        outcome="pass", reason="No column drifted.", promise="p", alpha=0.01,
        variation="learned", reference_partitions=(), reference_rows=1, current_partitions=(),
        current_rows=1, columns=(), together=found,
    )  # fmt: skip
    page = markdown(report)
    assert "No drift" in page
    assert f"AUC {found.auc:.3f}" in page
    assert "raises no alarm by itself" in page
    assert DriftReport.model_validate_json(report.model_dump_json()) == report


def test_a_champion_without_kept_rows_is_compared_by_columns_alone(lake, tmp_path):
    pq.write_table(rows(1, LAST + timedelta(days=1)), tmp_path / "part-0.parquet")
    assert compared(lake, tmp_path, "snapshot-2") is None


def test_pictures_take_no_part(lake, tmp_path):
    assert keep_rows(lake, "pictures", "snapshot-3", COLUMNS, tmp_path) == 0
    assert compared(lake, tmp_path, "snapshot-3") is None
