"""Formats that are not read say so by name, whatever the contract declares."""

import gzip
import io
import re
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from tasks.errors import UnreadableData
from tasks.lake.endings import ENDINGS, format_of
from tasks.lake.foreign import ENDINGS as FOREIGN
from tasks.lake.foreign import foreign_ending, foreign_start
from tasks.lake.formats import LocalReader

TABLE = pa.table({"id": range(9), "s": ["x"] * 9})


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "id,s\n1,a\n")
    return out.getvalue()


def tarred(mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        entry = tarfile.TarInfo("part.csv")
        entry.size = 9
        archive.addfile(entry, io.BytesIO(b"id,s\n1,a\n"))
    return out.getvalue()


def written(write):
    out = io.BytesIO()
    write(TABLE, out)
    return out.getvalue()


AVRO = b"Obj\1\2\x16avro.schema\x0a{}\0" + b"\1" * 16
WORKBOOK = zipped("[Content_Types].xml", "xl/workbook.xml")
CASES = {
    "a.tar.gz": (tarred("w:gz"), "archive"),
    "a.tgz": (tarred("w:gz"), "archive"),
    "a.TAR.BZ2": (tarred("w:bz2"), "archive"),
    "a.zip": (zipped("part.csv"), "archive"),
    "a.csv.zip": (zipped("part.csv"), "archive"),
    "a.xlsx": (WORKBOOK, "Excel"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
    "a.avro": (AVRO, "Avro"),
    "a.snappy.avro": (AVRO, "Avro"),
    "a.orc": (written(pyarrow.orc.write_table), "ORC"),
    "a.xml": (b"<rows/>", "XML"),
    "a.feather": (written(pyarrow.feather.write_feather), "Arrow"),
}


def why(folder, name, body, declared):
    path = folder / "object"
    path.write_bytes(body)
    with pytest.raises(UnreadableData) as caught:
        list(LocalReader().rows(path, f"raw/things/{name}", declared=declared))
    return caught.value.what


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("declared", ["csv", "jsonl", "parquet"])
def test_the_ending_names_a_format_that_is_not_read(tmp_path, name, declared):
    body, format_ = CASES[name]
    said = why(tmp_path, name, body, declared)
    assert re.search(rf"is not read: its format is (an )?{format_}.*; \w+", said)


STARTS = {
    "zip": (zipped("part.csv"), "an archive"),
    "an empty zip": (zipped(), "an archive"),
    "tar": (tarred(), "an archive"),
    "tar, compressed": (tarred("w:gz"), "an archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "an archive"),
    "rar": (b"Rar!\x1a\x07\1\0", "an archive"),
    "a workbook": (WORKBOOK, "an Excel workbook"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "office"),
    "Avro": (AVRO, "Avro"),
    "Avro, compressed": (gzip.compress(AVRO, mtime=0), "Avro"),
    "ORC": (written(pyarrow.orc.write_table), "ORC"),
    "Parquet": (written(pq.write_table), "Parquet"),
    "Arrow": (written(pyarrow.feather.write_feather), "an Arrow file"),
    "SQLite": (b"SQLite format 3\0" + b"\0" * 90, "SQLite"),
}


@pytest.mark.parametrize("case", STARTS)
@pytest.mark.parametrize(("name", "declared"), [("0", "csv"), ("0", "jsonl"), ("a.csv", "")])
def test_the_first_bytes_name_it_where_the_ending_does_not(tmp_path, case, name, declared):
    body, format_ = STARTS[case]
    said = why(tmp_path, name, body, declared)
    assert re.search(rf"by its first bytes its format is .*{format_}.*; \w+", said)


@pytest.mark.parametrize(
    "header", ["ORC", "ORC,s", "PAR1,PAR2", "PK,s", "Obj,s", "7z,s", "Rar!,s", "%PDF-,s", "ustar"]
)
def test_a_header_that_begins_alike_is_a_header(tmp_path, header):
    path = tmp_path / "object"
    path.write_bytes(f"{header}\n1{',2' * header.count(',')}\n".encode())
    (chunk,) = LocalReader().rows(path, "a.csv")
    assert list(chunk.columns) == header.split(",")
    assert foreign_start(b"x" * 300) == ""


def test_no_format_is_both_read_and_not():
    for ending in ENDINGS:
        assert foreign_ending(f"part{ending}") == ""
        assert foreign_ending(f"part{ending}.gz") == ""
    for ending in FOREIGN:
        assert format_of(f"part{ending}") == ""
    for name in ("part-00000", "a.txt", "zip", "a.gz", "xml/part-0", "orc.csv"):
        assert foreign_ending(name) == ""
