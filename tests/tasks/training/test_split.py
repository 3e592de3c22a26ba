import json
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import NoDataInWindow
from tasks.model_spec import DataSpec
from tasks.training.split import held_out, split_good_rows

BY_DAY = DataSpec(dataset="sales", label="price", holdout_days=5)
BY_HASH = DataSpec(dataset="rooms", label="label", holdout_share=0.3)


def write_days(folder, count: int) -> None:
    folder.mkdir(parents=True)
    first = date(2024, 1, 1)
    for half in range(2):
        days = [first + timedelta(days=day) for day in range(count) if day % 2 == half]
        table = pa.table({"_day": days, "price": [float(day.day) for day in days]})
        pq.write_table(table, folder / f"batch-{half}.parquet")


def rows(folder):
    return [row for file in folder.glob("*.parquet") for row in pq.read_table(file).to_pylist()]


def test_the_newest_days_are_held_out_and_no_row_is_lost(tmp_path):
    write_days(tmp_path / "good", 20)
    split = split_good_rows(tmp_path / "good", tmp_path, BY_DAY)
    assert (split.training_rows, split.holdout_rows) == (15, 5)
    newest_learned = max(row["_day"] for row in rows(tmp_path / "training"))
    oldest_held = min(row["_day"] for row in rows(tmp_path / "holdout"))
    assert newest_learned < oldest_held
    assert len(rows(tmp_path / "training")) + len(rows(tmp_path / "holdout")) == 20


def test_a_split_with_an_empty_side_is_refused(tmp_path):
    write_days(tmp_path / "good", 4)
    with pytest.raises(NoDataInWindow, match="0 rows to train on and 4 held out"):
        split_good_rows(tmp_path / "good", tmp_path, BY_DAY)


def test_one_picture_under_two_names_is_never_in_both_sides(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    entries = []
    for index in range(60):
        for copy in "ab":
            name = f"{index}-{copy}.jpg"
            (good / name).write_bytes(str(index).encode())
            entries.append({"file": name, "label": "kitchen", "day": "2024-01-01"})
    (good / "labels.jsonl").write_text("\n".join(map(json.dumps, entries)))
    split = split_good_rows(good, tmp_path, BY_HASH)
    sides = [
        {path.read_bytes() for path in (tmp_path / side).glob("*.jpg")}
        for side in ("training", "holdout")
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 60
    assert split.training_rows + split.holdout_rows == 120


@given(st.text(), st.floats(0.01, 0.99))
def test_a_hash_decides_the_same_every_time(identity, share):
    assert held_out(identity, share) == held_out(identity, share)


def test_the_held_out_share_is_what_was_asked_for():
    share = sum(held_out(str(index), 0.2) for index in range(20_000)) / 20_000
    assert share == pytest.approx(0.2, abs=0.015)
