"""JSON objects over many lines, one after another, as jq writes them."""

import codecs
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import UnreadableData
from tasks.lake.bounds import Limits
from tasks.lake.formats import LocalReader
from tasks.lake.json_items import spans

RECORDS = [{"a": n, "b": {"c": [n, "} {"]}} for n in range(5)]


def pretty(records, between="\n"):
    return (between.join(json.dumps(record, indent=2) for record in records) + "\n").encode()


def records_of(folder, body, name="a.json", limits=None, **more):
    """Records with their numbers, and faults."""
    path = folder / "object"
    path.write_bytes(body)
    chunks = list(LocalReader(limits or Limits()).rows(path, name, declared="jsonl", **more))
    records = []
    for chunk in chunks:
        rows = zip(*chunk.columns.values(), strict=True)
        records += [dict(zip(chunk.columns, row, strict=True)) for row in rows]
    numbers = [int(number) for chunk in chunks for number in chunk.rows]
    return records, numbers, [fault for chunk in chunks for fault in chunk.faults]


@pytest.mark.parametrize("name", ["a.json", "part-00000", "a.json.gz"])
@pytest.mark.parametrize("between", ["\n", "", "\n\n", "\r\n", " ", "\n\ufeff"])
def test_objects_over_many_lines_are_read_one_after_another(tmp_path, name, between):
    body = pretty(RECORDS, between)
    body = gzip.compress(body, mtime=0) if name.endswith(".gz") else body
    assert records_of(tmp_path, body, name) == (RECORDS, [1, 2, 3, 4, 5], [])
    small = Limits(chunk_rows=2)
    assert records_of(tmp_path, body, name, small) == (RECORDS, [1, 2, 3, 4, 5], [])


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, b"\n \n"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_what_stands_before_them_changes_nothing(tmp_path, mark, encoding):
    body = mark + pretty(RECORDS)
    assert records_of(tmp_path, body, encoding=encoding)[0] == RECORDS


def test_records_that_follow_in_another_form_are_read_as_well(tmp_path):
    body = pretty(RECORDS[:2]) + b'{"a":7,"b":null}{"a":8,"b":null}\n[1]\n'
    records, numbers, faults = records_of(tmp_path, body)
    assert [record["a"] for record in records] == [0, 1, 7, 8]
    assert numbers == [1, 2, 3, 4]
    assert [(fault.row, fault.why) for fault in faults] == [(5, "it is not a JSON object")]


OPEN = {
    "cut off": (pretty(RECORDS)[:-20], "number 5 of them is not JSON"),
    "a comma between": (pretty(RECORDS, ",\n"), "number 2 of them is not JSON"),
    "a quote that is missing": (pretty(RECORDS) + b'{\n"a": "1\n}\n', "number 6 of them"),
    "a brace that is missing": (pretty(RECORDS[:1]) + b'{\n"a": [1}\n]\n', "number 2 of them"),
    "a brace too many": (pretty(RECORDS) + b"}\n", "number 6 of them"),
    "an array cut off": (json.dumps(RECORDS).encode()[:-1], "JSONDecodeError"),
    "two arrays": (json.dumps(RECORDS).encode() * 2, "Extra data"),
    "an array's brackets": (b'[{"a": 1}, {"a": [2}]]', "JSONDecodeError"),
    "a backslash outside quotes": (b'[{"a": 1}, {"a": \\"2"}]', "JSONDecodeError"),
    "stray quotes in two records": (
        b'[{"a": "5" tv"}, {"a": 1}, {"a": "7" tv"}]',
        "JSONDecodeError",
    ),
    "stray quotes at the ends": (b'[{"a": "tv 5""}, {"a": 1}, {"a": "tv 7""}]', "JSONDecodeError"),
    "stray quotes over lines": (
        pretty(RECORDS) + b'{\n"a": "5" tv"\n}\n' + pretty(RECORDS) + b'{\n"a": "7" tv"\n}\n',
        "number 6 of them is not JSON",
    ),
}


@pytest.mark.parametrize("case", OPEN)
def test_where_nobody_can_say_which_records_are_meant_the_object_is_set_aside(tmp_path, case):
    body, said = OPEN[case]
    with pytest.raises(UnreadableData, match=said):
        records_of(tmp_path, body)


BROKEN = {
    "a field twice": (b'{"a": 1, "a": 2}', "'a' is named more than once"),
    "no number": (b'{"a": NaN}', "NaN is not JSON"),
    "thousands of digits": (b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
    "other bytes": (b'{"a": "\xff"}', "can't decode byte 0xff"),
    "nothing where a value stands": (b'{"a": }', "Expecting value"),
    "a comma too many": (b'{"a": 1,}', "is not JSON"),
    "quotes of another kind": (b"{'a': 1}", "is not JSON"),
    "nested too deep": (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "more than 64 deep"),
}
FORMS = {
    "one array": lambda items: b"[" + b", ".join(items) + b"]",
    "an array over lines": lambda items: b"\n[\n  " + b",\n  ".join(items) + b"\n]\n",
    "objects over many lines": lambda items: b'{\n"a": 0}\n' + b"\n".join(items) + b"\n",
    "one a line": lambda items: b"\n".join(items) + b"\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", BROKEN)
def test_a_record_that_is_not_json_costs_only_itself_in_whatever_form(tmp_path, case, form):
    broken, why = BROKEN[case]
    good = [b'{"a": "} ]"}', b'{"a": "\\", [{"}']
    records, numbers, faults = records_of(tmp_path, FORMS[form]([good[0], broken, good[1]]))
    before = [0] if form == "objects over many lines" else []
    assert [record["a"] for record in records] == [*before, "} ]", '", [{']
    (fault,) = faults
    assert fault.row == 2 + len(before)
    assert numbers == [n for n in range(1, 4 + len(before)) if n != fault.row]
    assert why in fault.why
    assert fault.text == broken[:1000].decode(errors="backslashreplace")


def test_a_broken_object_over_many_lines_may_be_the_first(tmp_path):
    body = b'{\n"a": 0,\n}\n' + pretty(RECORDS)
    records, numbers, faults = records_of(tmp_path, body)
    assert (records, numbers) == (RECORDS, [2, 3, 4, 5, 6])
    assert [(fault.row, fault.text) for fault in faults] == [(1, '{\n"a": 0,\n}')]


def test_a_comma_that_stands_last_in_an_array_costs_no_record(tmp_path):
    records, _, faults = records_of(tmp_path, b'[{"a": 1}, {"a": 2},\n]')
    assert records == [{"a": 1}, {"a": 2}]
    assert [(fault.row, fault.text) for fault in faults] == [(3, "")]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.jsonl", ""), ("a.ndjson", ""), ("a.json", "new_line")]
)
def test_where_lines_are_promised_one_reason_tells_of_objects_over_many(tmp_path, name, delimiter):
    for records in (RECORDS, RECORDS[:1]):
        with pytest.raises(UnreadableData, match=r"goes over many lines; .*jq -c"):
            records_of(tmp_path, pretty(records), name, delimiter=delimiter)


def test_too_many_of_them_to_be_held_are_one_reason(tmp_path):
    with pytest.raises(UnreadableData, match=r"more than 200 bytes of them; .*jq -c"):
        records_of(tmp_path, pretty(RECORDS), limits=Limits(chunk_bytes=200))


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.json", ""), ("a.json", "new_line"), ("a.jsonl", "")]
)
@pytest.mark.parametrize("first", [b"{bad", b'{"a":', b"{", b'{"a":1,"a":2}', b'{"a":NaN}'])
def test_a_broken_first_line_costs_only_itself(tmp_path, name, delimiter, first):
    body = first + b'\n{"a":1}\n{"a":2}\n'
    records, numbers, faults = records_of(tmp_path, body, name, delimiter=delimiter)
    assert records == [{"a": 1}, {"a": 2}]
    assert numbers == [2, 3]
    assert [fault.row for fault in faults] == [1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": "5" tv"}', b'{"a": "7" tv"}'),
        (b'{"a": {"b": 1}', b'{"a": 1}}'),
        (b'{"a": [{"b": 1}}', b'{"a": {"b": 1}]}'),
    ],
)
def test_broken_lines_that_make_up_for_each_other_cost_no_line_between(tmp_path, one, other):
    lines = [b'{"a": %d}' % n for n in range(100)]
    for first in (0, 1):
        lines[first], lines[60] = one, other
        records, numbers, faults = records_of(tmp_path, b"\n".join(lines))
        assert [fault.row for fault in faults] == [*range(1, first + 2), 61]
        assert [record["a"] + 1 for record in records] == numbers
        assert len(numbers) + len(faults) == 100


def test_a_string_of_millions_of_escapes_takes_no_memory_of_their_own():
    pytest.importorskip("resource")
    before = peak()
    assert list(spans('["' + '\\"' * 5_000_000 + '"]'))
    assert peak() - before < 200 * 2**20, "300 MB and more where each escape may be given back"


def peak():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"a": VALUES}), min_size=1, max_size=4),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from(["\n", "\n\n"]),
)
def test_how_objects_are_laid_out_changes_nothing(tmp_path, records, indent, between):
    body = between.join(json.dumps(record, indent=indent) for record in records)
    assert records_of(tmp_path, body.encode())[0] == records
