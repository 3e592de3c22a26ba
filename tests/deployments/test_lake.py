"""Other people's folders and tables go into the lake as they are, or not at all."""

import gzip
import sys
from datetime import date

import pytest

from deployments.lake import daily_partitions, home_of, main, planned
from tasks.aws import client
from tasks.errors import InvalidSetting, LayoutUnknown, UnreadableData
from tasks.lake.bucket import take_snapshot


@pytest.fixture
def lake(aws_environment, monkeypatch):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "loaded-lake")
    s3 = client("s3")
    s3.create_bucket(Bucket="loaded-lake")
    s3.put_bucket_versioning(Bucket="loaded-lake", VersioningConfiguration={"Status": "Enabled"})
    yield s3
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="loaded-lake"):
        for item in page.get("Versions", []):
            s3.delete_object(Bucket="loaded-lake", Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket="loaded-lake")


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lake", *map(str, words)])
        status = main()
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def tree(root, **files):
    for name, body in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root


def keys(s3):
    found = s3.list_objects_v2(Bucket="loaded-lake").get("Contents", [])
    return sorted(item["Key"] for item in found)


def test_a_folder_as_spark_left_it_goes_in_without_its_markers(lake, command, tmp_path):
    part = {f"things/dt=2024-07-0{day}/hour=00/part.csv": b"id\n1\n" for day in (1, 2)}
    tree(tmp_path, **part, **{"things/_SUCCESS": b"", "things/.DS_Store": b"x"})
    status, said = command("folder", tmp_path)
    assert status == 0
    assert "2 hidden" in said
    assert keys(lake) == sorted(f"raw/{name}" for name in part)
    assert len(take_snapshot(lake, "things", "loaded-lake", "raw/things/").objects) == 2
    assert command("folder", tmp_path)[1].endswith("0 files written, 2 already there\n")


def test_nothing_is_sent_of_a_folder_in_which_a_file_has_no_day(lake, command, tmp_path):
    tree(tmp_path, **{"things/dt=2024-07-01/part.csv": b"x", "things/late.csv": b"x"})
    status, said = command("folder", tmp_path)
    assert status == 1
    assert "things/late.csv (no day)" in said
    assert "--day" in said
    assert "year=2024/month=07/day=01" in said
    assert keys(lake) == []


def test_a_flat_folder_goes_to_the_day_that_is_named(lake, command, tmp_path):
    tree(tmp_path, **{"a.csv": b"id\n1\n", "more/b.csv": b"id\n2\n"})
    status, said = command("folder", tmp_path, "--dataset", "things", "--day", "2024-07-01")
    assert status == 0
    assert "has no contract yet" in said
    folder = "raw/things/year=2024/month=07/day=01"
    assert keys(lake) == [f"{folder}/a.csv", f"{folder}/more/b.csv"]


def test_a_data_sets_folder_goes_where_its_contract_looks():
    assert home_of("property_sales") == "raw/property_sales/"
    assert home_of("never_heard_of") == "raw/never_heard_of/"


def test_a_folder_that_is_none_or_empty_is_told(tmp_path):
    with pytest.raises(InvalidSetting, match="is no folder"):
        planned(tmp_path / "nowhere")
    tree(tmp_path, _SUCCESS=b"")
    with pytest.raises(InvalidSetting, match="holds no data"):
        planned(tmp_path)


def test_a_day_that_does_not_exist_is_told_before_anything_is_sent(tmp_path):
    tree(tmp_path, **{"things/year=2024/month=13/day=01/a.csv": b"x"})
    with pytest.raises(LayoutUnknown, match="no real day"):
        planned(tmp_path)
    planned(tmp_path, day=date(2024, 7, 1))


@pytest.mark.parametrize(("name", "pack"), [("a.csv", bytes), ("a.csv.gz", gzip.compress)])
def test_a_table_of_another_person_is_split_by_its_days(name, pack, lake, command, tmp_path):
    rows = "Verkauft;Preis;Ort\n2024-07-01;1;Grün\n20240702T000000;2;b\n2024-07-01 05:00;3;c\n"
    path = tmp_path / name
    path.write_bytes(pack(rows.encode("cp1252")))
    status, said = command("table", path, "--dataset", "things", "--date-column", "Verkauft",
                           "--delimiter", ";", "--encoding", "cp1252")  # fmt: skip
    assert (status, "3 rows" in said) == (0, True)
    first = "raw/things/year=2024/month=07/day=01/part-0.csv.gz"
    assert len(keys(lake)) == 2
    body = lake.get_object(Bucket="loaded-lake", Key=first)["Body"].read()
    assert gzip.decompress(body).decode() == (
        "Verkauft,Preis,Ort\n2024-07-01,1,Grün\n2024-07-01 05:00,3,c\n"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"day,x\n2024-07-01,1\n", "no column 'date'"),
        (b"date;x\n2024-07-01;1\n", "no column 'date'"),
        (b"date,x\nyesterday,1\n", "line 2: 'yesterday' is no date"),
        (b"date,x\n2024-07-01\n", "line 2 has 1 fields"),
        (b"date,x\n2024-07-01,1,2\n", "line 2 has 3 fields"),
        (b"date,x\n2024-07-01,\xff\n", "is not utf-8"),
        (b"", "no column 'date'"),
        (b'date,x\n2024-07-01,"1\n2024-07-02,2\n', "unexpected end of data"),
        (b'date,x\n2024-07-01,"a"b\n', "line 2 is not CSV"),
        (b'date,x\n2024-07-01,1\n2024-07-01,"\\"a\\""\n', "line 3 is not CSV"),
        (b'"date,x\n2024-07-01,1\n', "unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_split_says_where(body, said, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(body)
    with pytest.raises(UnreadableData, match=said):
        daily_partitions(path, tmp_path / "out", "things")
