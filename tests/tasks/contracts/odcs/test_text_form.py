"""Encodings and delimiters that a contract declares: honoured, or refused when it is loaded."""

import codecs
import json

import pytest

from tasks.contracts.odcs import contract_of
from tasks.errors import InvalidContract

COLUMNS = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "name", "logicalType": "string", "required": True},
]


@pytest.fixture
def declared(odcs):
    def make(form, **server):
        made = odcs(COLUMNS, form=form, limit=0.0)
        made["servers"][0].update(server)
        return contract_of(made, "things", "test")

    return make


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "semicolon", "tab", "pipe", "\\t"])
@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "latin-1", "windows-1252", "UTF-16"])
def test_csv_is_read_as_declared(delimiter, encoding, declared, lake, judge):
    sign = {"semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}.get(delimiter, delimiter)
    text = f'id{sign}name\n1{sign}"Grün{sign} und so"\n'
    lake.put("a.csv", text.encode(encoding))
    report = judge(declared("csv", encoding=encoding, delimiter=delimiter), lake)
    assert (report.outcome, report.rows_good) == ("pass", 1)
    assert judge.good()["name"].tolist() == [f"Grün{sign} und so"]


@pytest.mark.parametrize("delimiter", ["new_line", "array"])
@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.json", "0b8f6a2e-93b1-4b52-9d0e-3f9f1c1e7a10"])
def test_json_is_read_as_declared(delimiter, encoding, name, declared, lake, judge):
    records = [{"id": n, "name": "Grün"} for n in range(3)]
    texts = [json.dumps(record, ensure_ascii=False) for record in records]
    text = f"[{','.join(texts)}]" if delimiter == "array" else "\n".join(texts)
    lake.put(name, text.encode(encoding))
    report = judge(declared("json", encoding=encoding, delimiter=delimiter), lake)
    assert (report.outcome, report.rows_good) == ("pass", 3)
    assert set(judge.good()["name"]) == {"Grün"}


@pytest.mark.parametrize(
    ("form", "server"),
    [
        ("csv", {"encoding": "klingon"}),
        ("csv", {"encoding": "hex"}),
        ("csv", {"encoding": "rot13"}),
        ("json", {"encoding": "unicode_escape"}),
        ("parquet", {"encoding": "ISO-8859-1"}),
        ("csv", {"delimiter": "::"}),
        ("csv", {"delimiter": "new_line"}),
        ("csv", {"delimiter": ""}),
        ("json", {"delimiter": ";"}),
        ("json", {"delimiter": "tab"}),
        ("parquet", {"delimiter": ","}),
        ("images", {"delimiter": "new_line"}),
        ("avro", {}),
        ("delta", {}),
        ("orc", {}),
    ],
)
def test_what_no_reader_honours_is_refused_at_load(form, server, declared):
    with pytest.raises(InvalidContract) as caught:
        declared(form, **server)
    assert next(iter(server), "format") in str(caught.value)
    assert repr(next(iter(server.values()), form)) in str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
def test_a_byte_order_mark_costs_no_record(name, mark, declared, lake, judge):
    lines = b'{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'
    lake.put(name, mark + lines)
    lake.put(f"array-{name}", mark + b"[" + lines.strip().replace(b"\n", b",") + b"]")
    wanted = 4 if name == "a.json" else 2
    report = judge(declared("json"), lake)
    assert report.rows_good == wanted


def test_an_empty_part_is_told_and_costs_nothing(declared, lake, judge):
    empty = lake.put("part-00000.json", b"")
    lake.put("part-00001.json", b'{"id":1,"name":"a"}\n')
    report = judge(declared("json"), lake)
    assert (report.outcome, report.objects_read, report.rows_good) == ("pass", 2, 1)
    assert [notice for notice in report.notices if empty in notice and "no row" in notice]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_an_empty_object_of_a_format_that_has_a_header_is_set_aside(name, declared, lake, judge):
    lake.put(name, b"")
    report = judge(declared(name.partition(".")[2]), lake)
    (told,) = report.unreadable
    assert "empty (0 bytes)" in told.why
    assert report.outcome == "fail"
