"""An embedded AWS with an empty registry."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.clock import ScaledClock
from tasks.registry import Registry
from tasks.values import Manifest

__all__ = ["_no_faults_left", "aws"]
BUCKET = "sluice-models"
_models = itertools.count(1)


class Shelf:
    """A registry, and what is needed to fill it."""

    def __init__(self, embedded: Any, folder: Path) -> None:
        self.aws = embedded
        self.folder = folder
        self.s3 = embedded.client("s3")
        self.model = f"model-{next(_models)}"
        self.registry = Registry(BUCKET, "", ScaledClock())

    def draft(self, version: str = "v20260101_020000", identity: str = "one") -> Manifest:
        return Manifest(
            model=self.model, version=version, created="", identity=identity, training_job="j",
            snapshot="s", snapshot_fingerprint="f", code_hash="c", hyperparameters={},
            contract="", contract_version="", metrics={"mae": 1.0}, files=(),
        )  # fmt: skip

    def files(self, **contents: bytes) -> dict[str, Path | str]:
        found: dict[str, Path | str] = {}
        for name, data in (contents or {"a.bin": b"a" * 1000, "b.json": b"{}"}).items():
            path = self.folder / f"{len(list(self.folder.iterdir()))}-{name}"
            path.write_bytes(data)
            found[name] = path
        return found

    def put(self, version: str, identity: str = "") -> Manifest:
        return self.registry.publish(self.draft(version, identity or version), self.files())

    def keys(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix or f"{self.model}/")
        return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture
def shelf(aws: Any, tmp_path: Path) -> Iterator[Shelf]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield Shelf(aws, tmp_path)
    our_aws.client.cache_clear()
