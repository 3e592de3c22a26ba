"""Values of columns that stand in the folders of the objects, beside those of the rows."""

from datetime import date

import pyarrow as pa
import pytest

ID = {"name": "id", "logicalType": "integer", "required": True}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("kind", "folder", "value"),
    [
        ("integer", "05", 5),
        ("number", "1.50", 1.5),
        ("boolean", "true", True),
        ("date", "2024-07-01", date(2024, 7, 1)),
        ("string", "05", "05"),
    ],
)
def test_a_folders_value_is_text_of_the_columns_type_whatever_the_file_is(
    form, kind, folder, value, lake, judge, contract
):
    part = {"name": "part", "logicalType": kind, "required": True, "partitioned": True}
    for number, written in enumerate((folder, "?"), start=1):
        lake.prefix = f"raw/things/part={written}/"
        if form == "csv":
            lake.csv("a.csv", [(number,)], ["id"])
        elif form == "jsonl":
            lake.jsonl("a.jsonl", [{"id": number}])
        else:
            lake.parquet("a.parquet", pa.table({"id": [number]}))
    judge(contract([ID, part]), lake)
    good = judge.good().set_index("id")["part"].to_dict()
    assert good == ({1: value, 2: "?"} if kind == "string" else {1: value})
    reasons = [reason for line in judge.quarantined() for reason in line["reasons"]]
    assert [(reason["check"], reason["value"]) for reason in reasons] == (
        [] if kind == "string" else [("part.type", "?")]
    )


def test_records_that_bring_a_column_leave_the_others_their_folders_value(lake, judge, contract):
    part = {"name": "part", "logicalType": "integer", "required": True, "partitioned": True}
    lake.prefix = "raw/things/part=7/"
    lake.jsonl("a.jsonl", [{"id": 1}, {"id": 2, "part": 8}, {"id": 3, "part": "?"}])
    lake.prefix = "raw/things/part=9/"
    lake.jsonl("b.jsonl", [{"id": 4, "part": None}, {"id": 5}])
    lake.prefix = "raw/things/"
    lake.jsonl("c.jsonl", [{"id": 6, "part": 1}, {"id": 7}])
    judge(contract([ID, part]), lake)
    assert judge.good().set_index("id")["part"].to_dict() == {1: 7, 2: 8, 4: 9, 5: 9, 6: 1}
    reasons = {line["record"]["id"]: line["reasons"][0]["check"] for line in judge.quarantined()}
    assert reasons == {3: "part.type", 7: "part.required"}
