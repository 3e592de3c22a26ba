import io
import json
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import NoDataInWindow
from tasks.specs.data import DataSpec
from tasks.training.split import Cut, held_out, joined, rule_of, sides_of, split_good_rows
from tests.tasks.contracts.conftest import photo

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


def jpeg(image, quality=92):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


COPIES = {
    "same": jpeg,
    "recompressed": lambda image: jpeg(image, quality=45),
    "resized": lambda image: jpeg(image.resize((60, 60))),
    "darker": lambda image: jpeg(image.point(lambda value: value * 0.8)),
    "brighter": lambda image: jpeg(image.point(lambda value: min(255, value + 12))),
}


def write_copies(good, rooms, **more):
    """Rooms of the first day, each with one copy of the second; their file names begin alike."""
    good.mkdir()
    entries = []
    for index in range(rooms):
        for day, (kind, made) in enumerate(
            (("first", jpeg), list(COPIES.items())[index % len(COPIES)])
        ):
            name = f"{index}-{kind}.jpg"
            (good / name).write_bytes(made(photo(index)))
            entries.append({"file": name, "label": "kitchen", "day": f"2024-01-0{1 + day}"})
            entries[-1] |= {key: value(index, kind) for key, value in more.items()}
    (good / "labels.jsonl").write_text("\n".join(map(json.dumps, entries)))


def rooms_of(folder):
    return sorted(int(path.name.partition("-")[0]) for path in folder.glob("*.jpg"))


def test_a_picture_and_its_copies_are_never_on_both_sides(tmp_path):
    write_copies(tmp_path / "good", 40)
    split = split_good_rows(tmp_path / "good", tmp_path, BY_HASH)
    learned, held = (rooms_of(tmp_path / side) for side in ("training", "holdout"))
    assert not set(learned) & set(held)
    assert sorted(learned + held) == sorted([*range(40)] * 2), "none is lost"
    assert (split.training_rows, split.holdout_rows) == (len(learned), len(held))
    assert len(held) == pytest.approx(0.3 * 80, abs=16)


def test_an_older_copy_of_a_picture_that_is_held_out_is_on_neither_side(tmp_path):
    write_copies(tmp_path / "good", 4)
    (tmp_path / "good" / "9-first.jpg").write_bytes(jpeg(photo(9)))
    alone = {"file": "9-first.jpg", "label": "kitchen", "day": "2024-01-01"}
    with (tmp_path / "good" / "labels.jsonl").open("a") as lines:
        lines.write("\n" + json.dumps(alone))
    newest = DataSpec(dataset="rooms", label="label", holdout_days=1)
    split = split_good_rows(tmp_path / "good", tmp_path, newest)
    assert rooms_of(tmp_path / "training") == [9]
    assert rooms_of(tmp_path / "holdout") == [0, 1, 2, 3]
    assert split.left_out == 4


def test_photos_of_one_home_stay_with_the_copies_of_each(tmp_path):
    """Each original is of its own home, all copies are of one: so all of them are one group."""
    homes = {"home": lambda index, kind: f"h{index}" if kind == "first" else "all"}
    write_copies(tmp_path / "good", 8, **homes)
    by_home = BY_HASH.model_copy(update={"split_by": "home"})
    with pytest.raises(NoDataInWindow, match="leaves 16 rows to train on and 0 held"):
        split_good_rows(tmp_path / "good", tmp_path, by_home)


GROUPS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from(["", *"1234"])))


@given(GROUPS)
def test_rows_are_joined_by_either_grouping_and_by_nothing_else(pairs):
    groups, others = [a for a, _ in pairs], [b for _, b in pairs]
    found = joined(groups, others)
    reached = list(range(len(pairs)))
    for _ in pairs:
        for at, one in enumerate(pairs):
            for on, two in enumerate(pairs):
                if one[0] == two[0] or (one[1] and one[1] == two[1]):
                    reached[at] = reached[on] = min(reached[at], reached[on])
    assert [found.index(name) for name in found] == reached
    for at, name in enumerate(found):
        mine = [pair for pair, to in zip(pairs, reached, strict=True) if to == reached[at]]
        named = [other for _, other in mine if other]
        assert name == (min(named) if named else min(group for group, _ in mine))


@given(st.text(), st.floats(0.01, 0.99))
def test_a_hash_decides_the_same_every_time(identity, share):
    assert held_out(identity, share) == held_out(identity, share)


def test_the_held_out_share_is_what_was_asked_for():
    share = sum(held_out(str(index), 0.2) for index in range(20_000)) / 20_000
    assert share == pytest.approx(0.2, abs=0.015)


GROUPED = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["", "ann", "bob", "cid", "dan"])), min_size=1
)


@given(GROUPED, st.integers(0, 8), st.floats(0.05, 0.95))
def test_one_group_is_never_on_both_sides(rows, newest_days, share):
    data = DataSpec(
        dataset="d", label="y", split_by="user", holdout_days=newest_days, holdout_share=share
    )
    days = [date(2026, 1, 1) + timedelta(days=day) for day, _ in rows]
    groups = [group for _, group in rows]
    identities = [str(number) for number in range(len(rows))]
    sides = sides_of(days, identities, groups, Cut.of(data, days, groups))
    for name in set(groups) - {""}:
        held = {side for side, group in zip(sides, groups, strict=True) if group == name}
        assert not {"training", "holdout"} <= held
    # A row without a value is a group of its own: it is never left out.
    assert all(side for side, group in zip(sides, groups, strict=True) if not group)
    if newest_days == 0:
        assert "" not in sides


def test_the_groups_of_the_newest_days_are_kept_out_of_the_training(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    days = [date(2026, 1, 1 + n % 10) for n in range(40)]
    users = [f"u{n % 8}" for n in range(40)]
    pq.write_table(pa.table({"_day": days, "user": users, "price": [1.0] * 40}), good / "a.parquet")
    data = DataSpec(dataset="d", label="price", holdout_days=1, split_by="user")
    split = split_good_rows(good, tmp_path, data)
    learned = {row["user"] for row in rows(tmp_path / "training")}
    held = {row["user"] for row in rows(tmp_path / "holdout")}
    assert held
    assert not learned & held
    assert split.left_out > 0
    assert split.training_rows + split.holdout_rows + split.left_out == 40
    assert split.rule == rule_of(data)
    assert "no older row of their user" in split.rule


@given(GROUPED, st.integers(0, 6), st.integers(1, 6), st.booleans())
def test_no_row_is_used_whose_label_may_still_come(rows, newest_days, wait, grouped):
    data = DataSpec(
        dataset="d", label="y", holdout_days=newest_days, label_delay_days=wait,
        split_by="user" if grouped else "",
    )  # fmt: skip
    days = [date(2026, 1, 1) + timedelta(days=day) for day, _ in rows]
    groups = [group for _, group in rows] if grouped else None
    sides = sides_of(days, [str(n) for n in range(len(rows))], groups, Cut.of(data, days, groups))
    last = max(days) - timedelta(days=wait)
    for side, day in zip(sides, days, strict=True):
        assert (side == "too young") == (day > last)
        if newest_days and side == "holdout":
            assert day > last - timedelta(days=newest_days)


def test_young_rows_are_counted_and_the_held_out_days_lie_before_them(tmp_path):
    write_days(tmp_path / "good", 20)
    data = DataSpec(dataset="sales", label="price", holdout_days=5, label_delay_days=4)
    split = split_good_rows(tmp_path / "good", tmp_path, data)
    assert (split.training_rows, split.holdout_rows, split.too_young) == (11, 5, 4)
    assert max(row["_day"] for row in rows(tmp_path / "holdout")) == date(2024, 1, 16)
    assert split.rule == rule_of(data)
    assert split.rule.endswith("once 4 days are left out whose labels may still come")
    assert "labels" not in rule_of(BY_DAY), "the identity of other trainings stays what it was"


def test_a_wait_that_leaves_no_day_to_learn_from_is_refused():
    with pytest.raises(ValueError, match=r"label_delay_days \(3\) of window_days \(8\) leaves"):
        DataSpec(dataset="d", label="y", window_days=8, holdout_days=5, label_delay_days=3)
