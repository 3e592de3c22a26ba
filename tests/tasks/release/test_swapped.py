"""Bytes that are swapped in the registry reach no user: not by a release, not by a rollback."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.errors import BundleCorrupt, BundleUnsigned
from tasks.release import roll_back, run, start_release

MODEL, BUCKET = testbed.MODEL, testbed.BUCKET
TIME_SCALE = 240.0


def direct(place: Any, version: str) -> Any:
    """A release without a canary."""
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly", direct=True)
    return run(context, MODEL)


def swap(place: Any, version: str, *, manifest: bool = False) -> None:
    """Another model.tar.gz, and a manifest that fits it, if wanted."""
    body = testbed.archive({"add": 1000.0})
    s3, folder = place.aws.client("s3"), f"{MODEL}/{version}"
    s3.put_object(Bucket=BUCKET, Key=f"{folder}/model.tar.gz", Body=body)
    if manifest:
        key = f"{folder}/manifest.json"
        known = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        for file in known["files"]:
            if file["path"] == "model.tar.gz":
                file |= {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(known).encode())


@pytest.mark.parametrize(
    ("manifest", "error"), [(False, BundleCorrupt), (True, BundleUnsigned)], ids=("files", "both")
)
def test_a_swapped_version_is_neither_released_nor_returned_to(
    place: Any, manifest: bool, error: type[Exception]
) -> None:
    sound = place.publish(add=0.0)
    assert direct(place, sound).phase == "done"
    fresh = place.publish(add=0.0)
    swap(place, fresh, manifest=manifest)
    with pytest.raises(error, match=fresh):
        start_release(place.context(), MODEL, fresh, "ann", "weekly")
    newer = place.publish(add=0.0)
    assert direct(place, newer).phase == "done"
    before = place.pointer()
    stored = place.context().journals.read(MODEL)
    swap(place, sound, manifest=manifest)
    with pytest.raises(error, match=sound):
        roll_back(place.context("bob"), MODEL, "bob", "put it back")
    assert place.context().journals.read(MODEL).etag == stored.etag, "nothing was begun"
    assert place.pointer() == before
    with pytest.raises(error, match=fresh):
        roll_back(place.context("bob"), MODEL, "bob", "put it back", fresh)


def test_the_pointer_and_the_journal_hold_the_manifest_that_was_verified(place: Any) -> None:
    version = place.publish(add=0.0)
    journal = direct(place, version)
    body = place.aws.client("s3").get_object(Bucket=BUCKET, Key=f"{MODEL}/{version}/manifest.json")
    sha256 = hashlib.sha256(body["Body"].read()).hexdigest()
    assert journal.candidate.manifest.sha256 == sha256
    assert place.pointer().manifest.sha256 == sha256
