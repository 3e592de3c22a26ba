"""The flow that packs what serves for an app: an archive in the registry, and its page."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import aws as our_aws
from tasks.registry import Registry
from tasks.settings import settings
from tasks.values import Manifest

BUCKET, MODEL, VERSION = "sluice-models", "price-estimator", "v20260101_020000"


@pytest.fixture
def released(aws: Any, prefect_server: None, tmp_path: Path) -> Iterator[Any]:
    """A registry in which one of two models serves a version for phones."""
    for name in (MODEL, "never-released"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        patch.setenv("SLUICE_MODELS_DIR", str(tmp_path / "models"))
        patch.setenv("SLUICE_REGISTRY_BUCKET", BUCKET)
        our_aws.client.cache_clear()
        settings.cache_clear()
        aws.client("s3").create_bucket(Bucket=BUCKET)
        file = tmp_path / "model_int8.tflite"
        file.write_bytes(b"TFL3")
        registry = Registry.here()
        draft = Manifest(
            model=MODEL, version=VERSION, created="", identity="one", training_job="j",
            snapshot="s", snapshot_fingerprint="f", code_hash="c", hyperparameters={},
            contract="", contract_version="", metrics={"mae": 1.0}, files=(),
        )  # fmt: skip
        registry.publish(draft, {"tflite/model_int8.tflite": file})
        registry.move_pointer(MODEL, VERSION, expected=None, actor="ann", reason="first")
        yield aws.client("s3")
    our_aws.client.cache_clear()
    settings.cache_clear()


def test_what_serves_is_packed_and_what_does_not_is_named(released: Any) -> None:
    from flows.export_app import export_app

    ended = export_app(return_state=True)
    assert ended.is_completed()
    (item,) = released.list_objects_v2(Bucket=BUCKET, Prefix="_apps/")["Contents"]
    body = released.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
    message = str(ended.message)
    assert f"s3://{BUCKET}/{item['Key']}" in message
    assert hashlib.sha256(body).hexdigest() in message
    assert f"{MODEL} {VERSION}" in message
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.read(f"{MODEL}/{VERSION}/tflite/model_int8.tflite") == b"TFL3"


def test_a_run_that_can_pack_nothing_fails_and_says_why(released: Any) -> None:
    from flows.export_app import export_app

    ended = export_app(model="never-released", return_state=True)
    assert ended.is_failed()
    assert "never-released: no version serves yet" in str(ended.message)
    ended = export_app(model=MODEL, formats=("tfjs_float16",), return_state=True)
    assert f"{VERSION} has none of the formats tfjs_float16" in str(ended.message)
