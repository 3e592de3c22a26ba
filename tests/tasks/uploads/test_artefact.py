"""A bad artefact is one clear error that names every fault."""

import io
import json
import tarfile

import pytest

from tasks.errors import UploadRefused
from tasks.uploads.artefact import FIRST_EDITION, NEEDED, inspect, receive
from tasks.uploads.notices import upload_of

WHOLE = {
    "bundle.json": b'{"entry_point": "code/entry_point.py"}',
    "code/entry_point.py": b"",
    **dict.fromkeys(NEEDED, b"{}"),
    "preprocess.json": b"{}",
    "model_card.json": json.dumps({"hyperparameters": {"epochs": 3}}).encode(),
}


def packed(files, *extra):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in extra:
            tar.addfile(entry)
    return out.getvalue()


GOOD = packed(WHOLE)


def link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def without(*names):
    return {name: content for name, content in WHOLE.items() if name not in names}


BAD = {
    "not a tar": (b"hello", "no intact gzipped tar archive"),
    "cut off": (packed(WHOLE)[:-40], "no intact gzipped tar archive"),
    "two files missing": (
        packed(without("code/entry_point.py", "reference.json")),
        "holds no reference.json; it holds no code/entry_point.py",
    ),
    "no entry point": (
        packed({**WHOLE, "bundle.json": b'{"entry_point": "/bin/sh"}'}),
        "bundle.json names no entry_point below code/",
    ),
    "an older one that is not whole": (
        packed(without("bundle.json")),
        "holds no code/serve.py; it holds no code/evaluate.py",
    ),
    "not JSON": (packed({**WHOLE, "model_card.json": b"{"}), "model_card.json is not JSON"),
    "a list": (packed({**WHOLE, "preprocess.json": b"[]"}), "preprocess.json is no JSON object"),
    "leaves the folder": (packed({**WHOLE, "../../etc/cron": b""}), "leads out of its folder"),
    "link to elsewhere": (packed(WHOLE, link("code/x", "/etc/passwd")), "is a symbolic link to"),
    "a dangling link as a document": (
        packed(without("preprocess.json"), link("preprocess.json", "no")),
        'its member "preprocess.json" is a symbolic link',
    ),
    "a dangling link as the program": (
        packed(without("code/entry_point.py"), link("code/entry_point.py", "no")),
        'its member "code/entry_point.py" is a symbolic link',
    ),
    "a folder as a document": (
        packed({**without("preprocess.json"), "preprocess.json/x": b""}),
        "it holds no preprocess.json",
    ),
    "nested without end": (
        packed({**WHOLE, "preprocess.json": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"}),
        "preprocess.json is not JSON that can be read: it is nested too deep",
    ),
    "a large document": (
        packed({**WHOLE, "preprocess.json": b" " * (9 << 20)}),
        'its member "preprocess.json" has 9,437,184 bytes, over 8,388,608',
    ),
    "another checksum": (GOOD[:-6] + bytes(6), "no intact gzipped tar archive"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_archive_is_refused_with_its_fault(tmp_path, fault):
    content, said = BAD[fault]
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    with pytest.raises(UploadRefused, match=said) as refused:
        inspect(path, "models/m/1.0.0/model.tar.gz")
    assert "models/m/1.0.0/model.tar.gz" in refused.value.what
    assert "docs/models.md" in refused.value.next_step


def test_a_bundle_of_the_first_edition_is_taken(tmp_path):
    path = tmp_path / "model.tar.gz"
    older = without("bundle.json", "code/entry_point.py") | dict.fromkeys(FIRST_EDITION, b"")
    path.write_bytes(packed(older))
    assert inspect(path, "m")["hyperparameters"] == {"epochs": 3}


def test_a_good_archive_is_kept_under_its_hash(aws, uploads, tmp_path):
    s3 = aws.client("s3")
    key = "models/m/1.0.0/model.tar.gz"
    etag = s3.put_object(Bucket="sluice-models", Key=key, Body=GOOD)["ETag"]
    upload = upload_of("sluice-models", key, etag)
    found = receive(upload, "sluice-work", tmp_path)
    assert found.hyperparameters == {"epochs": "3"}
    assert found.address == f"s3://sluice-work/uploads/{found.sha256}/model.tar.gz"
    kept = s3.get_object(Bucket="sluice-work", Key=f"uploads/{found.sha256}/model.tar.gz")
    assert kept["Body"].read() == GOOD
    assert receive(upload, "sluice-work", tmp_path) == found


def test_an_artefact_that_was_replaced_meanwhile_is_not_taken_for_the_announced(
    aws, uploads, tmp_path
):
    key = "models/m/2.0.0/model.tar.gz"
    first = aws.client("s3").put_object(Bucket="sluice-models", Key=key, Body=GOOD)
    aws.client("s3").put_object(Bucket="sluice-models", Key=key, Body=b"another")
    with pytest.raises(UploadRefused, match="was replaced or deleted"):
        receive(upload_of("sluice-models", key, first["ETag"]), "sluice-work", tmp_path)
