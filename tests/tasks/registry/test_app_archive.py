"""What an app brings along: whole, verified, the same bytes for the same models."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from deployments import app_archive as command
from tasks.conversion.report import ARTIFACTS
from tasks.errors import BundleCorrupt, NothingToPack, VersionUnknown
from tasks.registry import app_archive
from tasks.registry.app_contents import FORMATS
from tasks.settings import settings

V1, V2 = "v20260101_020000", "v20260101_020001"
BUCKET = "sluice-models"
EDGE = {
    "tfjs/model.json": b"{}",
    "tfjs/group1-shard1of1.bin": b"w" * 100,
    "tflite/model_int8.tflite": b"TFL3" * 50,
    "signatures.json": b"{}",
    "vectors.json": b"{}",
    "model.tar.gz": testbed.archive({"server": "only"}),
    "evidence/metrics.json": b"{}",
}


def publish(shelf: Any, version: str = V1, **contents: bytes) -> None:
    files = {}
    for number, (name, data) in enumerate((contents or EDGE).items()):
        path = shelf.folder / f"{version}-{number}"
        path.write_bytes(data)
        files[name] = path
    shelf.registry.publish(shelf.draft(version, version), files)


def test_an_archive_holds_what_an_app_needs_and_nothing_of_the_server(shelf: Any) -> None:
    publish(shelf)
    shared = app_archive.shared_files()
    made, body = app_archive.pack(BUCKET, {shelf.model: V1}, shared=shared)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        paths = archive.namelist()
        contents = {path: archive.read(path) for path in paths}
    home = f"{shelf.model}/{V1}/"
    assert paths[0] == "index.json"
    assert {path.removeprefix(home) for path in paths if path.startswith(home)} == {
        *(set(EDGE) - {"model.tar.gz", "evidence/metrics.json"}),
        "manifest.json",
    }
    assert {"vectors/words.json", "vectors/buckets.json", "LICENSES/models.txt"} <= set(paths)
    index = json.loads(contents.pop("index.json"))
    assert index["sha256"] == {
        path: hashlib.sha256(data).hexdigest() for path, data in contents.items()
    }
    assert index["models"][0]["formats"] == ["tflite_int8", "tfjs_float16"]
    # The manifest is the registry's, byte for byte: a client verifies with it what it brought.
    stored = shelf.s3.get_object(Bucket=BUCKET, Key=f"{home}manifest.json")["Body"].read()
    assert contents[f"{home}manifest.json"] == stored
    hashes = {file["path"]: file["sha256"] for file in json.loads(stored)["files"]}
    for path in ("tfjs/model.json", "tflite/model_int8.tflite"):
        assert hashlib.sha256(contents[home + path]).hexdigest() == hashes[path]
    assert (made.size, made.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_the_same_models_make_the_same_archive_under_the_same_name(shelf: Any) -> None:
    publish(shelf)
    first, body = app_archive.pack(BUCKET, {shelf.model: V1})
    second, again = app_archive.pack(BUCKET, {shelf.model: V1})
    assert (first, body) == (second, again)
    address = app_archive.keep(BUCKET, first, body)
    assert app_archive.keep(BUCKET, second, again) == address
    assert address == f"s3://{BUCKET}/_apps/{first.name}"
    key = address.removeprefix(f"s3://{BUCKET}/")
    shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=b"something else")
    with pytest.raises(BundleCorrupt, match="not the archive that was sent"):
        app_archive.keep(BUCKET, first, body)


def test_only_the_formats_that_were_asked_for_go_in(shelf: Any) -> None:
    publish(shelf)
    made, body = app_archive.pack(BUCKET, {shelf.model: V1}, ("tflite_int8",))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert not [path for path in archive.namelist() if "/tfjs/" in path]
    assert made.models[0].formats == ("tflite_int8",)


def test_a_damaged_file_goes_into_no_archive(shelf: Any) -> None:
    publish(shelf)
    key = f"{shelf.model}/{V1}/tfjs/group1-shard1of1.bin"
    shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=b"v" * 100)
    with pytest.raises(BundleCorrupt, match="group1-shard1of1"):
        app_archive.pack(BUCKET, {shelf.model: V1})


def test_what_cannot_be_packed_is_named(shelf: Any) -> None:
    shelf.put(V1)  # nothing for phones and browsers
    with pytest.raises(NothingToPack, match=f"{shelf.model}: {V1} has none of the formats"):
        app_archive.pack(BUCKET, {shelf.model: V1})
    with pytest.raises(NothingToPack, match="no model"):
        app_archive.pack(BUCKET, {})
    with pytest.raises(VersionUnknown):
        app_archive.pack(BUCKET, {shelf.model: V2})
    assert app_archive.serving(BUCKET, [shelf.model]) == (
        {},
        {shelf.model: "no version serves yet"},
    )


def test_the_formats_are_where_the_conversion_puts_them() -> None:
    assert set(FORMATS) == set(ARTIFACTS)
    assert all(path.startswith(FORMATS[name]) for name, path in ARTIFACTS.items())


def test_the_command_writes_what_serves(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in (shelf.model, "never-released"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model.yaml").touch()
    monkeypatch.setenv("SLUICE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("SLUICE_REGISTRY_BUCKET", BUCKET)
    settings.cache_clear()
    out = tmp_path / "models.zip"
    assert command.main(["--out", str(out)]) == 1
    assert not out.exists()
    assert "There is nothing to pack" in capsys.readouterr().err
    publish(shelf)
    publish(shelf, V2)
    shelf.registry.move_pointer(shelf.model, V1, expected=None, actor="ann", reason="first")
    assert command.main(["--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"{shelf.model} {V1}: tflite_int8, tfjs_float16" in said
    assert "never-released: left out, no version serves yet" in said
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said
    assert command.main(["--model", shelf.model, "--version", V2, "--out", str(out)]) == 0
    assert f"{shelf.model} {V2}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["--version", V2])
