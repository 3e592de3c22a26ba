"""Held-out rows, each as it is and changed, as a channel that a bundle's own reader reads."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.answers import distinct
from models.runtime.family import plug_in
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import COLUMNS, columns_document, columns_of
from models.runtime.tasks.classification import Classification
from models.runtime.tasks.regression import Regression
from tasks.gates.behaviour.pairs_of_rows import drawn, write_photos, write_tables
from tasks.specs.behaviour import BehaviourSpec
from tests.tasks.gates.behaviour.test_photos import SHADES, encoded

ROWS = 90
KINDS = (
    {"name": "id", "type": "integer", "required": True, "key": True},
    {"name": "size", "type": "integer", "required": True, "kind": "numeric"},
    {"name": "told", "type": "string", "kind": "text"},
    {"name": "on", "type": "date"},
    {"name": "price", "type": "number"},
)


@pytest.fixture
def channel(tmp_path):
    """Two files, of which the second lacks a column; every tenth row has no label."""
    folder = tmp_path / "holdout"
    folder.mkdir()
    table = pa.table(
        {
            "id": range(ROWS),
            "size": pa.array(range(100, 100 + ROWS), pa.int32()),
            "told": ["it is fine" if n % 3 else "fine" for n in range(ROWS)],
            "on": [date(2026, 1, 1)] * ROWS,
            "price": [None if n % 10 == 0 else float(n) for n in range(ROWS)],
        }
    )
    pq.write_table(table.slice(0, 50), folder / "a.parquet")
    pq.write_table(table.slice(50).drop_columns(["on"]), folder / "b.parquet")
    (folder / COLUMNS).write_text(columns_document(KINDS), "utf-8")
    return folder


def rules(*asked):
    return [BehaviourSpec.model_validate({"expect": "same", **one}) for one in asked]


def read_back(out, source, label="price"):
    columns = columns_of(out)
    kind = plug_in("inputs", source)
    made = kind(kind.schema(columns, label, {}, Hyperparameters({})))
    ids, inputs, labels = made.read(out, label)
    return distinct(ids), inputs, labels


def test_pairs_bear_the_names_that_the_readers_give_them(channel, tmp_path):
    out = tmp_path / "pairs"
    out.mkdir()
    asked = rules(
        {"change": "multiply", "column": "size", "by": 1.5, "rows": 20},
        {"change": "negate", "column": "told", "rows": 40},
        {"change": "upper_case", "column": "told"},
        {"change": "clear", "column": "on"},
        {"change": "set", "column": "on", "to": "2026-02-03"},
    )
    grown, denied, loud, timeless, later = write_tables(channel, out, "price", Regression, asked)
    ids, inputs, labels = read_back(out, "tabular")
    assert ids.tolist() == [name for one in (grown, denied, loud, timeless, later)
                            for name in (*one.before, *one.after)]  # fmt: skip
    place = {name: row for row, name in enumerate(ids)}

    def values(column, names):
        return [inputs[column][place[name]] for name in names]

    assert len(grown.rows) == 20
    sizes = np.asarray(values("size", grown.before))
    assert (np.asarray(values("size", grown.after)) == np.round(sizes * 1.5)).all()
    assert [100 + int(row) for row in grown.rows] == sizes.tolist()
    assert values("told", grown.before) == values("told", grown.after)
    # 54 sentences of labelled rows have an auxiliary; 40 were asked for.
    assert set(values("told", denied.before)) == {"it is fine"}
    assert set(values("told", denied.after)) == {"it is not fine"}
    assert len(denied.rows) == 40
    assert len(loud.rows) == 81, "rows without a label are answered by nobody"
    assert None not in labels
    # A row of the file without the column has nothing to be cleared, and a day may be put there.
    assert len(timeless.rows) == 45
    assert np.isnat(values("on", timeless.after)).all()
    assert set(values("on", later.after)) == {np.datetime64("2026-02-03")}


STRANGE = pa.table(
    {
        "small": pa.array([100] * ROWS, pa.int8()),
        "exact": pa.array([Decimal(f"{n}.25") for n in range(ROWS)], pa.decimal128(10, 2)),
        "gaps": pa.array([None if n % 5 == 0 else n for n in range(ROWS)], pa.int64()),
        "wild": [float("inf") if n == 7 else n * 1.5 for n in range(ROWS)],
        "word": pa.array(["a" if n % 2 else "b" for n in range(ROWS)]).dictionary_encode(),
        "long": pa.array(["It is é 👍"] * ROWS, pa.large_string()),
        "zoned": pa.array([datetime(2026, 1, 1, n % 24, tzinfo=UTC) for n in range(ROWS)],
                          pa.timestamp("us", "UTC")),
        "plain": pa.array([datetime(2026, 1, 1, n % 24) for n in range(ROWS)],  # noqa: DTZ001
                          pa.timestamp("ms")),
        "day": pa.array([date(2026, 1, 1)] * ROWS),
        "price": [1.0] * ROWS,
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        # 1000 is no int8: it would come round as -24.
        ({"change": "multiply", "column": "small", "by": 10}, {1000}),
        ({"change": "add", "column": "exact", "by": 0.5}, {n + 0.75 for n in range(ROWS)}),
        ({"change": "multiply", "column": "gaps", "by": 0}, {0}),
        (
            {"change": "add", "column": "wild", "by": 1},
            {n * 1.5 + 1 for n in range(ROWS) if n != 7},
        ),
        ({"change": "set", "column": "word", "to": "zzz"}, {"zzz"}),
        ({"change": "negate", "column": "long"}, {"It is not é 👍"}),
        (
            {"change": "set", "column": "zoned", "to": "2026-05-05"},
            {datetime(2026, 5, 5, tzinfo=UTC)},
        ),
        (
            {"change": "set", "column": "zoned", "to": "2026-05-05T02:00:00+02:00"},
            {datetime(2026, 5, 5, tzinfo=UTC)},
        ),
        ({"change": "set", "column": "plain", "to": "2026-05-05"}, {datetime(2026, 5, 5)}),  # noqa: DTZ001
        ({"change": "set", "column": "day", "to": "2026-05-05"}, {date(2026, 5, 5)}),
        ({"change": "clear", "column": "day"}, {None}),
        ({"change": "clear", "column": "small"}, {None}),
        # In no file, because all of its rows were empty.
        ({"change": "multiply", "column": "nowhere", "by": 2}, set()),
    ],
)
def test_values_of_every_type_are_changed_to_what_was_meant(tmp_path, asked, made):
    channel, out = tmp_path / "holdout", tmp_path / "pairs"
    channel.mkdir()
    out.mkdir()
    pq.write_table(STRANGE, channel / "a.parquet")
    (channel / COLUMNS).write_text(columns_document([{"name": "price", "type": "number"}]), "utf-8")
    write_tables(channel, out, "price", Regression, rules({**asked, "rows": ROWS}))
    assert set(pq.read_table(out / "000-1.parquet")[asked["column"]].to_pylist()) == made


def test_a_text_is_read_back_likewise(channel, tmp_path):
    out = tmp_path / "pairs"
    out.mkdir()
    (said,) = write_tables(channel, out, "price", Regression, rules(
        {"change": "append", "column": "told", "to": "Truly."}))  # fmt: skip
    ids, inputs, _ = read_back(out, "text")
    texts = dict(zip(ids, inputs["told"], strict=True))
    assert [texts[a] for a in said.after] == [f"{texts[b]} Truly." for b in said.before]


def test_the_same_rows_are_drawn_whatever_their_order():
    names = [f"row {n}" for n in range(50)]
    first = [names[row] for row in drawn(names, range(50))]
    back = names[::-1]
    assert [back[row] for row in drawn(back, range(50))] == first
    assert first != names


def test_photos_are_paired_and_only_those_that_are_tried_are_fetched(tmp_path):
    channel, out = tmp_path / "holdout", tmp_path / "pairs"
    channel.mkdir()
    out.mkdir()
    lines = [
        {"file": f"day/{n}.png", "label": None if n == 3 else "kitchen", "id": f"p{n}"}
        for n in range(60)
    ]
    (channel / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    (channel / COLUMNS).write_text(
        columns_document([{"name": "file", "type": "string"}, {"name": "label", "type": "string"}]),
        "utf-8",
    )
    fetched = []

    def photo(path):
        fetched.append(path)
        return encoded(SHADES)

    asked = rules({"change": "brightness", "by": 0.5, "rows": 25}, {"change": "mirror"})
    darker, mirrored = write_photos(channel, out, "label", Classification, asked, photo)
    assert len(fetched) == 25 + 59
    assert "day/3.png" not in fetched
    assert "p3" not in mirrored.rows
    (out / COLUMNS).write_text((channel / COLUMNS).read_text("utf-8"), "utf-8")
    ids, inputs, labels = read_back(out, "image", "label")
    pictures = dict(zip(ids, inputs["image"], strict=True))
    assert set(pictures) == {*darker.before, *darker.after, *mirrored.before, *mirrored.after}
    assert set(labels) == {"kitchen"}
    bright, dark = pictures[darker.before[0]], pictures[darker.after[0]]
    assert dark.mean() == pytest.approx(bright.mean() / 2, abs=2)
    first, second = pictures[mirrored.before[0]], pictures[mirrored.after[0]]
    assert np.abs(first[:, ::-1].astype(int) - second).max() <= 2
