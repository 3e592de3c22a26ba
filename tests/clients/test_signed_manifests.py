"""A browser takes the manifest that latest.json means, and that somebody it trusts has signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import settings as our_settings
from tasks.registry import signing
from tasks.registry.names import signature_key
from tasks.values import Seal
from tests.clients.conftest import MODEL, V1, V2
from tests.clients.test_edge_client import REFUSES, SEES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def signed(cdn: Any, keys: Path) -> Iterator[Any]:
    """Versions whose manifests are signed by us."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_SIGNING_KEY", f"file:{keys / 'ours.pem'}")
        our_settings.settings.cache_clear()
        for version in (V1, V2):
            body = cdn.objects[f"{MODEL}/{version}/manifest.json"]
            key = signature_key(MODEL, version, hashlib.sha256(body).hexdigest())
            cdn.objects[key] = signing.signed(MODEL, version, body)
        yield cdn
    our_settings.settings.cache_clear()


def public(keys: Path, *names: str) -> dict[str, Any]:
    return {"trustedKeys": [(keys / f"{name}.pub.pem").read_text() for name in names]}


def seal(cdn: Any, version: str) -> Seal:
    body = cdn.objects[f"{MODEL}/{version}/manifest.json"]
    return Seal(sha256=hashlib.sha256(body).hexdigest())


def swap(cdn: Any, version: str) -> None:
    """Manifest and files of another version under its name: they fit each other."""
    cdn.publish(version, 66.0)


def test_a_signed_manifest_is_taken_by_who_trusts_the_key(
    signed: Any, page: Any, keys: Path
) -> None:
    assert page.evaluate(SEES, public(keys, "theirs", "ours")) == 1.0


def test_a_strangers_signature_means_no_model(signed: Any, page: Any, keys: Path) -> None:
    assert page.evaluate(REFUSES, public(keys, "theirs")) == "tampered"


def test_a_swapped_manifest_has_no_signature(signed: Any, page: Any, keys: Path) -> None:
    swap(signed, V1)
    assert page.evaluate(REFUSES, public(keys, "ours")) == "missing"


def test_a_signature_of_another_version_is_not_taken(signed: Any, page: Any, keys: Path) -> None:
    names = {
        version: signature_key(MODEL, version, seal(signed, version).sha256) for version in (V1, V2)
    }
    signed.objects[names[V1]] = signed.objects[names[V2]]
    assert page.evaluate(REFUSES, public(keys, "ours")) == "tampered"


@pytest.mark.parametrize("envelope", [b"", b"{}", b'{"payload": 5, "signatures": {}}', b"\xff["])
def test_what_is_no_signature_is_refused(
    signed: Any, page: Any, keys: Path, envelope: bytes
) -> None:
    signed.objects[signature_key(MODEL, V1, seal(signed, V1).sha256)] = envelope
    assert page.evaluate(REFUSES, public(keys, "ours")) == "tampered"


def test_the_pointer_says_which_manifest_it_means(cdn: Any, page: Any) -> None:
    cdn.point(V1, manifest=seal(cdn, V1))
    assert page.evaluate(SEES) == 1.0
    cdn.point(V2, manifest=seal(cdn, V2))
    swap(cdn, V2)
    page.evaluate("model.refresh()")
    assert page.evaluate("ask(model)") == 1.0
    assert page.evaluate("model.version") == V1
    swapped = [e for e in page.evaluate("kinds('problem')") if e["kind"] == "tampered"]
    assert swapped or page.evaluate("model.problem.kind") == "tampered"


def test_what_was_loaded_before_is_not_taken_for_another_manifest(cdn: Any, page: Any) -> None:
    assert page.evaluate(SEES) == 1.0
    swap(cdn, V1)
    cdn.point(V1, manifest=seal(cdn, V1))
    page.again()
    assert page.evaluate(SEES) == 66.0
