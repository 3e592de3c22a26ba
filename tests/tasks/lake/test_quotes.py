"""Quotes of CSV: one that is never closed, text behind one that closes, and what is sound."""

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import UnreadableData
from tasks.lake.bounds import Limits
from tasks.lake.formats import LocalReader
from tasks.lake.quotes import BLOCK, QuotedRows, quoting


def rows_of(folder, body, name="a.csv", limits=None, **more):
    """Good rows and faults."""
    path = folder / "object"
    path.write_bytes(body)
    chunks = list(LocalReader(limits or Limits()).rows(path, f"raw/things/{name}", **more))
    good = []
    for chunk in chunks:
        columns = [column.to_pylist() for column in chunk.columns.values()]
        good += map(list, zip(*columns, strict=True))
    return good, [fault for chunk in chunks for fault in chunk.faults]


LONG = b"id,s\n" + b"".join(b"%d,x%d\n" % (n, n) for n in range(1000))
UNCLOSED = {
    "two rows follow": ("a.csv", b'id,s\n1,"a\n2,b\n3,c\n', "line 2 is never closed"),
    "the last row": ("a.csv", b'id,s\n1,a\n2,"b\n', "line 3 is never closed"),
    "cut off inside a quoted field": ("a.csv", b'id,s\n1,"a"\n2,"half of', "line 3 is never"),
    "cut off behind the sign that opens": ("a.csv", b'id,s\n1,"a"\n2,"', "line 3 is never"),
    "cut off between two quotes": ("a.csv", b'id,s\n1,"a ""', "line 2 is never closed"),
    "one among a thousand": ("a.csv", LONG.replace(b",x500\n", b',"x500\n'), "line 502 is"),
    "the first field": ("a.csv", b'id,s\n"1,a\n2,b\n', "line 2 is never closed"),
    "other ends of lines": ("a.csv", b'id,s\r\n1,a\r\n2,"b\r\n3,c\r\n', "line 3 is never"),
    "behind a value of two lines": ("a.csv", b'id,s\n1,"a\nb"\n2,"c\n', "line 4 is never"),
    "behind blank lines": ("a.csv", b'\n\nid,s\n1,"a\n', "line 4 is never closed"),
    "tabs": ("a.tsv", b'id\ts\n1\t"a\n2\tb\n', "line 2 is never closed"),
    "compressed": ("a.csv.gz", gzip.compress(b'id,s\n1,"a\n2,b\n', mtime=0), "line 2 is never"),
    "escaped at the end": ("a.csv", b'id,s\n1,"27\\""\n2,b\n', r'twice \(""'),
    "longer than any row": ("a.csv", LONG.replace(b",x5\n", b',"x5\n'), "not closed within 64"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCLOSED)
def test_a_quote_that_is_never_closed_costs_the_object_and_is_named_by_its_line(tmp_path, case):
    name, body, said = UNCLOSED[case]
    small = Limits(chunk_bytes=32)
    with pytest.raises(UnreadableData, match=said):
        rows_of(tmp_path, body, name, small if "within" in said else None)


@pytest.mark.parametrize("written", ['"it is \\"x\\""', '"say \\"hi\\" now"', '"\\"x"', '"a\\"b"'])
def test_quotes_behind_backslashes_cost_the_object_and_the_way_out_is_told(tmp_path, written):
    body = f"id,s\n1,a\n2,{written}\n3,b\n".encode()
    for limits in (Limits(), Limits(chunk_bytes=32)):
        with pytest.raises(UnreadableData, match=r"line 3 .*twice .*Spark: .*MySQL: "):
            rows_of(tmp_path, body, limits=limits)


@pytest.mark.parametrize("row", ['2,"a"b', '2,"a" ', '2,""x', '"2"x,"a"', '2,"a""b"c', '2,"a"b"c"'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_behind_a_closing_quote_costs_its_row_and_no_other(tmp_path, row, end):
    body = end.join(["1,x", row, '3,"y"', row, '5,"z ""z"""'])
    for last in (end, ""):
        for limits in (Limits(), Limits(chunk_bytes=48), Limits(chunk_rows=1)):
            good, faults = rows_of(tmp_path, f"id,s\n{body}{last}".encode(), limits=limits)
            assert good == [["1", "x"], ["3", "y"], ["5", 'z "z"']]
            assert [(fault.row, fault.text) for fault in faults] == [(3, row), (5, row)]
            assert all("behind a closing quote" in fault.why for fault in faults)
    good, faults = rows_of(tmp_path, f"id,s\n{row}".encode())
    assert (good, [fault.row for fault in faults]) == ([], [2])


@pytest.mark.parametrize(
    "body", [b'1,"a\n2,"b"\n3,c\n', b'1,"a\nb"c\n2,d\n', b'1,"a\r\nb" ,"c"\r\n2,d\r\n']
)
def test_where_several_lines_may_be_one_row_the_object_is_set_aside(tmp_path, body):
    with pytest.raises(UnreadableData, match="row that begins in line 2 closes in line 3"):
        rows_of(tmp_path, b"id,s\n" + body)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('5" pipe', '5" pipe'),
        ('5" pipe, 6"', None),
        ('a""b', 'a""b'),
        ('x"', 'x"'),
        (' "a"', ' "a"'),
        ('""', ""),
        ('""""', '"'),
        ('"""a"" b"', '"a" b'),
        ('"a,b"', "a,b"),
        ('"a\nb"', "a\nb"),
        ('"a\r\n\r\nb"', "a\r\n\r\nb"),
        ('"C:\\dir\\"', "C:\\dir\\"),
        ('5\\" pipe', '5\\" pipe'),
        ('"\n"', "\n"),
        ('","', ","),
    ],
)
def test_what_is_sound_is_read_as_it_was(tmp_path, written, read):
    for end in (b"\n", b""):
        good, faults = rows_of(tmp_path, f"id,s\n1,{written}".encode() + end)
        assert good == ([] if read is None else [["1", read]])
        assert [fault.why for fault in faults] == (
            ["3 fields instead of 2"] if read is None else []
        )


TEXTS = st.text(st.sampled_from('",\n\r\\a '), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXTS)
def test_no_value_is_other_than_python_reads_it_strictly(tmp_path, text):
    expected, refused = [], False
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            expected += [row] if row else []
    except csv.Error:
        refused = True
    try:
        good, faults = rows_of(tmp_path, f"id,s\n{text}".encode(), limits=Limits(chunk_bytes=128))
    except UnreadableData:
        assert refused
        return
    assert not refused or faults
    if not refused:
        assert good == [row for row in expected if len(row) == 2]
        assert len(faults) == sum(len(row) != 2 for row in expected)


class Trickle(io.BytesIO):
    """A stream that gives only so many bytes at a time."""

    most = 1

    def read(self, size=-1):
        return super().read(min(size, self.most))


def followed(text, most):
    """What comes of a text, or why nothing does."""
    source = Trickle(text)
    source.most = most
    longest = len(text) + 1
    try:
        return b"".join(QuotedRows(source, "a", ",", columns=2, line=2, longest=longest))
    except UnreadableData as error:
        return str(error)


@given(TEXTS.map(str.encode), st.integers(1, 7))
def test_it_does_not_matter_where_the_blocks_end(text, most):
    whole = followed(text, BLOCK)
    assert followed(text, most) == whole
    assert isinstance(whole, str) or whole.replace(b"\0,,", b"") == text


@given(TEXTS.filter(lambda text: '"' in text))
def test_where_lines_end_outside_quotes(text):
    found = quoting(text.encode(), ",")
    state, ends, opened = "start", [], -1
    for at, sign in enumerate(text):
        if state == "inside":
            state = "closed" if sign == '"' else state
        elif sign == '"' and state in {"start", "closed"}:
            opened = at if state == "start" else opened
            state = "inside"
        elif sign in "\n\r":
            ends.append(at)
            state = "start"
        else:
            state = "start" if sign == "," else "text"
    assert found.ends(text.encode()).tolist() == ends
    assert found.whole(text.encode()) == (ends[-1] + 1 if ends else 0)
    assert found.opened() == (opened if state == "inside" else -1)


def test_a_value_over_the_end_of_a_block_is_whole(tmp_path):
    lines = "".join(f"line {n}\n" for n in range(2 * BLOCK // 8))
    rows = [["1", lines], ["2", "x"]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["id", "s"], *rows])
    assert rows_of(tmp_path, text.getvalue().encode()) == (rows, [])


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\n\n\n"])
def test_blank_lines_behind_a_header_are_no_rows(tmp_path, blank):
    assert rows_of(tmp_path, b"id,s\n" + blank) == ([], [])


def test_a_row_without_end_is_named_by_its_line(tmp_path):
    body = b"id,s\n1,a\n2," + b"b" * 2 * BLOCK + b"\n"
    with pytest.raises(UnreadableData, match="line 3 is longer than 64 bytes"):
        rows_of(tmp_path, body, limits=Limits(chunk_bytes=32))
    numbers = np.arange(1000)
    body = b"id,s\n" + b"".join(b'%d,"a"\n' % n for n in numbers)
    good, faults = rows_of(tmp_path, body, limits=Limits(chunk_bytes=32))
    assert ([int(number) for number, _ in good], faults) == (numbers.tolist(), [])
