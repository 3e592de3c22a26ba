"""Clients that know nothing of ours go on working; they are written here from what they expect."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from typing import Any

import pytest

from tasks.errors import BundleCorrupt
from tasks.registry import Registry
from tasks.registry.app_contents import app_manifest
from tests.clients.cloudfront import distribution

V1, V2 = "v20260101_020000", "v20260101_020001"
BUCKET = "sluice-models"


@pytest.fixture
def registry(shelf: Any) -> Registry:
    """A registry with a CDN before it."""
    made = distribution(shelf.aws, BUCKET, shelf.model)
    address = f"{shelf.aws.endpoint_url}/_cdn/{made}/"
    shelf.registry = Registry(BUCKET, made, shelf.registry.clock, address)
    return shelf.registry


def point(registry: Registry, model: str, version: str, **how: Any) -> None:
    registry.invalidate(registry.move_pointer(model, version, actor="ann", reason=version, **how))


def publish(shelf: Any, version: str, weight: bytes) -> None:
    files = {"tfjs/model.json": weight, "tflite/model_int8.tflite": weight * 2}
    paths = {}
    for number, (name, data) in enumerate(files.items()):
        paths[name] = shelf.folder / f"{version}-{number}"
        paths[name].write_bytes(data)
    shelf.registry.publish(shelf.draft(version, version), paths)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return bytes(answer.read())


def client_loads(base: str, model: str) -> bytes:
    """An app's own client: pointer, manifest of ``v<version>``, model, hash."""
    pointer = json.loads(get(f"{base}/{model}/latest.json"))
    manifest = json.loads(get(f"{base}/{model}/v{pointer['version']}/manifest.json"))
    loaded = get(manifest["modelUrl"])
    if hashlib.sha256(loaded).hexdigest() != manifest["sha256Hash"]:
        raise ValueError("the model is not what its manifest says")
    return loaded


def test_such_a_client_follows_the_pointer_there_and_back(shelf: Any, registry: Registry) -> None:
    base = registry.cdn_url.rstrip("/")
    publish(shelf, V1, b"{'weights': 1}")
    publish(shelf, V2, b"{'weights': 2}")
    point(registry, shelf.model, V1, expected=None)
    assert client_loads(base, shelf.model) == b"{'weights': 1}"
    point(registry, shelf.model, V2, expected=V1)
    assert client_loads(base, shelf.model) == b"{'weights': 2}"
    point(registry, shelf.model, V1, expected=V2, rollback=True)
    assert client_loads(base, shelf.model) == b"{'weights': 1}"
    shelf.s3.put_object(Bucket=BUCKET, Key=f"{shelf.model}/{V1}/tfjs/model.json", Body=b"swapped")
    registry.invalidate(registry.pointer(shelf.model).model_copy(update={"reason": "look again"}))
    with pytest.raises(ValueError, match="not what its manifest says"):
        client_loads(base, shelf.model)


def test_a_phone_finds_its_format_and_nothing_else_is_a_version(
    shelf: Any, registry: Registry
) -> None:
    publish(shelf, V1, b"{}")
    told = json.loads(get(f"{registry.cdn_url}{shelf.model}/v{V1}/manifest.json"))
    phone = told["formats"]["tflite_int8"]
    assert hashlib.sha256(get(phone["modelUrl"])).hexdigest() == phone["sha256Hash"]
    assert {file["path"] for file in told["files"]} == {
        "tfjs/model.json",
        "tflite/model_int8.tflite",
    }
    assert registry.versions(shelf.model) == (V1,)
    head = shelf.s3.head_object(Bucket=BUCKET, Key=f"{shelf.model}/v{V1}/manifest.json")
    assert head["CacheControl"] == "public, max-age=31536000, immutable"


def test_a_publication_that_died_before_it_is_finished_by_the_next(
    shelf: Any, registry: Registry
) -> None:
    publish(shelf, V1, b"{}")
    key = f"{shelf.model}/v{V1}/manifest.json"
    shelf.s3.delete_object(Bucket=BUCKET, Key=key)
    publish(shelf, V1, b"{}")
    shelf.s3.head_object(Bucket=BUCKET, Key=key)
    shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"sha256Hash": "of another"}')
    with pytest.raises(BundleCorrupt, match="tells of another file"):
        publish(shelf, V1, b"{}")


def test_a_version_for_servers_only_and_one_without_a_v_have_none(
    shelf: Any, registry: Registry
) -> None:
    shelf.put(V1)
    publish(shelf, "1.4.0", b"{}")
    assert registry.versions(shelf.model) == ("1.4.0", V1)
    folders = {key.split("/")[1] for key in shelf.keys(f"{shelf.model}/")}
    assert folders == {V1, "1.4.0"}


def test_without_a_cdn_addresses_begin_at_the_hosts_root(shelf: Any, registry: Registry) -> None:
    publish(shelf, V1, b"{}")
    known = registry.manifest(shelf.model, V1)
    told = app_manifest(known, "")
    assert told is not None
    assert told["modelUrl"] == f"/{shelf.model}/{V1}/tfjs/model.json"
