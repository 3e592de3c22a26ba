"""Rows of a table: what a client sends, and the features made of it."""

import json
import re
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.demo.generate import property_sales
from models.runtime.input import InvalidFeature
from models.runtime.inputs.tabular import Tabular, require_treatments
from models.runtime.own import load_own
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import COLUMNS, ChannelColumn, NoData, columns_of
from models.runtime.tables.cells import BadInput
from models.runtime.tables.features import (
    features_of,
    one_hot,
    standard,
    treatment_of,
)
from models.runtime.tables.operations import fnv1a, operations
from tests.models.trained import ROOT, columns_text

SALES = property_sales(300, date(2026, 1, 1), 30, seed=1)
INPUTS = {
    name: values if name == "date" else values.astype(np.float64)
    for name, values in SALES.items()
    if name not in {"id", "price"}
}
NOTHING = Hyperparameters({})


def schema(columns, label="y", **features):
    return Tabular.schema(columns, label, features, NOTHING)


def prices():
    """preprocess.json as price-estimator's own features fit it."""
    columns = json.loads(columns_text("property_sales"))["columns"]
    begun = schema([ChannelColumn(**column) for column in columns], "price")
    rows = {**INPUTS, "month": np.full(300, "", dtype=object)}
    own = load_own(ROOT / "models" / "price-estimator").get("features")
    return Tabular(begun).fit(rows, own, NOTHING)


SPEC = prices()
PRICES = Tabular(json.loads(json.dumps(SPEC)))


def prepared(rows):
    return PRICES.transform(rows)["features"]


def instance(number=0, **changes):
    row = {name: values[number].item() for name, values in INPUTS.items() if name != "date"}
    return {**row, "date": str(INPUTS["date"][number]), **changes}


def test_a_request_is_prepared_as_the_training_rows_were():
    rows = prepared(PRICES.decode([instance(number) for number in range(20)]))
    trained = prepared({name: values[:20] for name, values in INPUTS.items()})
    np.testing.assert_array_equal(rows, trained)
    assert rows.dtype == np.float32


def test_training_rows_are_of_one_scale():
    rows = prepared(INPUTS)
    assert np.abs(rows).max() <= 5
    numbers = [f for f in SPEC["features"] if f["op"] == "number"]
    np.testing.assert_allclose(rows[:, : len(numbers)].mean(axis=0), 0, atol=0.05)


def test_features_together_are_what_they_are_alone():
    numbers = [f for f in SPEC["features"] if f["op"] == "number"]
    together = operations(numbers)[0](INPUTS)
    alone = [operations([feature])[0](INPUTS) for feature in numbers]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


@given(st.dictionaries(st.sampled_from(sorted(set(INPUTS) - {"date"})), st.floats(-1e12, 1e12)))
def test_whatever_a_client_sends_the_graph_gets_small_finite_numbers(changes):
    row = prepared(PRICES.decode([instance(**changes)]))
    assert np.isfinite(row).all()
    assert np.abs(row).max() <= 5


def test_an_unknown_zip_code_is_no_zip_code():
    rows = prepared(PRICES.decode([instance(), instance(zipcode=12345)]))
    zip_codes = np.unique(INPUTS["zipcode"])
    assert rows[0].sum() != rows[1].sum()
    assert (rows[0] != rows[1]).sum() == 1
    assert len(zip_codes) > 5


def test_no_date_means_the_newest_and_the_trend_is_not_carried_far():
    rows = prepared(
        PRICES.decode([instance(date=day) for day in (None, "2026-01-30", "2099-01-01")])
    )
    newest = (INPUTS["date"].max() - INPUTS["date"].min()).astype(int)
    assert rows[0, -1] == pytest.approx(newest / 365)
    assert rows[2, -1] == pytest.approx((newest + 60) / 365)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("text", "expected an object"),
        (instance(grade=None), "'grade' is missing"),
        (instance(grade="high"), "'grade' is 'high', no number"),
        (instance(grade=float("inf")), "'grade' is inf, not finite"),
        (instance(date="yesterday"), "'date' is 'yesterday', not a date"),
        (instance(date=5), "not a date"),
    ],
)
def test_a_bad_row_is_named_with_its_number(row, message):
    with pytest.raises(BadInput, match=f"instance 1: .*{message}"):
        PRICES.decode([instance(), row])


def test_the_example_can_be_predicted():
    assert np.isfinite(prepared(PRICES.decode([PRICES.example()]))).all()


def test_an_unknown_column_value_is_filled_with_the_mean():
    missing = prepared(PRICES.decode([instance(sqft_lot15=None)]))
    assert np.isfinite(missing).all()
    fitted = standard({"a": np.array([1.0, np.nan, 3.0])}, ["a"])
    assert (fitted["mean"], fitted["std"]) == (2.0, 1.0)


def test_only_columns_that_a_feature_reads_are_asked_of_clients():
    sent = {column["name"] for column in SPEC["columns"]}
    assert "zipcode" in sent
    assert not sent & {"id", "price", "month"}
    assert SPEC["row_id"] == ["id", "date"]
    assert not next(c for c in SPEC["columns"] if c["name"] == "date")["required"]


@pytest.mark.parametrize(
    "days",
    [
        ["2026-01-31", "2026-02-01"],
        ["2026-01-31T10:00:00", "2026-02-01T00:00:00"],
        [date(2026, 1, 31), date(2026, 2, 1)],
        pa.array([1769817600, 1769904000], pa.timestamp("s")),
    ],
)
def test_a_date_is_a_day_however_the_file_holds_it(tmp_path, days):
    pq.write_table(pa.table({"on": days, "n": [1, None], "y": [1, 2]}), tmp_path / "a.parquet")
    source = Tabular(
        schema(
            [
                ChannelColumn("on", "date"),
                ChannelColumn("n", "integer"),
                ChannelColumn("y", "number"),
            ]
        )
    )
    _, got, labels = source.read(tmp_path, "y")
    assert got["on"].astype(str).tolist() == ["2026-01-31", "2026-02-01"]
    assert got["n"][0] == 1
    assert np.isnan(got["n"][1])
    assert labels == [1, 2]


MIXED = [
    ChannelColumn("key", "string", required=True, key=True),
    ChannelColumn("size", "number", kind="numeric"),
    ChannelColumn("kind", "string", kind="categorical"),
    ChannelColumn("told", "string", kind="text"),
    ChannelColumn("new", "boolean"),
    ChannelColumn("on", "timestamp", required=True),
    ChannelColumn("tags", "array"),
    ChannelColumn("y", "number", required=True),
]


def mixed(tmp_path, rows=40):
    table = {
        "key": [f"k{n}" for n in range(rows)],
        "size": [None if n % 7 == 0 else float(n) for n in range(rows)],
        "kind": [("house", "flat", None)[n % 3] for n in range(rows)],
        "told": [f"a bright room {n % 5} by the sea" for n in range(rows)],
        "new": [(True, False, None)[n % 3] for n in range(rows)],
        "on": [date(2026, 1, 1 + n % 28) for n in range(rows)],
        "tags": [["a"]] * rows,
        "y": [float(n) for n in range(rows)],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    source = Tabular(schema(MIXED))
    return source, *source.read(tmp_path, "y")


def test_every_type_of_column_becomes_a_feature(tmp_path):
    source, ids, inputs, _ = mixed(tmp_path)
    fitted = source.fit(inputs, None, NOTHING)
    ready = Tabular(json.loads(json.dumps(fitted)))
    assert ids[3] == "k3"
    assert {column["name"]: column["type"] for column in fitted["columns"]} == {
        "size": "number", "kind": "text", "told": "text", "new": "boolean", "on": "date",
    }  # fmt: skip
    rows = ready.transform(inputs)["features"]
    assert rows.shape == (40, fitted["width"])
    assert np.isfinite(rows).all()
    # What a client sends of a row is what the row was learned as, missing values too.
    sent = json.loads(json.dumps(ready.instances(inputs)))
    assert "size" not in sent[0]
    np.testing.assert_array_equal(ready.transform(ready.decode(sent))["features"], rows)
    assert np.isfinite(ready.transform(ready.decode([ready.example()]))["features"]).all()


def test_a_category_that_no_training_row_had_is_another_than_a_missing_one(tmp_path):
    source, _, inputs, _ = mixed(tmp_path)
    ready = Tabular(source.fit(inputs, None, NOTHING))
    known = {"size": 1.0, "on": "2026-01-02"}
    rows = [{**known, "kind": kind} for kind in ("castle", "cabin")] + [known]
    first, second, missing = ready.transform(ready.decode(rows))["features"]
    np.testing.assert_array_equal(first, second)
    assert (first != missing).any()


def test_plain_numbers_for_a_baseline_need_no_fit(tmp_path):
    source, _, inputs, _ = mixed(tmp_path)
    plain = source.plain(inputs)
    assert len(plain) == 40
    assert np.isnan(plain[0, 0])


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"nobody": "drop"}, "nobody is no column of the contract"),
        ({"y": "number"}, "y is the label"),
        ({"size": "magic"}, "size: magic is none of number, log"),
        ({"tags": "category"}, "tags is of type array, which only `drop` fits"),
        ({"told": "log"}, r"told \(string\) can be category, drop, text, not log"),
        ({"on": "category"}, r"on \(timestamp\) can be date, drop"),
    ],
)
def test_a_treatment_that_does_not_fit_is_refused(features, message):
    with pytest.raises(InvalidFeature, match=message):
        require_treatments(MIXED, "y", features)


def test_a_treatment_that_model_yaml_chooses_is_taken(tmp_path):
    _, _, inputs, _ = mixed(tmp_path)
    begun = schema(MIXED, size="category", told="drop", new="number")
    fitted = Tabular(begun).fit(inputs, None, NOTHING)
    made = {(feature["op"], feature.get("column", "")) for feature in fitted["features"]}
    assert ("one_hot", "size") in made
    assert "told" not in {column["name"] for column in fitted["columns"]}


NESTED = (
    ChannelColumn("size", "number"),
    ChannelColumn("place.state", "string"),
    ChannelColumn("place.far", "number"),
    ChannelColumn("place.inner.deep", "boolean"),
    ChannelColumn("end.y", "boolean"),
    ChannelColumn("end.price", "number"),
)


@pytest.mark.parametrize(
    ("features", "left"),
    [
        ({"end": "drop"}, ["size", "place.state", "place.far", "place.inner.deep"]),
        ({"end": "drop", "place": "drop"}, ["size"]),
        ({"end": "drop", "place.inner": "drop"}, ["size", "place.state", "place.far"]),
        ({"end": "drop", "place.far": "log", "place": "drop"}, ["size", "place.far"]),
    ],
)
def test_an_object_stands_for_all_its_fields_but_the_label(features, left):
    found = schema(NESTED, "end.y", **features)["columns"]
    assert [column["name"] for column in found] == left
    assert {c["name"]: c["treatment"] for c in found}.get("place.far", "log") in {"", "log"}


def test_a_name_that_is_no_column_and_no_object_is_refused():
    with pytest.raises(InvalidFeature, match="plac is no column of the contract"):
        schema(NESTED, "end.y", plac="drop")


def test_a_record_is_read_as_it_is_nested_or_by_the_names_of_its_columns():
    source = Tabular(schema(NESTED, "end.y", end="drop"))
    nested = {"size": 1, "place": {"state": "TX", "inner": {"deep": True}}}
    flat = {"size": 1, "place.state": "TX", "place.inner.deep": True}
    found = source.decode([nested, flat, {"place": 7}, {"place": {"inner": None}}])
    assert found["place.state"].tolist() == ["TX", "TX", "", ""]
    assert found["place.inner.deep"][:2].tolist() == [1.0, 1.0]
    assert np.isnan(found["place.inner.deep"][2:]).all()
    assert np.isnan(found["place.far"]).all()
    with pytest.raises(BadInput, match=r"instance 0: column 'place.far' is 'much', no number"):
        source.decode([{"place": {"far": "much"}}])


def test_a_contract_with_nothing_to_send_is_refused():
    with pytest.raises(InvalidFeature, match="no column is left"):
        schema(
            [
                ChannelColumn("y", "number"),
                ChannelColumn("tags", "array"),
                ChannelColumn("id", "string", key=True),
            ]
        )


@pytest.mark.parametrize(
    ("kind", "look", "values", "expected"),
    [
        ("number", "numeric", np.arange(100.0), "number"),
        ("number", "numeric", np.exp(np.linspace(0, 12, 100)), "log"),
        ("number", "numeric", -np.exp(np.linspace(0, 12, 100)), "number"),
        ("number", "categorical", np.arange(100.0), "category"),
        ("text", "text", np.asarray(["a", "b"], dtype=object), "text"),
        ("text", "categorical", np.asarray(["a", "b"] * 50, dtype=object), "category"),
        ("text", "", np.asarray([f"v{n}" for n in range(100)], dtype=object), "text"),
        ("boolean", "", np.asarray([0.0, 1.0]), "flag"),
        ("date", "", np.asarray(["2026-01-01"], dtype="datetime64[D]"), "date"),
    ],
)
def test_a_column_is_treated_by_its_type_and_its_values(kind, look, values, expected):
    assert treatment_of(kind, look, values) == expected


@given(st.lists(st.floats(0, 1e9) | st.just(float("nan")), min_size=3, max_size=40))
def test_features_of_any_numbers_are_small_and_finite(values):
    column = np.asarray(values)
    for treatment in ("number", "log", "category", "flag"):
        for feature in features_of("x", column, treatment):
            made = operations([feature])[0]({"x": column})
            assert np.isfinite(made).all()
            assert np.abs(made).max(initial=0) <= 5


@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_hashed_words_have_the_length_one_or_none(texts):
    feature = {"op": "hashed_words", "column": "t", "buckets": 16}
    made = operations([feature])[0]({"t": np.asarray(texts, dtype=object)})
    lengths = np.sqrt((made**2).sum(axis=1))
    assert np.all(np.isclose(lengths, 1) | (lengths == 0))


def test_the_hash_is_the_published_one():
    # Test vectors of the FNV reference (isthe.com/chongo/tech/comp/fnv).
    assert (fnv1a(""), fnv1a("a"), fnv1a("foobar")) == (0x811C9DC5, 0xE40C292C, 0xBF9CF968)


def test_rare_categories_share_a_bucket():
    values = np.asarray(["often"] * 5 + ["rare", "seldom"], dtype=object)
    feature = one_hot("c", values, most=1)
    assert feature["values"] == ["often"]
    made = operations([feature])[0]({"c": np.asarray(["rare", "often", ""], dtype=object)})
    assert made.tolist() == [[0, 1], [1, 0], [0, 0]]


def test_files_are_read_in_order_and_more_columns_do_no_harm(tmp_path):
    (tmp_path / "deep").mkdir()
    more = {"n": [2.5], "_day": ["x"], "y": [1.0]}
    pq.write_table(pa.table(more), tmp_path / "deep" / "b.parquet")
    pq.write_table(pa.table({"n": [1], "y": [2.0]}), tmp_path / "a.parquet")
    source = Tabular(schema([ChannelColumn("n", "number"), ChannelColumn("y", "number")]))
    ids, got, _ = source.read(tmp_path, "y")
    assert got["n"].tolist() == [1, 2.5]
    assert ids.tolist() == ["0", "1"]


def test_an_empty_channel_or_a_lacking_column_is_told(tmp_path):
    source = Tabular(
        schema([ChannelColumn("n", "number", required=True), ChannelColumn("y", "number")])
    )
    with pytest.raises(NoData, match="0 Parquet files"):
        source.read(tmp_path, "y")
    pq.write_table(pa.table({"y": [1]}), tmp_path / "a.parquet")
    with pytest.raises(NoData, match=r"lacks the columns \['n'\]"):
        source.read(tmp_path, "y")


def test_a_channel_says_which_columns_it_has(tmp_path):
    with pytest.raises(NoData, match=r"holds no _columns\.json"):
        columns_of(tmp_path)
    (tmp_path / COLUMNS).write_text('{"columns": [{"nome": "x"}]}')
    with pytest.raises(NoData, match="lists no columns"):
        columns_of(tmp_path)
    (tmp_path / COLUMNS).write_text(columns_text("property_sales"))
    known = {column.name: column for column in columns_of(tmp_path)}
    assert known["zipcode"].kind == "categorical"
    assert known["id"].key
    assert known["date"].key


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ({"op": "squared", "column": "a"}, "op 'squared' is none of days, flag, fourier, "),
        ({"op": "flag"}, "it lacks 'column'"),
        ({"column": "a"}, "it lacks 'op'"),
        ({"op": "number", "columns": ["a"]}, "it lacks 'log'"),
        ("a", "is no operation on columns"),
        ({"op": ["flag"], "column": "a"}, "op ['flag'] is none of days"),
    ],
)
def test_an_own_feature_that_is_no_operation_is_named(feature, said):
    columns = (ChannelColumn("a", "number"), ChannelColumn("y", "number"))
    sound = {"op": "flag", "column": "a", "above": 0}
    told = rf"features\(\) of model\.py: feature 1, .*{re.escape(said)}"
    with pytest.raises(InvalidFeature, match=told):
        Tabular(schema(columns)).fit(
            {"a": np.arange(3.0)}, lambda _columns, _hyperparameters: [sound, feature], NOTHING
        )
