from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from benchmarks.release import testbed
from models.runtime.model_files import LISTING
from tasks.errors import (
    AwsError,
    BucketMissing,
    BundleCorrupt,
    RegistryError,
    VersionExists,
    VersionUnknown,
)
from tasks.registry import Registry

V1, V2 = "v20260101_020000", "v20260101_020001"
BUCKET = "sluice-models"
CREATED = 1_767_232_800.0


def test_a_bundle_is_committed_by_its_manifest_which_holds_every_hash(shelf: Any) -> None:
    made = shelf.put(V1)
    assert {f.path: (f.sha256, f.size) for f in made.files} == {
        "a.bin": (hashlib.sha256(b"a" * 1000).hexdigest(), 1000),
        "b.json": (hashlib.sha256(b"{}").hexdigest(), 2),
    }
    assert shelf.registry.manifest(shelf.model, V1) == made
    assert shelf.registry.versions(shelf.model) == (V1,)


@pytest.mark.parametrize("name", ["a.bin", "b.json", "manifest.json"])
def test_a_version_is_cached_for_a_year(shelf: Any, name: str) -> None:
    shelf.put(V1)
    head = shelf.s3.head_object(Bucket=BUCKET, Key=f"{shelf.model}/{V1}/{name}")
    assert head["CacheControl"] == "public, max-age=31536000, immutable"


def test_publishing_stopped_at_any_call_is_finished_by_the_next(shelf: Any) -> None:
    calls = 0
    while True:
        version = f"v20260101_02{calls // 60:02d}{calls % 60:02d}"
        files = shelf.files()
        shelf.aws.faults.add(
            kind="error", service="s3", skip=calls, times=1, code="AccessDenied", status=403
        )
        try:
            shelf.registry.publish(shelf.draft(version, "one"), files)
            stopped = False
        except AwsError:
            stopped = True
        shelf.aws.faults.clear()
        if version in shelf.registry.versions(shelf.model):  # what is listed is whole
            assert shelf.registry.inspect(shelf.model, version).outcome == "pass"
        made = shelf.registry.publish(shelf.draft(version, "one"), files)
        assert shelf.registry.inspect(shelf.model, version).outcome == "pass"
        assert len(made.files) == 2
        if not stopped:
            break
        calls += 1
    assert calls > 10


def test_lost_answers_change_nothing(shelf: Any) -> None:
    for skip in range(8):
        version = f"v20260101_03000{skip}"
        shelf.aws.faults.add(
            kind="lost_answer", service="s3", action="PutObject", skip=skip, times=1, drop=True
        )
        shelf.put(version)
        shelf.aws.faults.clear()
        assert shelf.registry.inspect(shelf.model, version).outcome == "pass"


def test_publishing_twice_is_publishing_once(shelf: Any) -> None:
    first = shelf.put(V1, "one")
    before = shelf.keys()
    assert shelf.put(V1, "one") == first
    assert shelf.keys() == before


def test_another_candidate_cannot_take_a_version(shelf: Any) -> None:
    shelf.put(V1, "one")
    with pytest.raises(VersionExists, match="'one'"):
        shelf.put(V1, "two")


def test_a_version_follows_from_the_job_and_moves_on_when_taken(shelf: Any) -> None:
    claim = shelf.registry.claim_version
    assert claim(shelf.model, CREATED, "one") == V1
    assert claim(shelf.model, CREATED, "two") == V2
    assert claim(shelf.model, CREATED, "one") == V1
    shelf.put(V1, "one")
    assert claim(shelf.model, CREATED, "one") == V1


def test_files_left_by_a_dead_publisher_from_another_conversion_are_replaced(shelf: Any) -> None:
    files = shelf.files()
    shelf.aws.faults.add(
        kind="error", service="s3", action="PutObject", skip=3, code="AccessDenied", status=403
    )
    with pytest.raises(AwsError):
        shelf.registry.publish(shelf.draft(V1), files)
    shelf.aws.faults.clear()
    again = shelf.files(**{"a.bin": b"other bytes", "b.json": b"{ }"})
    shelf.registry.publish(shelf.draft(V1), again)
    assert shelf.registry.read_file(shelf.model, V1, "a.bin") == b"other bytes"
    assert shelf.registry.inspect(shelf.model, V1).outcome == "pass"


def test_a_publisher_that_was_overtaken_does_not_commit(shelf: Any) -> None:
    from tasks.registry import publication

    slow = publication._take(BUCKET, shelf.draft(V1))
    publication._take(BUCKET, shelf.draft(V1))
    with pytest.raises(RegistryError, match="took this publication over"):
        publication._still_mine(BUCKET, shelf.draft(V1), slow)


def test_a_changed_or_missing_file_is_found(shelf: Any) -> None:
    shelf.put(V1)
    shelf.s3.put_object(Bucket=BUCKET, Key=f"{shelf.model}/{V1}/a.bin", Body=b"tampered")
    shelf.s3.delete_object(Bucket=BUCKET, Key=f"{shelf.model}/{V1}/b.json")
    with pytest.raises(BundleCorrupt, match=r"a\.bin.*b\.json"):
        shelf.registry.verify(shelf.model, V1)
    with pytest.raises(BundleCorrupt, match="not what the manifest says"):
        shelf.registry.read_file(shelf.model, V1, "a.bin")


@pytest.mark.parametrize(
    "body", [b"", b"{half a man", b"[]", b"\xff\xfe{", b'{"model": "m"}', b'{"schema_version": 99}']
)
def test_what_is_stored_and_does_not_parse_is_named_with_the_way_to_mend_it(
    shelf: Any, body: bytes
) -> None:
    shelf.put(V1)
    shelf.registry.record(shelf.model, V1, "published", actor="ann", reason="good", version=V1)
    damaged = {
        f"{shelf.model}/{V1}/manifest.json": lambda: shelf.registry.verify(shelf.model, V1),
        f"_ledger/{shelf.model}/{V1}.json": lambda: shelf.registry.way_back(shelf.model),
        f"{shelf.model}/latest.json": lambda: shelf.registry.pointer(shelf.model),
    }
    for key, use in damaged.items():
        shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        with pytest.raises(BundleCorrupt, match=r"(?s)does not parse.*Next: Restore") as refused:
            use()
        assert key.rsplit("/", 1)[1] in str(refused.value)
        shelf.s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_file_can_come_from_s3(shelf: Any) -> None:
    body = testbed.archive({"add": 1.0})
    shelf.s3.put_object(Bucket=BUCKET, Key="elsewhere/model.tar.gz", Body=body)
    address = f"s3://{BUCKET}/elsewhere/model.tar.gz"
    manifest = shelf.registry.publish(shelf.draft(V1), {"model.tar.gz": address})
    assert shelf.registry.read_file(shelf.model, V1, "model.tar.gz") == body
    # What it unpacks to lies beside it, under the manifest's own hash.
    listed = shelf.registry.read_file(shelf.model, V1, LISTING)
    assert manifest.sha256(LISTING) == hashlib.sha256(listed).hexdigest()
    assert [line.split("  ")[1] for line in listed.decode().splitlines()] == [
        "code/serve.py",
        "how.json",
    ]
    how = hashlib.sha256(json.dumps({"add": 1.0}).encode()).hexdigest()
    assert f"{how}  how.json\n" in listed.decode()


def test_what_is_no_archive_is_not_published(shelf: Any) -> None:
    files = shelf.files(**{"model.tar.gz": b"weights"})
    with pytest.raises(BundleCorrupt, match=r"model.tar.gz cannot be published.*Next: Pack it"):
        shelf.registry.publish(shelf.draft(V1), files)
    assert shelf.registry.versions(shelf.model) == ()


def test_what_is_not_there_is_named(shelf: Any) -> None:
    shelf.put(V1)
    with pytest.raises(VersionUnknown, match=V1):
        shelf.registry.manifest(shelf.model, V2)
    with pytest.raises(VersionUnknown, match="not a version"):
        shelf.registry.manifest(shelf.model, "latest")
    nowhere = Registry("no-such-bucket", "", shelf.registry.clock)
    with pytest.raises(BucketMissing, match="no-such-bucket"):
        nowhere.pointer(shelf.model)


def test_a_folder_without_a_manifest_is_no_version(shelf: Any) -> None:
    shelf.s3.put_object(Bucket=BUCKET, Key=f"{shelf.model}/{V1}/a.bin", Body=b"half")
    assert shelf.registry.versions(shelf.model) == ()
