"""Snapshots and pulls against the embedded AWS."""

import io
import os
import shutil
from datetime import date
from types import SimpleNamespace

import boto3
import pytest

from tasks.aws import client
from tasks.errors import (
    BucketMissing,
    BucketUnversioned,
    DiskFull,
    LayoutAmbiguous,
    LayoutUnknown,
    NoDataInWindow,
    ObjectCorrupt,
)
from tasks.lake.bucket import keep_snapshot, take_snapshot
from tasks.lake.cached import INDEX, must_be_read, records
from tasks.lake.inventory import WHY
from tasks.lake.layout import narrowed, partition_prefix
from tasks.lake.pull import cached_path, pull
from tasks.lake.tasks import everything, snapshot_after
from tasks.reports.pages import snapshot_page

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


def rewritten(path, *, quietly=False):
    """Other bytes of the same size; ``quietly`` with the time of writing that it had."""
    before = path.stat()
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    if quietly:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("quietly", [False, True])
@pytest.mark.parametrize("index", ["kept", "lost", "damaged"])
def test_a_changed_file_in_the_cache_is_pulled_again(lake, tmp_path, quietly, index):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    paths = pull(lake, pinned, tmp_path, reserve_gb=0)
    right = {key: path.read_bytes() for key, path in paths.items()}
    for path in list(paths.values())[:2]:
        rewritten(path, quietly=quietly)
    if index != "kept":
        (tmp_path / INDEX).write_bytes(b"not a database" * 500)
    if index == "lost":
        (tmp_path / INDEX).unlink()
    asked = []
    again = pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    assert {key: path.read_bytes() for key, path in again.items()} == right
    assert asked == [2, 2]


def test_of_an_object_in_parts_the_cache_knows_what_was_pulled(lake, tmp_path):
    """Its ETag is no MD5: nothing else than the cache's own note can tell."""
    parts = boto3.s3.transfer.TransferConfig(multipart_threshold=1, multipart_chunksize=5 << 20)
    key = partition_prefix(PREFIX, date(2024, 1, 5)) + "big.csv"
    lake.upload_fileobj(io.BytesIO(b"x" * (6 << 20)), "lake", key, Config=parts)
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    path = pull(lake, pinned, tmp_path, reserve_gb=0)[key]
    asked = []
    pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    assert asked == [], "nothing is pulled twice"
    rewritten(path)
    pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    assert (asked, path.read_bytes()) == ([1], b"x" * (6 << 20))
    (tmp_path / INDEX).unlink()
    pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    assert asked == [1, 1], "without the note it is not believed"


def test_a_file_that_nobody_changed_is_not_read_again(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    paths = pull(lake, pinned, tmp_path, reserve_gb=0)
    known = records(tmp_path)
    for path in paths.values():
        noted = known[str(path)]
        assert not must_be_read(path.stat(), noted)
        assert must_be_read(path.stat(), noted._replace(boot="of another start"))
        assert must_be_read(path.stat(), noted._replace(boot=""))
        assert must_be_read(path.stat(), None)


def test_an_interrupted_pull_leaves_nothing_under_a_final_name(lake, tmp_path):
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    wrong = pinned.objects[0].model_copy(update={"etag": "0" * 32})
    damaged = pinned.model_copy(update={"objects": (wrong,)})
    with pytest.raises(ObjectCorrupt, match="the lake says"):
        pull(lake, damaged, tmp_path, reserve_gb=0)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_etag_of_what_kms_encrypted_is_no_checksum(lake, tmp_path):
    key = partition_prefix(PREFIX, date(2024, 1, 5)) + "part.csv"
    lake.put_object(Bucket="lake", Key=key, Body=b"a secret", ServerSideEncryption="aws:kms")
    pinned = take_snapshot(lake, "sales", "lake", PREFIX)
    # As S3 has it then: as long as an MD5, and none.
    objects = [
        item.model_copy(update={"etag": "0" * 32}) if item.key == key else item
        for item in pinned.objects
    ]
    pinned = pinned.model_copy(update={"objects": tuple(objects)})
    path = pull(lake, pinned, tmp_path, reserve_gb=0)[key]
    assert path.read_bytes() == b"a secret"
    asked = []
    pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    rewritten(path)
    pull(lake, pinned, tmp_path, reserve_gb=0, progress=lambda done, of: asked.append(of))
    assert (asked, path.read_bytes()) == ([1], b"a secret")


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


def fill(s3, *paths: str, body: bytes = b"id\n1\n") -> None:
    for number, path in enumerate(paths):
        whole = b"" if path.endswith(("/", "_SUCCESS")) else body + b"%d\n" % number
        s3.put_object(Bucket="lake", Key=f"raw/{path}", Body=whole)


def counted(pinned) -> dict:
    return {item.rule: item.count for item in pinned.left_out}


def test_a_lake_that_moved_to_hourly_folders_is_read_to_its_end(lake):
    days = [f"mixed/year=2024/month=7/day={day}/hour=0{day}/part.csv" for day in (1, 2, 3)]
    fill(lake, "mixed/year=2024/month=06/day=30/part.csv", *days)
    pinned = take_snapshot(lake, "mixed", "lake", "raw/mixed/")
    assert (len(pinned.objects), pinned.end) == (4, date(2024, 7, 3))
    assert pinned.left_out == pinned.notices == ()


def test_what_is_left_out_stands_on_the_page_and_in_the_list_that_is_kept(lake):
    fill(lake, "spark/dt=2024-07-01/_SUCCESS", "spark/dt=2024-07-01/part.csv", "spark/flat.csv",
         "spark/dt=2024-07-01/", "spark/dt=2024-13-01/part.csv",
         "spark/dt=2024-07-01/.part.csv.crc", "spark/dt=2024-06-01/part.csv")  # fmt: skip
    pinned = take_snapshot(lake, "spark", "lake", "raw/spark/", window_days=7)
    assert [item.key for item in pinned.objects] == ["raw/spark/dt=2024-07-01/part.csv"]
    assert counted(pinned) == {
        "hidden": 2, "folder marker": 1, "no day": 1, "no real day": 1, "before the window": 1,
    }  # fmt: skip
    assert [notice for notice in pinned.notices if "raw/spark/flat.csv" in notice]
    assert [notice for notice in pinned.notices if "dt=2024-13-01" in notice]
    page = snapshot_page(pinned, "", 1, 9, WHY)
    assert "1 of 7 below the prefix" in page
    for item in pinned.left_out:
        assert f"| {item.rule} | {item.count} |" in page
        assert WHY[item.rule].split()[0] in page
    key = keep_snapshot(lake, "lake", pinned).removeprefix("s3://lake/")
    kept = lake.get_object(Bucket="lake", Key=key)["Body"].read()
    assert type(pinned).model_validate_json(kept).left_out == pinned.left_out


@pytest.mark.parametrize("paths", [
    ["flat/part.csv"],
    ["flat/sales-2024-07-01.csv", "flat/_SUCCESS"],
    ["flat/year=2024/month=07/part.csv"],
    ["flat/year=2024/month=13/day=01/part.csv"],
])  # fmt: skip
def test_a_lake_without_days_is_refused_with_the_layouts_that_are_read(lake, paths):
    fill(lake, *paths)
    for more in ({}, {"after": date(2024, 1, 1)}, {"end": date(2024, 1, 1), "window_days": 3}):
        with pytest.raises(LayoutUnknown) as caught:
            take_snapshot(lake, "flat", "lake", "raw/flat/", **more)
        said = str(caught.value)
        assert all(part in said for part in ("year=2024/month=07/day=01", "dt=2024-07-01"))
        assert f"raw/{paths[0]}" in said


def test_a_day_in_two_layouts_is_neither_doubled_nor_halved_unseen(lake):
    fill(lake, "two/dt=2024-07-01/part.csv", "two/year=2024/month=07/day=01/part.csv",
         "two/dt=2024-07-02/part.csv")  # fmt: skip
    with pytest.raises(LayoutAmbiguous, match="2024-07-01") as caught:
        take_snapshot(lake, "two", "lake", "raw/two/")
    assert "raw/two/dt=2024-07-01/part.csv" in str(caught.value)
    assert "raw/two/year=2024/month=07/day=01/part.csv" in str(caught.value)
    later = take_snapshot(lake, "two", "lake", "raw/two/", after=date(2024, 7, 1))
    assert len(later.objects) == 1
    lake.copy_object(
        Bucket="lake",
        Key="raw/two/dt=2024-07-01/part.csv",
        CopySource={"Bucket": "lake", "Key": "raw/two/year=2024/month=07/day=01/part.csv"},
    )
    once = take_snapshot(lake, "two", "lake", "raw/two/")
    assert (len(once.objects), counted(once)) == (2, {"copy": 1})


def test_days_in_folders_of_several_shapes_are_read_and_told(lake):
    fill(lake, "day/dt=2024-07-01/part.csv", "day/dt=2024-07-01/hour=05/part.csv")
    pinned = take_snapshot(lake, "day", "lake", "raw/day/")
    assert len(pinned.objects) == 2
    (notice,) = pinned.notices
    assert "2024-07-01" in notice
    assert "twice" in notice


def test_only_side_files_are_no_data_and_no_unknown_layout(lake):
    fill(lake, "none/_SUCCESS", "none/")
    with pytest.raises(NoDataInWindow, match="1 hidden"):
        take_snapshot(lake, "none", "lake", "raw/none/")


@pytest.mark.parametrize(("path", "level"), [("flat.csv", "WARNING"), ("_SUCCESS", "INFO")])
def test_a_watch_that_finds_nothing_says_what_it_did_not_read(
    lake, monkeypatch, caplog, path, level
):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "lake")
    fill(lake, "moved/dt=2024-06-30/part.csv", f"moved/{path}")
    with caplog.at_level("INFO"):
        assert snapshot_after.fn("moved", "raw/moved/", date(2024, 6, 30), None) is None
    (told,) = [record for record in caplog.records if f"raw/moved/{path}" in record.getMessage()]
    assert told.levelname == level


def test_a_watch_is_not_blind_to_a_lake_whose_layout_it_cannot_read(lake, monkeypatch):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "lake")
    fill(lake, "lost/part.csv")
    with pytest.raises(LayoutUnknown):
        snapshot_after.fn("lost", "raw/lost/", date(2024, 6, 30), None)
    with pytest.raises(LayoutUnknown):
        everything.fn("lost", "raw/lost/")


def test_every_door_takes_the_same_objects(lake, monkeypatch):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "lake")
    fill(lake, "all/year=2024/month=7/day=1/hour=05/a.csv", "all/year=2024/month=7/day=2/_SUCCESS",
         "all/year=2024/month=7/day=2/b.csv")  # fmt: skip
    whole = everything.fn("all", "raw/all/")
    after = snapshot_after.fn("all", "raw/all/", date(2024, 6, 30), None)
    assert whole == after == take_snapshot(lake, "all", "lake", "raw/all/")
    assert len(whole.objects) == 2
    part = narrowed(whole, [whole.objects[0].key])
    assert counted(part) == {"hidden": 1, "not asked for": 1}
