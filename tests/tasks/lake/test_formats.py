import bz2
import codecs
import gzip
import io
import json
import lzma
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import UnreadableData
from tasks.lake.bounds import Limits
from tasks.lake.endings import format_of
from tasks.lake.formats import LocalReader
from tasks.lake.pictures import decode_image


@pytest.fixture
def read(tmp_path):
    def chunks(name, body, limits=None, **more):
        path = tmp_path / "object"
        path.write_bytes(body)
        reader = LocalReader(limits or Limits())
        return list(reader.rows(path, f"raw/things/{name}", **more))

    return chunks


def parquet(table, **more):
    out = io.BytesIO()
    pq.write_table(table, out, **more)
    return out.getvalue()


def listed(chunks, name):
    found = []
    for chunk in chunks:
        column = chunk.columns.get(name, [])
        found += column if isinstance(column, list) else column.to_pylist()
    return found


def packed(codec, body):
    return pa.compress(body, codec=codec, asbytes=True)


CSV = b"a,b\n1,x\n2,\n"
GOOD = {
    "a.csv": CSV,
    "a.csv.gz": gzip.compress(CSV, mtime=0),
    "bom.csv": b"\xef\xbb\xbf" + CSV,
    "crlf.csv": CSV.replace(b"\n", b"\r\n"),
    "end.csv": CSV.rstrip(b"\n"),
    "a.csv.bz2": bz2.compress(CSV),
    "a.csv.deflate": zlib.compress(CSV),
    "a.csv.zst": packed("zstd", CSV),
    "a.csv.xz": lzma.compress(CSV),
    "a.csv.lz4": packed("lz4", CSV),
    "part-00000-uuid-c000.csv.gz": gzip.compress(CSV, mtime=0),
    "packed without a name for it.csv": bz2.compress(CSV),
    "bom.csv.gz": gzip.compress(b"\xef\xbb\xbf" + CSV, mtime=0),
    "a.tsv": CSV.replace(b",", b"\t"),
    "a.tsv.gz": gzip.compress(CSV.replace(b",", b"\t"), mtime=0),
    **{
        f"{encoding}.csv": codecs.BOM_UTF8.decode().encode(encoding) + CSV.decode().encode(encoding)
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_csv_is_text_as_it_was_written(read, name):
    (chunk,) = read(name, GOOD[name])
    assert chunk.kind == "text"
    assert listed([chunk], "a") == ["1", "2"]
    assert listed([chunk], "b") == ["x", ""]
    assert chunk.rows.tolist() == [2, 3]


def test_a_table_without_rows_is_one_empty_chunk(read):
    (chunk,) = read("a.csv", b"a,b\n")
    assert (len(chunk), list(chunk.columns)) == (0, ["a", "b"])
    (chunk,) = read("a.parquet", parquet(pa.table({"a": pa.array([], pa.int64())})))
    assert len(chunk) == 0


def test_rows_with_too_many_or_too_few_fields_cost_themselves_only(read):
    body = b"a,b\n1,2\n3\n4,5\n6,7,8\n" + b'"x\ny",9\n' + b"10,11\n"
    for limits in (Limits(), Limits(chunk_rows=2), Limits(chunk_bytes=16)):
        chunks = read("a.csv", body, limits)
        assert listed(chunks, "a") == ["1", "4", "x\ny", "10"]
        assert [row for chunk in chunks for row in chunk.rows] == [2, 4, 6, 7]
        faults = [(f.row, f.text) for chunk in chunks for f in chunk.faults]
        assert faults == [(3, "3"), (5, "6,7,8")]


def test_json_lines_keep_their_types_and_a_bad_line_costs_itself(read):
    body = b'{"a":1}\n\n{"a":"x","b":[1]}\n[1]\n{bad\n{"a":NaN}\n{"a":"\xff"}\n{"b":2}\n'
    (chunk,) = read("a.jsonl", body)
    assert listed([chunk], "a") == [1, "x", None]
    assert listed([chunk], "b") == [None, [1], 2]
    assert chunk.rows.tolist() == [1, 3, 8]
    assert [fault.row for fault in chunk.faults] == [4, 5, 6, 7]


def test_a_field_named_twice_costs_its_record(read):
    body = b'{"a":1,"a":2}\n{"a":3}\n{"b":{"c":1,"c":1}}\n'
    (chunk,) = read("a.jsonl", body)
    assert listed([chunk], "a") == [3]
    assert [fault.row for fault in chunk.faults] == [1, 3]
    assert all("more than once" in fault.why for fault in chunk.faults)
    (chunk,) = read("a.json", b'[{"a":1,"a":2},{"a":3}]')
    assert listed([chunk], "a") == [3]
    assert "'a' is named more than once" in chunk.faults[0].why


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_record_without_bottom_costs_itself(read, name):
    lines = [b'{"a":%s}' % (b"[" * depth + b"]" * depth) for depth in (1, 63, 64, 400)]
    body = b"\n".join(lines) if name == "a.jsonl" else b"[" + b",".join(lines) + b"]"
    (chunk,) = read(name, body)
    assert len(listed([chunk], "a")) == 2
    assert ["deep" in fault.why for fault in chunk.faults] == [True, True]


@pytest.mark.parametrize(
    "body", [b'[{"a":1},{"a":2}]', b'{"a":1}\n{"a":2}\n', b' \n{"a":1}\n{"a":2}']
)
def test_a_json_document_is_an_array_or_lines(read, body):
    assert listed(read("a.json", body), "a") == [1, 2]


def test_one_object_over_many_lines_is_one_record(read):
    body = json.dumps({"a": 1, "b": {"c": 2}}, indent=2).encode()
    assert listed(read("a.json", body), "a") == [1]


def test_parquet_keeps_its_types(read):
    table = pa.table({"n": [1, None], "s": ["x", None], "l": [[1], []]})
    (chunk,) = read("a.parquet", parquet(table))
    assert chunk.kind == "typed"
    assert chunk.columns["n"].type == pa.int64()
    assert chunk.columns["s"].to_pylist() == ["x", None]
    assert chunk.columns["l"] == [[1], []]


def test_long_objects_come_in_bounded_chunks(read):
    small = Limits(chunk_rows=10)
    assert max(map(len, read("a.csv", b"a\n" + b"1\n" * 95, small))) <= 10
    assert max(map(len, read("a.jsonl", b'{"a":1}\n' * 95, small))) <= 10
    chunks = read("a.parquet", parquet(pa.table({"a": range(95)})), small)
    assert max(map(len, chunks)) <= 10
    assert listed(chunks, "a") == list(range(95))
    assert [row for chunk in chunks for row in chunk.rows] == list(range(1, 96))


def test_nothing_of_a_long_object_is_given_before_all_of_it_was_read(tmp_path):
    body = gzip.compress(b"a\n" + b"".join(b"%d\n" % n for n in range(50_000)), mtime=0)
    path = tmp_path / "object"
    path.write_bytes(body[:-500])
    chunks = LocalReader(Limits(chunk_rows=100, chunk_bytes=4096)).rows(path, "long.csv.gz")
    with pytest.raises(UnreadableData, match=r"long\.csv\.gz"):
        next(chunks)


BIG = "z" * 1_000_000
REPEATED = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array([BIG]))
WHOLE = parquet(pa.table({"a": list(range(1000)), "s": ["x"] * 1000}))
UNREADABLE = {
    "zero bytes": ("a.csv", b"", "0 bytes"),
    "zero bytes of parquet": ("a.parquet", b"", "0 bytes"),
    "nothing, compressed": ("a.csv.gz", gzip.compress(b"", mtime=0), "only blanks"),
    "blanks only": ("a.jsonl", b"\n \n", "no line"),
    "gzip in name only": ("a.csv.gz", CSV, "not gzip"),
    "gzip cut off": ("a.csv.gz", gzip.compress(CSV * 1000, mtime=0)[:-9], "end-of-stream"),
    "gzip with a wrong checksum": (
        "a.csv.gz",
        gzip.compress(CSV, mtime=0)[:-8] + b"12345678",
        "CRC",
    ),
    "latin-1": ("a.csv", "a\nü\n".encode("latin-1"), "byte 2 is not utf-8"),
    "latin-1 in a broken row": ("a.csv", b"a,b\n1,2\n\xff\n3,4\n", "byte 8 is not utf-8"),
    "utf-8 cut off": ("a.csv", b"a\n1\n\xc3", "unexpected end of data"),
    "utf-16 cut off": ("a.csv", "a,b\n1,2\n".encode("utf-16")[:-1], "utf-16-le"),
    "utf-16 without a mark": ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), "NUL"),
    "a picture called csv": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "NUL"),
    "a column twice": ("a.csv", b"a,a\n1,2\n", "more than once"),
    "a header without end": ("a.csv", b"a" * 200_000, "header is longer"),
    "too many columns": ("a.csv", b",".join(b"c%d" % n for n in range(3000)), "3,000 columns"),
    "parquet cut off": ("a.parquet", WHOLE[:-20], "Parquet"),
    "parquet without a head": ("a.parquet", WHOLE[200:], "cannot be read"),
    "parquet in name only": ("a.parquet", CSV * 10, "Parquet"),
    "a bomb of one value": ("a.parquet", parquet(pa.table({"s": REPEATED})), "bomb"),
    "an array cut off": ("a.json", b'[{"a":1},', "JSONDecodeError"),
    "an array without end": ("a.json", b"[" * 100_000, "RecursionError|JSONDecodeError"),
    "an unknown kind": ("a.xlsx", b"PK", "format"),
    "bzip2 in name only": ("a.csv.bz2", CSV, "not bzip2"),
    "zstd in name only": ("a.csv.zst", gzip.compress(CSV, mtime=0), "not Zstandard"),
    "bzip2 cut off": ("a.csv.bz2", bz2.compress(CSV * 1000)[:-9], "end-of-stream"),
    "deflate cut off": ("a.csv.deflate", zlib.compress(CSV * 1000)[:-9], "end-of-stream"),
    "more than deflate": ("a.csv.deflate", zlib.compress(CSV) + b"x", "bytes follow"),
    "zstd cut off": ("a.csv.zst", packed("zstd", CSV)[:-3], "Truncated"),
    "xz cut off": ("a.csv.xz", lzma.compress(CSV)[:-9], "end-of-stream"),
    "Hadoop's snappy": ("a.csv.snappy", b"\0\0\0\x0c", ".snappy is not read"),
    "an archive": ("a.csv.zip", b"PK\3\4", ".zip is not read"),
    "Parquet packed as a whole": ("a.parquet.gz", gzip.compress(b"PAR1" * 9, mtime=0), "Parquet"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_one_clear_error_that_names_the_object(read, case):
    name, body, said = UNREADABLE[case]
    with pytest.raises(UnreadableData, match=said) as caught:
        read(name, body)
    assert f"raw/things/{name}" in str(caught.value)


def test_a_bomb_is_stopped_while_it_grows(read):
    bomb = gzip.compress(b"a\n" + b"1\n" * 30_000_000, 9, mtime=0)
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableData, match="as a bomb does"):
        read("a.csv.gz", bomb)


ALIKE = {
    "text": pa.DictionaryArray.from_arrays(pa.array([0] * 150_000, pa.int32()), ["x" * 900]),
    "numbers": pa.array([7] * 5_000_000),
    "booleans": pa.array([True] * 2_000_000),
    "nothing": pa.nulls(2_000_000, pa.int32()),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_a_parquet_bomb_is_stopped_before_its_rows_are_judged(read, kind):
    bomb = parquet(pa.table({"a": ALIKE[kind]}))
    assert len(bomb) < 25_000
    with pytest.raises(UnreadableData, match="as a bomb does"):
        read("a.parquet", bomb)


@pytest.mark.parametrize(
    "columns",
    [
        {"id": pa.array(range(1_000_000)), "town": pa.array(["here"] * 1_000_000)},
        {"at": pa.array(sorted([*range(3000)] * 400)), "sold": pa.array([False] * 1_200_000)},
        {"town": pa.array(["here"] * 200_000), "sold": pa.array([True] * 200_000)},
    ],
    ids=("counted", "sorted", "all alike"),
)  # fmt: skip
def test_a_table_that_says_little_is_no_bomb(read, columns):
    body = parquet(pa.table(columns))
    assert sum(len(chunk.rows) for chunk in read("a.parquet", body)) == len(
        columns[next(iter(columns))]
    )


def test_declared_sizes_are_believed_before_a_byte_is_read(read):
    body = parquet(pa.table({"a": range(100_000)}))
    with pytest.raises(UnreadableData, match="declares 100,000 rows"):
        read("a.parquet", body, Limits(rows=99_999))
    with pytest.raises(UnreadableData, match=r"declares [\d,]+ bytes"):
        read("a.parquet", body, Limits(expanded_bytes=10_000))
    with pytest.raises(UnreadableData, match="longer than 1,000 bytes"):
        read("a.jsonl", b'{"a":"' + b"x" * 2000 + b'"}', Limits(line_bytes=1_000))


def test_hostile_names_are_shown_without_their_control_signs(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(b"")
    for key in ("a\x1b[31m\n\r.csv", "../../etc/passwd.csv", "\u202egnp.csv", "x" * 1000 + ".csv"):
        with pytest.raises(UnreadableData) as caught:
            list(LocalReader().rows(path, key))
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\r\n"), max_size=30
)
ENCODINGS = st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
MARKED = frozenset({"utf-8", "utf-8-sig", "utf-16", "utf-32"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), ENCODINGS, st.booleans(), st.booleans())
def test_json_in_any_encoding_loses_no_record(tmp_path, texts, encoding, array, zipped):
    records = [{"a": text, "n": n} for n, text in enumerate(texts)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    text = f"[\n{','.join(lines)}\n]\n" if array else "".join(f"{line}\n" for line in lines)
    body = text.encode(encoding)
    path = tmp_path / "object"
    path.write_bytes(gzip.compress(body, mtime=0) if zipped else body)
    declared = "utf-8" if encoding in MARKED else encoding
    name = f"a.{'json' if array else 'jsonl'}{'.gz' if zipped else ''}"
    chunks = list(LocalReader().rows(path, name, encoding=declared))
    assert listed(chunks, "a") == texts
    assert not any(chunk.faults for chunk in chunks)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15", "cp1250", "koi8-r"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_another_encoding_is_read_when_the_contract_says_so(read, encoding, kind):
    word = "Дом" if encoding == "koi8-r" else "Preis ä ß"
    text = f"a\n{word}\n" if kind == "csv" else json.dumps({"a": word}, ensure_ascii=False) + "\n"
    assert listed(read(f"a.{kind}", text.encode(encoding), encoding=encoding), "a") == [word]


def test_a_mark_counts_before_what_the_contract_declares(read):
    body = codecs.BOM_UTF8 + "a\nü\n".encode()
    assert listed(read("a.csv", body, encoding="cp1252"), "a") == ["ü"]


def test_utf_16_without_a_mark_is_not_guessed(read):
    with pytest.raises(UnreadableData, match="utf-16-le or utf-16-be"):
        read("a.csv", "a\n1\n".encode("utf-16-le"), encoding="utf-16")


def test_bytes_that_another_encoding_does_not_know_are_told(read):
    with pytest.raises(UnreadableData, match=r"is not charmap|is not cp1252"):
        read("a.csv", b"a\n\x81\n", encoding="cp1252")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_fields_are_parted_as_the_contract_says(read, delimiter):
    rows = (["a", "b"], ["1", "x"], ["2", f'"y{delimiter}y"'])
    body = "".join(f"{delimiter.join(row)}\n" for row in rows)
    (chunk,) = read("a.csv", body.encode(), delimiter=delimiter)
    assert listed([chunk], "a") == ["1", "2"]
    assert listed([chunk], "b") == ["x", f"y{delimiter}y"]


def test_the_contract_says_how_json_records_are_parted(read):
    array, lines = b'[{"a":1},{"a":2}]', b'{"a":1}\n{"a":2}\n'
    for name in ("a.json", "part-00000"):
        assert listed(read(name, array, declared="jsonl"), "a") == [1, 2]
        assert listed(read(name, lines, declared="jsonl"), "a") == [1, 2]
        assert listed(read(name, array, declared="jsonl", delimiter="array"), "a") == [1, 2]
        assert listed(read(name, lines, declared="jsonl", delimiter="new_line"), "a") == [1, 2]
        (chunk,) = read(name, array, declared="jsonl", delimiter="new_line")
        assert [fault.row for fault in chunk.faults] == [1]
        for other in (lines, lines[:8]):
            with pytest.raises(UnreadableData, match=r"array|Extra data"):
                read(name, other, declared="jsonl", delimiter="array")


def test_records_end_to_end_on_one_line_are_all_read_or_none(read):
    body = b'{"a":1}{"a":2} {"a":3}\n{"a":4}\n{"a":5}{"a":\n{"a":6}7\n'
    (chunk,) = read("stream-1-2024-07-01", body, declared="jsonl")
    assert listed([chunk], "a") == [1, 2, 3, 4]
    assert chunk.rows.tolist() == [1, 1, 1, 2]
    assert [fault.row for fault in chunk.faults] == [3, 4]


def test_files_put_together_keep_the_record_behind_the_inner_mark(read):
    body = (codecs.BOM_UTF8 + b'{"a":1}\n') * 2
    assert listed(read("a.jsonl", body), "a") == [1, 1]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "part-00000"])
@pytest.mark.parametrize("body", [b"", gzip.compress(b"", mtime=0), codecs.BOM_UTF8])
def test_json_without_a_line_is_no_record(read, name, body):
    (chunk,) = read(name, body, declared="jsonl")
    assert (len(chunk), chunk.faults) == (0, ())


@pytest.mark.parametrize(
    ("key", "kind"),
    [("A.CSV.GZ", "csv"), ("x/y.jsonl", "jsonl"), ("a.json.gz", "json"), ("a.JPG", "image"),
     ("a.parquet", "parquet"), ("labels", ""), ("part-0.c000.snappy.parquet", "parquet"),
     ("part-0.gz.parquet", "parquet"), ("a.json.bz2", "json"), ("a.ndjson.zst", "jsonl"),
     ("A.TSV", "csv"), ("a.csv.snappy", "csv"), ("x.json/part-0", ""), ("a.gz", "")],
)  # fmt: skip
def test_the_ending_tells_the_format(key, kind):
    assert format_of(key) == kind


def test_a_picture_beyond_the_bounds_is_not_decoded():
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (300, 200)).save(out, "PNG")
    with pytest.raises(UnreadableData, match="declares 300 × 200 pixels"):
        decode_image(out.getvalue(), "a.png", Limits(pixels=50_000))
