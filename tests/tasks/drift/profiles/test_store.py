"""Profiles beside the lake: written once, and the same on threads and on Dask."""

import io
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import objects
from tasks.aws import client
from tasks.drift import fit_grid, merged
from tasks.drift.profiles.store import Partition, profile_partition
from tasks.errors import AwsRejected, ObjectCorrupt, UnreadableData
from tasks.values import LakeObject

BUCKET = "sluice-drift-test"
COLUMNS = {"x": "numeric", "c": "categorical"}


def table(day):
    random = np.random.default_rng(day)
    return pa.table({"x": random.normal(size=800), "c": random.choice(["a", "b"], 800)})


def put(key, body):
    answer = client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return LakeObject(
        key=key,
        version_id=answer.get("VersionId", ""),
        etag=answer["ETag"],
        size=len(body),
        day=date(2026, 1, 1),
    )


def partition(day, bodies=None):
    buffer = io.BytesIO()
    pq.write_table(table(day), buffer)
    items = [
        put(f"raw/d/day={day:02d}/{index}.parquet", body)
        for index, body in enumerate(bodies or [buffer.getvalue()])
    ]
    return Partition(
        dataset="d", name=f"2026-01-{day:02d}", bucket=BUCKET, objects=items, fmt="parquet"
    )


@pytest.fixture
def lake(aws_environment):
    s3 = client("s3")
    if BUCKET not in {item["Name"] for item in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return s3


@pytest.fixture
def grid():
    return fit_grid(table(0), COLUMNS)


def test_a_partition_is_read_once(lake, grid):
    part = partition(1)
    first = profile_partition(lake, part, COLUMNS, grid)
    # Its rows are gone; its profile stands.
    lake.delete_object(Bucket=BUCKET, Key=part.objects[0].key, VersionId=part.objects[0].version_id)
    assert profile_partition(lake, part, COLUMNS, grid) == first
    assert first.partitions == ("2026-01-01",)
    assert objects.read(BUCKET, part.key(grid)).body == first.to_json().encode()


def test_a_new_version_or_another_grid_is_profiled_anew(lake, grid):
    old = partition(2)
    new = partition(2, [_parquet(3)])
    assert old.key(grid) != new.key(grid)
    assert new.key(grid) != new.key(fit_grid(table(9), COLUMNS))
    assert profile_partition(lake, old, COLUMNS, grid) != profile_partition(
        lake, new, COLUMNS, grid
    )


def test_several_objects_of_a_partition_become_one_profile(lake, grid):
    both = partition(4, [_parquet(4), _parquet(5)])
    assert profile_partition(lake, both, COLUMNS, grid).rows == 1_600


def test_what_was_not_pinned_or_is_broken_is_refused(lake, grid):
    part = partition(6)
    longer = part.objects[0].model_copy(update={"size": 5})
    with pytest.raises(ObjectCorrupt, match="instead of 5"):
        profile_partition(lake, part.model_copy(update={"objects": (longer,)}), COLUMNS, grid)
    other = part.objects[0].model_copy(update={"etag": '"0"'})
    with pytest.raises(AwsRejected):
        profile_partition(lake, part.model_copy(update={"objects": (other,)}), COLUMNS, grid)
    with pytest.raises(UnreadableData):
        profile_partition(lake, partition(7, [b"no parquet"]), COLUMNS, grid)


@pytest.fixture(scope="module")
def prefect_server():
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.journey
@pytest.mark.timeout(600)  # starts a Prefect server and a Dask cluster
def test_the_same_task_maps_on_threads_and_on_two_dask_workers(lake, grid, prefect_server):
    from dask.distributed import LocalCluster
    from prefect import flow
    from prefect.task_runners import ThreadPoolTaskRunner
    from prefect_dask import DaskTaskRunner

    from tasks.drift.tasks import profile

    parts = [partition(day) for day in range(10, 16)]

    def run(runner, shelf):
        mine = [part.model_copy(update={"dataset": shelf}) for part in parts]

        @flow(task_runner=runner, name=shelf)
        def mapped():
            from prefect import unmapped

            return profile.map(mine, unmapped(COLUMNS), unmapped(grid)).result()

        return mapped()

    threads = run(ThreadPoolTaskRunner(max_workers=2), "threads")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        dask = run(DaskTaskRunner(address=cluster.scheduler_address), "dask")
        pids = cluster.scheduler.workers
        assert len(pids) == 2
    assert threads == dask
    assert merged(threads).to_json() == merged(reversed(dask)).to_json()


def _parquet(day):
    buffer = io.BytesIO()
    pq.write_table(table(day), buffer)
    return buffer.getvalue()
