"""Days are profiled from bounded parts of the good rows, once."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.drift import profile_batches
from tasks.drift.profiles.partitions import daily_profiles, rows_by_day
from tasks.values import LakeObject, Snapshot

BUCKET = "profiled-days"
COLUMNS = {"x": "numeric", "c": "categorical"}
START = date(2026, 5, 1)


@pytest.fixture
def bucket(aws_environment):
    from tasks.aws import client

    client("s3").create_bucket(Bucket=BUCKET)
    return client("s3")


def rows(seed, days):
    random = np.random.default_rng(seed)
    count = 400
    return pa.table(
        {
            "x": random.normal(size=count),
            "c": random.choice(["a", "b"], count),
            "_day": [START + timedelta(days=int(d)) for d in random.choice(days, count)],
        }
    )


def test_a_day_that_lies_in_two_files_is_one_profile_and_is_kept(bucket, tmp_path):
    tables = [rows(0, [0, 1, 2]), rows(1, [2, 3])]
    for number, table in enumerate(tables):
        pq.write_table(table, tmp_path / f"part-{number}.parquet")
    days = [START + timedelta(days=number) for number in range(4)]
    listed = tuple(
        LakeObject(key=f"raw/{day}", version_id="v", etag="e", size=1, day=day) for day in days
    )
    pinned = Snapshot(
        dataset="days", bucket=BUCKET, start=days[0], end=days[-1], objects=listed, fingerprint="f"
    )
    found = daily_profiles(BUCKET, pinned, "1.0.0", COLUMNS, tmp_path)
    assert sorted(found) == days
    assert sum(profile.rows for profile in found.values()) == 800
    whole = pa.concat_tables(tables)
    both = whole.filter(pa.compute.equal(whole["_day"], days[2]))
    grid = found[days[0]].grid
    expected = profile_batches(iter(both.to_batches()), COLUMNS, grid, partition=str(days[2]))
    assert found[days[2]].to_json() == expected.to_json()
    # The rows are gone; the profiles stand.
    for path in tmp_path.glob("*.parquet"):
        path.unlink()
    again = daily_profiles(BUCKET, pinned, "1.0.0", COLUMNS, tmp_path)
    assert {d: p.to_json() for d, p in again.items()} == {d: p.to_json() for d, p in found.items()}


def test_rows_are_held_a_file_at_a_time(tmp_path):
    for number in range(3):
        pq.write_table(rows(number, [number, 9]), tmp_path / f"part-{number}.parquet")
    asked = {START + timedelta(days=number) for number in (0, 9)}
    parts = list(rows_by_day(tmp_path, asked))
    assert [sorted(day.day for day in part) for part in parts] == [[1, 10], [10], [10]]
    assert all(sum(table.num_rows for table in part.values()) <= 400 for part in parts)


def test_pictures_are_held_a_few_hundred_at_a_time(tmp_path):
    lines = []
    for number in range(300):
        (tmp_path / f"{number}.jpg").write_bytes(b"picture")
        day = START + timedelta(days=number % 2)
        lines.append(f'{{"file": "{number}.jpg", "label": "hall", "day": "{day}"}}')
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))
    parts = list(rows_by_day(tmp_path, {START, START + timedelta(days=1)}))
    sizes = [sum(table.num_rows for table in part.values()) for part in parts]
    assert sizes == [256, 44]
