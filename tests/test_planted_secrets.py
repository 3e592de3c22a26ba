"""The search for planted secrets finds them wherever, and however, they are written."""

import base64
import gzip
import io
import json
import tarfile
import urllib.parse
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.security.planted import PlantedSecret, Search, plant

SECRET = 'Pl4nted/0123456789abcdef0123456789abcdef+"é'


def tarred(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("inner")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", data)
    return out.getvalue()


def table(text):
    out = io.BytesIO()
    pq.write_table(pa.table({"a": ["x", text]}), out, compression="zstd")
    return out.getvalue()


LINE = f"token={SECRET} and more".encode()
WRITTEN = {
    "text": LINE,
    "JSON": json.dumps({"a": {"b": f"x{SECRET}"}}).encode(),
    "an address": urllib.parse.quote(f"a b{SECRET}", safe="").encode(),
    "hex": LINE.hex().encode(),
    "gzip": gzip.compress(LINE),
    "tar.gz in zip": zipped(gzip.compress(tarred(LINE))),
    "Parquet": table(LINE.decode()),
    "Parquet in tar": tarred(table(LINE.decode())),
} | {f"base64 at {n}": base64.b64encode(b"z" * n + LINE) for n in range(3)}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_secret_is_found(how):
    search = Search([PlantedSecret("mine", SECRET)])
    search.body("object", WRITTEN[how])
    assert {item.name for item in search.found} == {"mine"}


@pytest.mark.parametrize("how", WRITTEN)
def test_another_one_is_not(how):
    search = Search([PlantedSecret("mine", SECRET.replace("0123", "0124"))])
    search.body("object", WRITTEN[how])
    assert search.found == []


def test_what_cannot_be_opened_is_read_as_it_is():
    search = Search([PlantedSecret("mine", SECRET)])
    for head in (b"\x1f\x8b", b"PK\x03\x04", b"PAR1"):
        search.body("broken", head + LINE)
    assert len(search.found) == 3


def test_a_folder_is_read_but_for_what_is_left_out(tmp_path):
    for name in ("credentials/aws", "log/worker.log"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(LINE)
    search = Search([PlantedSecret("mine", SECRET)])
    search.folder(tmp_path, ("credentials",))
    assert [item.place for item in search.found] == ["log/worker.log"]


def test_what_is_planted_is_in_the_environment_or_in_a_file(tmp_path):
    variables, planted = plant(tmp_path)
    files = [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    for secret in planted:
        assert any(secret.text in text for text in (*variables.values(), *files)), secret.name
