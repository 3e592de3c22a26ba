"""What day a key names, in the layouts that people have."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.lake.inventory import COPY, OTHER, WHY, Listed, sort_out
from tasks.lake.layout import narrowed, partition_prefix, pin_inventory
from tasks.lake.partitions import NO_DAY, NO_REAL_DAY, TWO_DAYS, place_of
from tasks.side_files import (
    BACKUP,
    FOLDER,
    HIDDEN,
    SIDE_FILE,
    TABLE_LOG,
    UNFINISHED,
    below,
    side_file,
)

PREFIX = "raw/sales/"
DAYS = st.dates(min_value=date(1980, 1, 1), max_value=date(2150, 12, 31))
SHAPES = [
    "year={0.year:04d}/month={0.month:02d}/day={0.day:02d}",
    "year={0.year}/month={0.month}/day={0.day}",
    "Year={0.year}/Month={0.month}/Day={0.day}",
    "y={0.year:04d}/m={0.month:02d}/d={0.day:02d}",
    "yyyy={0.year:04d}/mm={0.month:02d}/dd={0.day:02d}",
    "year={0.year:04d}/month={0:%Y-%m}/day={0:%Y-%m-%d}",
    "year={0.year:04d}/month={0.month:02d}/dt={0:%Y-%m-%d}",
    "year={0.year:04d}/region=eu/month={0.month:02d}/day={0.day:02d}",
    "dt={0:%Y-%m-%d}",
    "dt={0:%Y%m%d}",
    "dt={0:%Y%m%d}05",
    "dt={0:%Y-%m-%d}-05",
    "dt={0:%Y-%m-%d} 05%3A00%3A00",
    "dt={0:%Y-%m-%d}T05%3A00%3A00Z",
    "dt={0:%Y}%2F{0:%m}%2F{0:%d}",
    "date={0:%Y-%m-%d}",
    "ds={0:%Y-%m-%d}",
    "day={0:%Y-%m-%d}",
    "event_date={0:%Y-%m-%d}",
    "snapshot={0:%Y-%m-%d}",
    "region=eu/dt={0:%Y-%m-%d}",
    "{0:%Y/%m/%d}",
    "{0.year}/{0.month}/{0.day}",
    "{0:%Y-%m-%d}",
    "{0:%Y%m%d}",
    "{0:%Y-%m-%d}--05",
    "{0:%Y-%m-%d}-05",
    "{0:%Y-%m-%d}T05",
    "{0:%Y-%m-%d}_05-30-00",
    "{0:%Y-%m-%d} 05:30:00+01:00",
    "{0:%Y%m%d}T053000Z",
    "{0:%Y%m%d}-05",
    "{0:%Y_%m_%d}",
    "dt={0:%Y-%m-%d}--05",
    "dt={0:%Y%m%d}T05",
]
BELOW = [
    "",
    "hour=00/",
    "hr=05/",
    "h=05/m=30/",
    "hour=05/minute=30/",
    "05/",
    "05/30/",
    "region=eu/",
    "batch-7/",
    "topic/partition-3/",
    "country=de/city=12/",
]
NAMES = ["part-00000.csv", "0b8f6a2e-93b1-4b52-9d0e-3f9f1c1e7a10.json", "part-00000",
         "interactions_20240101_120000.json", "stream-1-2023-01-01-05-10-11-uuid.gz"]  # fmt: skip


@given(DAYS, st.sampled_from(SHAPES), st.sampled_from(BELOW), st.sampled_from(NAMES))
def test_every_layout_names_its_day_whatever_lies_below_and_whatever_the_file_is_called(
    day, shape, deeper, name
):
    key = f"{PREFIX}{shape.format(day)}/{deeper}{name}"
    assert place_of(key, PREFIX).day == day
    assert place_of(key, "raw/").day == day


@given(DAYS)
def test_a_partition_as_we_write_it_names_its_day(day):
    assert place_of(partition_prefix(PREFIX, day) + "part.csv", PREFIX).day == day


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("part.csv", NO_DAY),
        ("sales-2024-07-01.csv", NO_DAY),
        ("year=2024/part.csv", NO_DAY),
        ("year=2024/month=07/part.csv", NO_DAY),
        ("hour=05/part.csv", NO_DAY),
        ("12/07/01/part.csv", NO_DAY),
        ("10000001/part.csv", NO_DAY),
        ("update=yes/part.csv", NO_DAY),
        ("year=2024/month=13/day=01/part.csv", NO_REAL_DAY),
        ("year=2024/month=02/day=30/part.csv", NO_REAL_DAY),
        ("year=2024/month=july/day=01/part.csv", NO_REAL_DAY),
        ("year=24/month=07/day=01/part.csv", NO_REAL_DAY),
        ("dt=2024-02-30/part.csv", NO_REAL_DAY),
        ("dt=__HIVE_DEFAULT_PARTITION__/part.csv", NO_REAL_DAY),
        ("dt=yesterday/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01_2024-07-31/part.csv", NO_REAL_DAY),
        ("dt=20240701-20240731/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01--2024-07-31/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01_20240731/part.csv", NO_REAL_DAY),
        ("dt=20240701_2024-07-31/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01T00:00_2024-07-31T00:00/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01x/part.csv", NO_REAL_DAY),
        ("1001_20_30/part.csv", NO_DAY),
        ("2024_13_01/part.csv", NO_DAY),
        ("2024-07-01_2024-07-31/part.csv", NO_DAY),
        ("2024-07-01-backup/part.csv", NO_DAY),
        ("2024070105/part.csv", NO_DAY),
        ("2024.07.01/part.csv", NO_DAY),
        ("2024/13/01/part.csv", NO_REAL_DAY),
        ("2024-13-01/part.csv", NO_REAL_DAY),
        ("dt=2024-07-01/year=2024/month=07/day=02/part.csv", TWO_DAYS),
        ("load_date=2024-07-01/event_date=2024-07-02/part.csv", TWO_DAYS),
        ("2024-07-01/2024-07-02/part.csv", TWO_DAYS),
        ("2024/07/01/2024/07/02/part.csv", TWO_DAYS),
        ("archive/2023/07/01/2024/07/01/part.csv", TWO_DAYS),
        ("2024/07/01/00/2024/7/2/part.csv", TWO_DAYS),
        ("2024/07/01/2024/07/01/2024/07/02/part.csv", TWO_DAYS),
        ("2024-07-01/2024/07/02/part.csv", TWO_DAYS),
        ("2024/07/01/20240702/part.csv", TWO_DAYS),
        ("2024/07/01/2024-07-02/part.csv", TWO_DAYS),
        ("2024_07_01/2024_07_02/part.csv", TWO_DAYS),
        ("2024/13/01/2024/07/01/part.csv", NO_REAL_DAY),
        ("year=2024/month=06/dt=2024-07-01/part.csv", TWO_DAYS),
        ("year=2024/month=07/day=01/day=02/part.csv", TWO_DAYS),
        ("year=2023/month=07/day=01/year=2024/month=07/day=01/part.csv", TWO_DAYS),
        ("y=2024/m=07/d=01/h=05/m=30/d=02/part.csv", TWO_DAYS),
    ],
)
def test_what_has_no_day_says_by_which_rule(path, rule):
    found = place_of(PREFIX + path, PREFIX)
    assert (found.day, found.rule) == (None, rule)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("dt=2024-07-01/load_date=2024-07-05/part.csv", date(2024, 7, 1)),
        ("dt=2024-07-01/2024-07-05/part.csv", date(2024, 7, 1)),
        ("snapshot=2024-07-05/2024/07/01/part.csv", date(2024, 7, 1)),
        ("year=2024/month=07/day=01/2024/06/30/part.csv", date(2024, 7, 1)),
        ("year=2024/month=07/day=01/year=2024/month=7/day=1/part.csv", date(2024, 7, 1)),
        ("year=2024/month=07/day=01/day=monday/part.csv", date(2024, 7, 1)),
        ("y=2024/m=07/d=01/h=05/m=30/part.csv", date(2024, 7, 1)),
        ("year=2024/month=07/day=01/d=5/part.csv", date(2024, 7, 1)),
    ],
)
def test_a_partition_counts_before_other_folders(path, day):
    assert place_of(PREFIX + path, PREFIX).day == day


@pytest.mark.parametrize(
    "path",
    [
        "2024/07/01/2024/07/01/part.csv",
        "2024/07/01/2024/7/1/part.csv",
        "2024/07/2024/07/01/part.csv",
        "2024/07/01/05/30/part.csv",
        "2024/07/01/2024/99/99/part.csv",
        "2024/07/01/2000/12/part.csv",
        "2024/07/01/20240630_233000/part.csv",
        "20240702_001500/2024/07/01/part.csv",
        "2024-07-01/2024-07-02T00:15/part.csv",
        "2024-07-01--23/20240702_001500/part.csv",
        "snapshot=2024-07-01/20240702_001500/part.csv",
        "2024/07/01/1001_20_30/part.csv",
        "2024/07/01/2024_07_02/part.csv",
        "2024_07_02/2024-07-01--05/part.csv",
        "2024/07/01/2024-99-99/part.csv",
        "dt=2024-07-01_99/part.csv",
        "dt=2024-07-01 24/part.csv",
        "dt=2024-07-01_1719800000/part.csv",
        "dt=2024-07-01_1001_20_30/part.csv",
        "dt=2024-07-01 05:00:00 UTC/part.csv",
        "dt=2024-07-01_20240702T001500/part.csv",
        "dt=2024070199/part.csv",
        "snapshot=2024-07-01_99/part.csv",
    ],
)
def test_a_day_that_is_named_again_or_followed_by_other_numbers_is_that_day(path):
    assert place_of(PREFIX + path, PREFIX).day == date(2024, 7, 1)


def test_folders_of_the_prefix_complete_those_below_it():
    key = "raw/year=2024/month=07/day=01/part.csv"
    for prefix in ("raw/", "raw/year=", "raw/year=2024/", "raw/year=2024/month=07/"):
        assert place_of(key, prefix).day == date(2024, 7, 1)
    inner = "exports/dt=2020-01-01/sales/dt=2024-07-01/part.csv"
    assert place_of(inner, "exports/dt=2020-01-01/sales/").day == date(2024, 7, 1)


@pytest.mark.parametrize(
    ("path", "size", "rule"),
    [
        ("dt=2024-07-01/_SUCCESS", 0, HIDDEN),
        ("dt=2024-07-01/_SUCCESS", 9, HIDDEN),
        ("dt=2024-07-01/_committed_4711", 9, HIDDEN),
        ("dt=2024-07-01/_started_4711", 0, HIDDEN),
        ("dt=2024-07-01/_metadata", 9, HIDDEN),
        ("dt=2024-07-01/.part-00000.parquet.crc", 9, HIDDEN),
        ("dt=2024-07-01/.DS_Store", 9, HIDDEN),
        ("dt=2024-07-01/_temporary/0/task/part-0.csv", 9, HIDDEN),
        ("_temporary/0/dt=2024-07-01/part-0.csv", 9, HIDDEN),
        (".spark-staging-1/dt=2024-07-01/part-0.csv", 9, HIDDEN),
        ("dt=2024-07-01/", 0, FOLDER),
        ("dt=2024-07-01/_temporary/", 0, FOLDER),
        ("dt=2024-07-01_$folder$", 0, FOLDER),
        ("", 0, FOLDER),
        ("dt=2024-07-01/part-0.csv.crc", 9, SIDE_FILE),
        ("dt=2024-07-01/part-0.csv.sha256", 9, SIDE_FILE),
        ("dt=2024-07-01/part-0.csv.gz.md5sum", 9, SIDE_FILE),
        ("dt=2024-07-01/SHA256SUMS", 9, SIDE_FILE),
        ("dt=2024-07-01/part-0.csv.asc", 9, ""),
        ("dt=2024-07-01/Thumbs.db", 9, SIDE_FILE),
        ("dt=2024-07-01/part-0.csv._COPYING_", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.tmp", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.part", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.crdownload", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.gz.filepart", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.tmp.gz", 9, UNFINISHED),
        ("dt=2024-07-01/part-0.csv.bak", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv.bak.gz", 9, BACKUP),
        ("dt=2024-07-01/part-0.json.orig.ZST", 9, BACKUP),
        ("dt=2024-07-01/PART-0.CSV.BAK", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv~", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv.~1~", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv.gz.old", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv.orig", 9, BACKUP),
        ("dt=2024-07-01/part-0.csv.swp", 9, BACKUP),
        ("dt=2024-07-01/#part-0.csv#", 9, BACKUP),
        ("dt=2024-07-01/~$part-0.xlsx", 9, BACKUP),
        ("dt=2024-07-01/.~lock.part-0.csv#", 9, HIDDEN),
        ("_delta_log/00000000000000000000.json", 9, TABLE_LOG),
        ("dt=2024-07-01/part-0.csv", 0, ""),
        ("dt=2024-07-01/part-0.csv", 9, ""),
        ("_day=1/dt=2024-07-01/part-0.csv", 9, ""),
        ("dt=2024-07-01/a_b.c-d_.csv", 9, ""),
        ("dt=2024-07-01/part-0 (1).csv", 9, ""),
        ("dt=2024-07-01/part-0.csv.gz", 9, ""),
        ("dt=2024-07-01/gold.gz", 9, ""),
        ("dt=2024-07-01/copy of part-0.csv", 9, ""),
        ("dt=2024-07-01/part", 9, ""),
        ("dt=2024-07-01/part-0.csv.part1", 9, ""),
        ("dt=2024-07-01/threshold.csv", 9, ""),
        ("dt=2024-07-01/a~b.csv", 9, ""),
        ("dt=2024-07-01/#1.csv", 9, ""),
        ("dt=2024-07-01/#", 9, ""),
        ("backup.old/dt=2024-07-01/part-0.csv", 9, ""),
        ("dt=2024-07-01/../../etc/part-0.csv", 9, ""),
    ],
)
def test_markers_and_side_files_are_no_data(path, size, rule):
    assert side_file(PREFIX + path, size, PREFIX) == rule


def test_names_above_the_prefix_do_not_count():
    assert side_file("_raw/.sales/dt=2024-07-01/part.csv", 9, "_raw/.sales/") == ""
    assert side_file("raw/year=2024/month=07/day=01/_SUCCESS", 0, "raw/year=") == HIDDEN
    assert below("raw/year=2024/x.csv", "raw/year=") == "year=2024/x.csv"


SEGMENTS = st.sampled_from(
    ["year=2024", "month=7", "month=07", "month=13", "day=1", "day=01", "dt=2024-07-01", "ds=x",
     "hour=00", "2024", "07", "01", "2024-07-02", "20240703", "_temporary", ".hidden", "_x=1",
     "eu", "_delta_log", "day=2024-07-01", "load_date=2024-07-04"]
)  # fmt: skip
FILES = st.sampled_from(
    [
        "part.csv",
        "a.json",
        "other.json",
        "_SUCCESS",
        ".x.crc",
        "x.crc",
        "x.tmp",
        "",
        "day_$folder$",
        "part.csv.bak",
        "part.csv~",
    ]
)
KEYS = st.builds(
    lambda folders, name: PREFIX + "/".join([*folders, name]), st.lists(SEGMENTS, max_size=6), FILES
)
LISTED = st.lists(
    st.builds(Listed, KEYS, st.just("v"), st.sampled_from("ef"), st.sampled_from([0, 9])),
    unique_by=lambda item: item.key,
    max_size=40,
)


def owned(key):
    return "other" not in key


@given(LISTED)
def test_each_object_is_data_of_a_day_or_left_out_by_one_rule_and_the_counts_add_up(listed):
    found = sort_out(listed, PREFIX, owned)
    assert len(found.objects) + sum(item.count for item in found.left_out) == len(listed)
    assert {item.rule for item in found.left_out} <= set(WHY)
    keys = {item.key for item in listed}
    assert all(item.example in keys for item in found.left_out)
    kept = {item.key for item in found.objects}
    assert not kept & {item.example for item in found.left_out}
    for item in found.objects:
        assert item.day == place_of(item.key, PREFIX).day
        assert owned(item.key)
        assert side_file(item.key, item.size, PREFIX) == ""


@given(LISTED)
def test_the_order_of_the_listing_changes_nothing(listed):
    assert sort_out(listed, PREFIX, owned) == sort_out(reversed(listed), PREFIX, owned)


def test_a_window_and_a_part_of_it_still_account_for_every_object():
    listed = [
        Listed(f"{PREFIX}dt=2024-07-{day:02d}/part.csv", "v", str(day), 9) for day in range(1, 11)
    ]
    listed += [Listed(f"{PREFIX}dt=2024-07-03/_SUCCESS", "v", "", 0)]
    found = sort_out(listed, PREFIX)
    pinned = pin_inventory("sales", "lake", found, 3, date(2024, 7, 8))
    assert {item.rule: item.count for item in pinned.left_out} == {
        HIDDEN: 1, "before the window": 5, "after the window": 2,
    }  # fmt: skip
    part = narrowed(pinned, [pinned.objects[0].key])
    assert len(part.objects) + sum(item.count for item in part.left_out) == len(listed)


def test_the_same_file_in_two_spellings_of_a_day_is_read_once_and_another_file_too():
    listed = [
        Listed(f"{PREFIX}year=2024/month=07/day=01/part.csv", "v", "e", 9),
        Listed(f"{PREFIX}year=2024/month=7/day=1/part.csv", "v", "e", 9),
        Listed(f"{PREFIX}year=2024/month=7/day=1/uuid.json", "v", "f", 9),
        Listed(f"{PREFIX}year=2024/month=7/day=1/hour=02/part.csv", "v", "e", 9),
        Listed(f"{PREFIX}dt=2024-07-01/part.csv", "v", "e", 9),
        Listed(f"{PREFIX}dt=2024-07-01/reviews.json", "v", "e", 9),
    ]
    found = sort_out(listed, PREFIX, lambda key: "reviews" not in key)
    assert {item.rule: item.count for item in found.left_out} == {COPY: 2, OTHER: 1}
    assert len(found.objects) == 3


def test_regions_are_no_copies_of_each_other():
    spelled = ("region=eu/dt=2024-07-01", "region=us/dt=20240701")
    listed = [Listed(f"{PREFIX}{folder}/part.csv", "v", "e", 9) for folder in spelled]
    assert len(sort_out(listed, PREFIX).objects) == 2


def test_the_same_bytes_in_two_hours_of_a_day_are_no_copies_of_each_other():
    for folder in (
        "dt=2024-07-01-{}",
        "dt=2024-07-01_{}99",
        "2024-07-01T{}",
        "dt=20240701{}",
        "2024-07-01--{}",
    ):
        listed = [
            Listed(f"{PREFIX}{folder.format(hour)}/part.csv", "v", "e", 9) for hour in ("05", "06")
        ]
        found = sort_out(listed, PREFIX)
        assert len(found.objects) == 2, folder
        assert not pin_inventory("sales", "lake", found).notices, folder
    spelled = ("dt=2024-07-01-05", "dt=2024-7-1-05")
    listed = [Listed(f"{PREFIX}{folder}/part.csv", "v", "e", 9) for folder in spelled]
    assert [item.rule for item in sort_out(listed, PREFIX).left_out] == [COPY]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a.json", "a.json.gz"), True),
        (("part-00000", "part-00000.gz"), True),
        (("a.csv", "A.PARQUET"), True),
        (("a.jsonl", "a.jsonl.zst"), True),
        (("a.json", "a-1.json.gz"), False),
        (("a.snappy.parquet", "a.gz.parquet"), False),
        (("1.jpg", "1.png"), False),
    ],
)
def test_files_of_one_name_but_for_its_ending_are_read_and_told(names, told):
    listed = [Listed(f"{PREFIX}dt=2024-07-01/{name}", "v", name, 9) for name in names]
    pinned = pin_inventory("sales", "lake", sort_out(listed, PREFIX))
    assert len(pinned.objects) == 2
    assert ["but for its ending" in notice for notice in pinned.notices] == [True] * told
