"""Snapshots and pulls against the embedded AWS."""

import shutil
from datetime import date
from types import SimpleNamespace

import pytest

from tasks.aws import client
from tasks.errors import BucketMissing, BucketUnversioned, DiskFull, NoDataInWindow, ObjectCorrupt
from tasks.lake.bucket import keep_snapshot, take_snapshot
from tasks.lake.layout import partition_prefix
from tasks.lake.pull import cached_path, pull

PREFIX = "raw/sales/"


@pytest.fixture
def lake(aws_environment):
    s3 = client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    for day in range(1, 6):
        put(s3, day, f"content of day {day}".encode())
    yield s3
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="lake"):
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket="lake", Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket="lake")


def put(s3, day: int, body: bytes) -> None:
    key = partition_prefix(PREFIX, date(2024, 1, day)) + "part.csv"
    s3.put_object(Bucket="lake", Key=key, Body=body)


def test_a_snapshot_stays_what_it_was_when_the_lake_goes_on(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    put(lake, 3, b"corrected later")
    put(lake, 6, b"a new day")
    paths = pull(lake, pinned, tmp_path, reserve_gb=0)
    assert sorted(path.read_bytes() for path in paths.values()) == [
        f"content of day {day}".encode() for day in range(1, 6)
    ]
    later = take_snapshot(lake, "sales", "lake", PREFIX)
    assert later.fingerprint != pinned.fingerprint
    assert len(later.objects) == 6


def test_a_deleted_object_is_in_no_new_snapshot_but_can_still_be_pulled(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    lake.delete_object(Bucket="lake", Key=pinned.objects[0].key)
    assert len(take_snapshot(lake, "sales", "lake", PREFIX).objects) == 4
    assert len(pull(lake, pinned, tmp_path, reserve_gb=0)) == 5


def test_data_sets_that_share_their_folders_keep_apart(lake):
    lake.put_object(Bucket="lake", Key=f"{PREFIX}year=2024/month=01/day=07/other.csv", Body=b"x")
    ours = take_snapshot(lake, "sales", "lake", PREFIX, owns=lambda key: key.endswith("part.csv"))
    assert len(ours.objects) == 5
    assert ours.end == date(2024, 1, 5)


def test_only_what_is_new_is_pulled(lake, tmp_path, aws):
    pull(lake, take_snapshot(lake, "sales", "lake", PREFIX), tmp_path, reserve_gb=0)
    put(lake, 6, b"a new day")
    pulled = []
    pull(
        lake,
        take_snapshot(lake, "sales", "lake", PREFIX),
        tmp_path,
        reserve_gb=0,
        progress=lambda done, total: pulled.append((done, total)),
    )
    assert pulled == [(1, 1)]


def test_an_interrupted_pull_leaves_nothing_under_a_final_name(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    wrong = pinned.objects[0].model_copy(update={"etag": "0" * 32})
    damaged = pinned.model_copy(update={"objects": (wrong,)})
    with pytest.raises(ObjectCorrupt, match="the lake says"):
        pull(lake, damaged, tmp_path, reserve_gb=0)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_told_before_anything_is_pulled(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    more_than_there_is = shutil.disk_usage(tmp_path).free / 1e9 + 1
    with pytest.raises(DiskFull, match="SLUICE_CACHE_DIR"):
        pull(lake, pinned, tmp_path, reserve_gb=more_than_there_is)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_bucket_an_unversioned_one_and_an_empty_window_each_say_so(lake):
    with pytest.raises(BucketMissing, match="SLUICE_LAKE_BUCKET"):
        take_snapshot(lake, "sales", "nowhere", PREFIX)
    lake.create_bucket(Bucket="plain")
    with pytest.raises(BucketUnversioned, match="keeps no versions"):
        take_snapshot(lake, "sales", "plain", PREFIX)
    with pytest.raises(NoDataInWindow):
        take_snapshot(lake, "sales", "lake", PREFIX, end=date(2020, 1, 1))


def test_the_list_can_be_opened_later(lake):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    bucket, _, key = keep_snapshot(lake, "lake", pinned).removeprefix("s3://").partition("/")
    body = lake.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert type(pinned).model_validate_json(body) == pinned


@pytest.mark.parametrize("key", ["../../etc/passwd", "/absolute", "a\x00b", "x" * 900])
def test_a_hostile_key_cannot_leave_the_cache(key, tmp_path):
    item = SimpleNamespace(key=key, version_id="v")
    path = cached_path(tmp_path, "lake", item).resolve()
    assert path.is_relative_to(tmp_path.resolve())
    assert len(path.name) < 200
