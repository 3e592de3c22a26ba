"""The gate's task: what jobs left, and the held-out channel in S3, become a verdict."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.split import COLUMNS
from tasks.gates.tasks import gate
from tasks.values import MeasuredChampion
from tests.tasks.gates.answered import candidate, kept, measured, prices, valued

BUCKET = "held-out-rows"
NOISE = np.random.default_rng(0).normal(0, 5, 300)
SPEC = prices(
    data={"dataset": "sales", "label": "price", "split_by": "house"},
    gates=[
        {
            "metric": "mae",
            "no_worse_than_champion": 0.1,
            "confidence": 0.95,
            "slices": [{"column": "city", "no_worse_than_champion": 0.2}],
        }
    ],
)


@pytest.fixture
def holdout(aws_environment, tmp_path):
    """A channel whose houses are sold twice each, in two cities; a picture is left where it is."""
    from tasks.aws import client

    said = valued(NOISE)
    table = {
        "id": said.rows.tolist(),
        "price": said.labels,
        "house": [f"house {row // 2}" for row in range(300)],
        "city": ["Kent" if row < 80 else "Seattle" for row in range(300)],
    }
    pq.write_table(pa.table(table), tmp_path / "day.parquet")
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(tmp_path / "day.parquet"), BUCKET, "channel/holdout/day.parquet")
    kinds = json.dumps({"columns": [{"name": "id", "type": "string", "key": True}]})
    s3.put_object(Bucket=BUCKET, Key=f"channel/holdout/{COLUMNS}", Body=kinds.encode())
    s3.put_object(Bucket=BUCKET, Key="channel/holdout/a.png", Body=b"none")
    return f"s3://{BUCKET}/channel/holdout/"


def judged(said, champion, holdout, folder, **more):
    trained = candidate(kept(folder / "candidate", said), **measured(said))
    standing = MeasuredChampion(
        metrics=measured(champion), folder=kept(folder / "champion", champion)
    )
    return gate.fn(SPEC, trained, standing, holdout, folder / "run", **more)


def test_the_candidate_is_compared_in_pairs_by_house_and_city(holdout, tmp_path):
    verdict = judged(valued(NOISE * 1.02), valued(NOISE), holdout, tmp_path / "good")
    names = ["mae vs champion", "mae vs champion in city: Kent", "mae vs champion in city: Seattle"]
    assert [check.name for check in verdict.checks][:3] == names
    assert {check.outcome for check in verdict.checks} == {"pass"}
    brought = {path.name for path in (tmp_path / "good/run/held-out-columns").iterdir()}
    assert brought == {"day.parquet", COLUMNS}, "pictures are not fetched"

    off = np.where(np.arange(300) < 80, NOISE * 1.5, NOISE * 0.8)
    harm = judged(valued(off), valued(NOISE), holdout, tmp_path / "harm")
    assert [check.outcome for check in harm.checks][:3] == ["pass", "fail", "pass"]

    noise = np.random.default_rng(1).normal(0, 5, 300)
    other = valued(noise * (1.05 * np.abs(NOISE).mean() / np.abs(noise).mean()))
    undecided = judged(other, valued(NOISE), holdout, tmp_path / "undecided")
    assert undecided.outcome == "inconclusive"
    accepted = judged(
        other, valued(NOISE), holdout, tmp_path / "accepted", accept_inconclusive=True
    )
    assert accepted.outcome == "pass"
    assert "a person accepted it by its point value" in accepted.checks[0].detail
