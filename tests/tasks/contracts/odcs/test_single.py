"""What is no value, and what a value is called that the contract does not know."""

import math
from datetime import timedelta

import pyarrow as pa
import pytest

from tests.tasks.contracts.validation.test_parquet import NUMBER, listed, mapped, struct


def test_a_nan_is_no_value_wherever_it_is_nested(lake, judge, contract):
    must = {**NUMBER, "required": True}
    described = {"o": struct(a=NUMBER, b=must), "l": listed(NUMBER), "r": listed(must),
                 "s": listed(struct(a=NUMBER, b=must)), "m": mapped(NUMBER),
                 "v": {"logicalType": "vector"}}  # fmt: skip
    nan, both = math.nan, pa.struct({"a": pa.float64(), "b": pa.float64()})
    numbers, one = pa.list_(pa.float64()), {"a": nan, "b": 1.0}
    rows = [
        {"o": one, "l": [nan, 1.0], "s": [one], "m": [("k", nan)]},
        {"o": {"a": 1.0, "b": nan}},
        {"r": [1.0, nan]},
        {"s": [{"a": 1.0, "b": nan}]},
        {"v": [1.0, nan]},
    ]
    kinds = {"o": both, "l": numbers, "r": numbers, "s": pa.list_(both), "v": numbers,
             "m": pa.map_(pa.string(), pa.float64())}  # fmt: skip
    table = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}
    lake.parquet("a.parquet", pa.table(table))
    columns = [{"name": name, **field} for name, field in described.items()]
    judge(contract(columns, form="parquet"), lake)
    (good,) = judge.good().to_dict("records")
    assert math.isnan(good["o.a"])
    assert good["l"] == "[null, 1.0]"
    assert good["s"] == '[{"a": null, "b": 1.0}]'
    assert good["m"] == '{"k": null}'
    said = {line["row"]: (line["reasons"][0]["check"], line["reasons"][0]["value"])
            for line in judge.quarantined()}  # fmt: skip
    assert said == {
        2: ("o.fields", "o.b is missing"),
        3: ("r.type", "r[1] is missing"),
        4: ("s.type", "s[0].b is missing"),
        5: ("v.type", "v[1] is not a number but nan"),
    }
    assert judge.quarantined()[1]["record"]["r"] == [1.0, {"$numberDouble": "NaN"}]


@pytest.mark.parametrize(
    ("column", "kind", "said"),
    [
        (pa.array([[b"\xff"]], pa.list_(pa.binary())), "string", "bytes that are no text"),
        (pa.array([[timedelta(days=1)]]), "integer", "a duration"),
        (pa.array([[float("inf")]]), "number", "inf"),
    ],
)
def test_a_value_that_the_contract_does_not_know_is_called_what_it_is(
    column, kind, said, lake, judge, contract
):
    described = {"name": "l", "logicalType": "array", "items": {"logicalType": kind}}
    lake.parquet("a.parquet", pa.table({"l": column}))
    judge(contract([described], form="parquet"), lake)
    (line,) = judge.quarantined()
    assert line["reasons"][0]["value"].endswith(f" {kind} but {said}")
