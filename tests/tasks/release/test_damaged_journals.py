"""A journal that cannot be read is an error that says where it is and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.errors import ReleaseError
from tasks.release.journal.store import S3Journals, current_key

DAMAGED = {
    "no JSON": (b"{half", "is not a journal: the whole"),
    "empty": (b"", "is not a journal"),
    "something else": (b'{"version": "v1"}', "is not a journal: release_id"),
    "a list": (b"[]", "is not a journal"),
    "bytes": (b"\xff\xfe\x00", "is not a journal"),
    "flipped": (None, "is damaged: its bytes have the SHA-256"),
    "of tomorrow": (json.dumps({"schema_version": 2, "acts": []}).encode(), "of format 2"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_journal_is_an_error_with_its_address_and_what_to_do(
    place: Any, kind: str
) -> None:
    body, said = DAMAGED[kind]
    s3 = place.aws.client("s3")
    if body is None:  # another share, in JSON as it should be
        standing = s3.get_object(Bucket="sluice-models", Key=current_key(testbed.MODEL))
        body = standing["Body"].read().replace(b'"ladder":[0.3,', b'"ladder":[0.2,')
        assert b"[0.2," in body
    s3.put_object(Bucket="sluice-models", Key=current_key("damaged"), Body=body)
    with pytest.raises(ReleaseError) as raised:
        S3Journals("sluice-models").read("damaged")
    assert "s3://sluice-models/_releases/damaged/current.json" in raised.value.what
    assert said in raised.value.what
    assert raised.value.next_step
