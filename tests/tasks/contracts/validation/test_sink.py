"""Rows that are set aside, in files that the pipeline's own reader reads."""

from tasks.contracts.validation.sink import RECORDS_BYTES
from tasks.lake.formats import LocalReader


def test_a_row_too_long_for_a_line_of_quarantine_is_told_without_its_record(lake, judge, contract):
    long = "ü" * (RECORDS_BYTES // 4)  # in ASCII six signs each, which no reader takes for a line
    lines = (f'{{"id": "{name}", "age": -1}}\n' for name in ("a", long, "b"))
    lake.put("a.jsonl", "".join(lines).encode())
    columns = [
        {"name": "id", "logicalType": "string"},
        {"name": "age", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
    ]
    report = judge(contract(columns, form="jsonl"), lake)
    assert report.rows_quarantined == 3
    [file] = judge.out.glob("quarantine/*")
    assert file.stat().st_size < 10_000
    (chunk,) = LocalReader().rows(file, file.name)
    assert not chunk.faults
    first, third, second = judge.quarantined()
    assert [first["record"]["id"], third["record"]["id"]] == ["a", "b"]
    assert second["rows"] == [[2, 2]]
    assert second["reasons"] == [{"check": "age.range"}]
