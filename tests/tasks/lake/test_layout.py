from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import NoDataInWindow
from tasks.lake.layout import partition_prefix, pin
from tasks.lake.partitions import place_of
from tasks.values import LakeObject

DAYS = st.dates(min_value=date(2014, 1, 1), max_value=date(2027, 12, 31))


def lake_object(day: date, name: str = "part.csv", etag: str = "e", version: str = "v"):
    return LakeObject(
        key=partition_prefix("raw/sales/", day) + name,
        version_id=version,
        etag=etag,
        size=10,
        day=day,
    )


@given(DAYS)
def test_a_partition_names_its_day(day):
    assert place_of(partition_prefix("raw/sales/", day) + "part.csv").day == day


@given(st.lists(DAYS, min_size=1, max_size=30, unique=True), st.integers(1, 60))
def test_the_window_counts_back_from_the_newest_day(days, window):
    newest = max(days)
    pinned = pin("sales", "lake", [lake_object(day) for day in days], window)
    assert {item.day for item in pinned.objects} == {
        day for day in days if day > newest - timedelta(days=window)
    }


@given(st.permutations([date(2024, 1, day) for day in range(1, 9)]))
def test_the_fingerprint_does_not_depend_on_the_order_of_the_listing(days):
    usual = pin("sales", "lake", [lake_object(day) for day in sorted(days)])
    assert pin("sales", "lake", [lake_object(day) for day in days]) == usual


def test_the_same_bytes_written_again_are_nothing_new_and_other_bytes_are():
    day = date(2024, 1, 1)
    first = pin("sales", "lake", [lake_object(day, version="1")])
    again = pin("sales", "lake", [lake_object(day, version="2")])
    other = pin("sales", "lake", [lake_object(day, etag="f")])
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_an_empty_object_stays_in_the_snapshot_so_that_the_contract_can_tell_of_it():
    empty = lake_object(date(2024, 1, 1)).model_copy(update={"size": 0})
    assert pin("sales", "lake", [empty]).objects == (empty,)


def test_an_empty_window_says_what_there_is():
    objects = [lake_object(date(2024, 1, 5))]
    with pytest.raises(NoDataInWindow, match="the lake holds 2024-01-05 to 2024-01-05"):
        pin("sales", "lake", objects, end=date(2023, 1, 1))
    with pytest.raises(NoDataInWindow, match="the lake holds none"):
        pin("sales", "lake", [])
