"""A registry under S3 Object Lock: everything works as without, and nothing that was is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.release import testbed
from embedded_aws.embedded import EmbeddedAws
from tasks.errors import BundleCorrupt
from tasks.release import roll_back, run, start_release
from tests.tasks.release.conftest import Place, settled
from tests.tasks.release.test_swapped import direct, swap

MODEL, BUCKET = testbed.MODEL, testbed.BUCKET
TIME_SCALE = 240.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A test environment whose registry keeps every version of every object for a month."""
    with EmbeddedAws(time_scale=TIME_SCALE) as aws, settled(aws, tmp_path) as made:
        s3 = aws.client("s3")
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
        s3.put_object_lock_configuration(
            Bucket=BUCKET,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
        )
        yield made


def versions(s3: Any, key: str) -> list[dict[str, Any]]:
    """What lay there, the newest first."""
    return list(s3.list_object_versions(Bucket=BUCKET, Prefix=key).get("Versions", []))


def test_what_was_swapped_is_put_back_from_what_nobody_could_delete(place: Place) -> None:
    s3 = place.aws.client("s3")
    sound = place.publish(add=0.0)
    assert direct(place, sound).phase == "done"
    newer = place.publish(add=0.0)
    start_release(place.context(), MODEL, newer, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=2):
        ended = run(place.context(), MODEL)
    assert ended.phase == "done", ended.verdict

    key = f"{MODEL}/{sound}/model.tar.gz"
    swap(place, sound)
    _swapped, original = versions(s3, key)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=key, VersionId=original["VersionId"])
    with pytest.raises(BundleCorrupt, match=f"{sound}.*Next: "):
        roll_back(place.context("bob"), MODEL, "bob", "put it back")
    s3.copy_object(
        Bucket=BUCKET,
        Key=key,
        CopySource={"Bucket": BUCKET, "Key": key, "VersionId": original["VersionId"]},
    )
    back = roll_back(place.context("bob"), MODEL, "bob", "put it back")
    assert (back.phase, back.stable.version) == ("rolled_back", sound), back.verdict
    assert place.pointer().version == sound

    held = s3.get_object_retention(Bucket=BUCKET, Key=f"{MODEL}/latest.json")["Retention"]
    assert held["Mode"] == "COMPLIANCE", "pointers too: what served when can be told later"
