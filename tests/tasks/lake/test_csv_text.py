"""Headers of CSV that say what is wrong with them."""

import gzip

import pytest

from tasks.errors import UnreadableData
from tasks.lake.formats import LocalReader


def why(folder, body, name="a.csv", delimiter=""):
    path = folder / "object"
    path.write_bytes(body)
    with pytest.raises(UnreadableData) as caught:
        list(LocalReader().rows(path, name, declared="csv", delimiter=delimiter))
    return caught.value.what


@pytest.mark.parametrize(
    "body",
    [
        b"id,s\r1,a\r2,b\r",
        b"id\r1\r2",
        b'"id","s"\r"1","a"\r',
        b"id,s\r" + b"1,a\r" * 50_000,
        b"\xef\xbb\xbfid,s\r1,a\r",
    ],
    ids=("plain", "one column", "quoted", "long", "with a mark"),
)
def test_lines_of_old_macs_are_called_so(tmp_path, body):
    assert "its lines end with CR alone" in why(tmp_path, body)
    assert "write LF" in why(tmp_path, gzip.compress(body, mtime=0), "a.csv.gz")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'"id","a\nb"\n1,2\n', 1),
        (b'id,"a\r\nb"\r\n1,2\r\n', 1),
        (b'\n\nid,"a\nb"\n1,2\n', 3),
        (b'"id,s\n1,2\n', 1),
    ],
)
def test_a_name_over_two_lines_is_called_so(tmp_path, body, line):
    assert f"a quote opened in its header, line {line}, is not closed" in why(tmp_path, body)


@pytest.mark.parametrize("sign", [";", ",", "|", "\t"])
@pytest.mark.parametrize("declared", ["", ";", "|"])
@pytest.mark.parametrize("form", ["sep={}", '"sep={}"', "SEP={}"])
def test_excels_own_first_line_is_called_so(tmp_path, sign, declared, form):
    body = f"{form.format(sign)}\r\nid{sign}s\r\n1{sign}a\r\n".encode()
    said = why(tmp_path, body, delimiter=declared)
    assert "its first line, sep=, is one of Excel's own" in said
    assert f"say {sign!a}" in said
    assert said.isprintable()


@pytest.mark.parametrize("header", ["sep", "sep=", "sep=ab", "id,sep=;", "a sep=;", "sep=a,b"])
def test_a_column_that_is_called_alike_is_a_column(tmp_path, header):
    path = tmp_path / "object"
    path.write_bytes(f"{header}\n".encode())
    (chunk,) = LocalReader().rows(path, "a.csv")
    assert list(chunk.columns) == header.split(",")
