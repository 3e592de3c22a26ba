"""What lies beside the data costs a sound day nothing, and is told."""

import json

import pyarrow as pa
import pytest

from tasks.lake.inventory import Listed, sort_out
from tasks.side_files import BACKUP, SIDE_FILE, UNFINISHED, side_file

COLUMNS = [{"name": "id", "logicalType": "integer", "required": True}]
MARKERS = {
    "_SUCCESS": b"",
    ".part-00000.snappy.parquet.crc": b"crc\0\0\0\2\0\x12\x34",
    "part-00000.snappy.parquet.crc": b"crc\0\0\0\2\0\x12\x34",
    "_committed_4711": b'{"added":[]}',
    "_started_4711": b"",
    "_temporary/0/part-00001.parquet": b"half of it",
    ".DS_Store": b"\0\0\0\1Bud1",
    "": b"",
    "hour=00/": b"",
    "hour=00_$folder$": b"",
    "part-00002.parquet._COPYING_": b"half of it",
}


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_a_day_as_spark_leaves_it_is_sound(form, lake, judge, contract):
    ids = list(range(100))
    if form == "parquet":
        lake.parquet("part-00000.snappy.parquet", pa.table({"id": ids}))
    elif form == "csv":
        lake.csv("part-00000.c000.csv.gz", [(n,) for n in ids], ["id"])
    else:
        lake.jsonl("part-00000.c000.json", [{"id": n} for n in ids])
    for name, body in MARKERS.items():
        lake.put(name, body)
    report = judge(contract(COLUMNS, form=form, limit=0.001), lake)
    assert (report.outcome, report.rows_good) == ("pass", 100)
    assert (report.objects_in, report.objects_beside) == (1, len(MARKERS))
    said = "\n".join(report.notices)
    for rule in ("hidden", "folder marker", "side file", "unfinished copy"):
        assert f"no data ({rule})" in said


@pytest.mark.parametrize(
    "name", ["a.csv.bak", "a.csv~", "#a.csv#", "a.csv.swp", "a.csv.part", "a.csv.crdownload"]
)
def test_a_copy_beside_a_file_doubles_no_row(name, lake, judge, contract):
    for each in ("a.csv", name):
        lake.put(each, b"id\n1\n2\n")
    report = judge(contract(COLUMNS), lake)
    assert (report.outcome, report.rows_good, report.objects_beside) == ("pass", 2, 1)
    assert f" copy) and were not read, for example {lake.objects[1].key}" in report.notices[0]


@pytest.mark.parametrize("ending", ["asc", "sig"])
def test_a_signature_lies_beside_what_it_signs_and_else_is_data(ending, lake, judge, contract):
    signed, alone = f"a.csv.{ending}", f"readings.{ending}"
    for name in ("a.csv", alone):
        lake.put(name, b"id\n1\n2\n")
    lake.put(signed, b"-----BEGIN PGP SIGNATURE-----")
    report = judge(contract(COLUMNS), lake)
    assert (report.rows_good, report.objects_in, report.objects_beside) == (4, 2, 1)
    listed = [Listed(f"raw/2024/07/01/{name}", "v", name, 9) for name in (signed, alone, "a.csv")]
    found = sort_out(listed, "raw/")
    assert [item.key.rpartition("/")[2] for item in found.objects] == ["a.csv", alone]
    assert [(item.rule, item.count) for item in found.left_out] == [(SIDE_FILE, 1)]


@pytest.mark.parametrize("name", ["export.part.gz", "x.old.gz", "a.csv.PART.zst", "a.old.json.gz"])
def test_a_packed_file_of_a_part_or_of_old_is_data(name):
    assert side_file(f"raw/2024/07/01/{name}", 9, "raw/") == ""


@pytest.mark.parametrize("name", ["a.bak.gz", "a.csv.tmp.gz", "a.csv.part", "a.csv.gz.old"])
def test_a_copy_set_aside_is_none(name):
    assert side_file(f"raw/2024/07/01/{name}", 9, "raw/") in {BACKUP, UNFINISHED}


def test_a_second_delivery_is_data(lake, judge, contract):
    lake.put("a.csv", b"id\n1\n2\n")
    lake.put("a (1).csv", b"id\n3\n")
    assert judge(contract(COLUMNS), lake).rows_good == 3


def test_markers_need_no_local_copy(lake, judge, contract):
    lake.csv("part.csv.gz", [(1,)], ["id"])
    del lake.paths[lake.put("_SUCCESS", b"")]
    assert judge(contract(COLUMNS), lake).outcome == "pass"


def test_a_marker_among_images_is_no_image(lake, judge, written, room, stored):
    rooms = written("room_images")
    lake.dataset, lake.prefix = "room_images", rooms.location_prefix
    lake.put("1.jpg", stored(room(1)))
    lake.put("labels.jsonl", json.dumps({"file": "1.jpg"}).encode())
    lake.put("._1.jpg", b"\0\5\x16\7 a resource fork")
    lake.put(".DS_Store", b"\0\0\0\1Bud1")
    report = judge(rooms, lake)
    assert (report.objects_in, report.objects_beside) == (2, 2)
    assert report.rows_in == 1


def test_nothing_but_markers_is_nothing_to_judge(lake, judge, contract):
    lake.put("_SUCCESS", b"")
    report = judge(contract(COLUMNS), lake)
    assert (report.outcome, report.objects_in, report.objects_beside) == ("inconclusive", 0, 1)
