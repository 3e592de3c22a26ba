"""Pictures of drift: large enough to read, with names and numbers, whatever the data are."""

import base64
import re
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift import compare, profile_batches
from tasks.drift.reports.markdown import markdown
from tasks.drift.reports.pictures import HEIGHT, ROW, SHOWN, WIDTH, picture

ROWS = 2_000


@pytest.fixture
def random():
    return np.random.default_rng(7)


def counts(kind, first, second):
    """Counts of one column on both sides."""
    kinds = {"c": kind}
    base = profile_batches([pa.RecordBatch.from_pydict({"c": first})], kinds, partition="a")
    new = pa.RecordBatch.from_pydict({"c": second})
    other = profile_batches([new], kinds, base.grid, partition="b")
    return base.columns["c"], other.columns["c"]


def drawn(kind, first, second):
    """The picture as a tree: it is well formed, and holds no number that is none."""
    svg = base64.b64decode(picture(*counts(kind, first, second)).split(",", 1)[1]).decode()
    tree = ET.fromstring(svg)  # noqa: S314  our own text
    assert not re.search(r'"[^"]*(nan|inf)[^"]*"', svg)
    assert int(tree.get("width")) == WIDTH
    return tree


def words(tree):
    return [item.text for item in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_numbers_have_both_axes_and_the_legend_tells_whose_rows(random):
    tree = drawn("numeric", random.normal(500_000, 1e5, ROWS), random.normal(8e5, 1e5, ROWS))
    told = words(tree)
    assert int(tree.get("height")) == HEIGHT >= 200
    assert "champion's data, 2,000 rows" in told
    assert "new, 2,000 rows" in told
    assert "600,000" in told
    assert "0\u00a0%" in told


def test_a_number_at_the_edge_is_not_cut_off(random):
    tree = drawn("numeric", random.normal(1e12, 1e9, ROWS), random.normal(1.002e12, 1e9, ROWS))
    for item in tree.iter("{http://www.w3.org/2000/svg}text"):
        wide, x = 8 * len(item.text), float(item.get("x"))
        reach = {"start": (0, wide), "middle": (wide / 2, wide / 2), "end": (wide, 0)}
        left, right = reach[item.get("text-anchor")]
        assert x - left >= -2
        assert x + right <= WIDTH + 2


def test_missing_values_are_told_where_the_shapes_are_the_same(random):
    first = random.normal(size=ROWS)
    second = np.where(np.arange(ROWS) < ROWS // 4, np.nan, random.normal(size=ROWS))
    assert "without a value: 0\u00a0% → 25\u00a0%" in words(drawn("numeric", first, second))


def test_each_category_is_named_with_both_shares():
    tree = drawn(
        "categorical", ["Seattle"] * 1_500 + ["Oslo"] * 500, ["Seattle"] * 500 + ["x"] * 500
    )
    told = words(tree)
    assert [name for name in told if name in {"Seattle", "Oslo", "x"}] == ["Seattle", "x", "Oslo"]
    assert told.count("50\u00a0%") == 2
    assert "75\u00a0%" in told


def test_a_thousand_hostile_names_make_a_picture_of_a_dozen_rows():
    names = [f"<b>&Ünï日本\u202e\x00 {n} " + "long" * 30 for n in range(1_000)]
    tree = drawn("categorical", names * 2, names[::-1] * 2)
    told = words(tree)
    assert f"and {1_000 - SHOWN:,} more, each less common than these" in told
    assert int(tree.get("height")) < ROW * (SHOWN + 4)
    assert max(map(len, told)) < 60
    assert not any("\u202e" in name or "\x00" in name for name in told)


@pytest.mark.parametrize("value", [0.0, 5.0, 1e300, -1e-300])
def test_a_constant_has_a_picture(value):
    drawn("numeric", np.full(ROWS, value), np.full(ROWS, value))


def test_columns_that_did_not_drift_are_not_drawn(random):
    kinds = {"c": "numeric", "d": "numeric"}
    table = {"c": random.normal(size=ROWS), "d": random.normal(size=ROWS)}
    base = profile_batches([pa.RecordBatch.from_pydict(table)], kinds, partition="a")
    moved = pa.RecordBatch.from_pydict({**table, "c": table["c"] + 3})
    report = compare(base, profile_batches([moved], kinds, base.grid, partition="b"))
    page = markdown(report, "prices: a against b")
    assert page.startswith("# ✘ Drift in 1 of 2 columns\n\n**prices: a against b**")
    assert page.count("data:image") == 1
    assert page.index("data:image") < page.index("## Columns")
