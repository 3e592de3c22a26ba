"""Nobody believes a manifest that no trusted key has signed, nor other bytes than were signed."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.signing import main
from tasks import settings as our_settings
from tasks.errors import BundleCorrupt, BundleUnsigned, InvalidSetting, SluiceError
from tasks.registry import signing
from tests.tasks.registry.conftest import BUCKET, Shelf

V1, V2 = "v20260101_020000", "v20260108_020000"
MANIFEST = json.dumps({"model": "m", "version": V1, "files": [{"sha256": "0" * 64}]}).encode()


@pytest.fixture
def signs(keys: Path) -> Iterator[Any]:
    """Chooses who signs here, and who is believed."""
    with pytest.MonkeyPatch.context() as patch:

        def chosen(signing_key: str = "", trusted_keys: str = "") -> None:
            patch.setenv("SLUICE_SIGNING_KEY", signing_key)
            patch.setenv("SLUICE_TRUSTED_KEYS", trusted_keys)
            our_settings.settings.cache_clear()

        chosen(f"file:{keys / 'ours.pem'}")
        yield chosen
    our_settings.settings.cache_clear()


def test_a_key_is_its_owners_alone_and_is_never_overwritten(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "deep" / "signing.pem"
    assert main(["key", str(path)]) == 0
    told = capsys.readouterr().out
    assert f"SLUICE_SIGNING_KEY=file:{path}" in told
    assert "PRIVATE" not in told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert main(["key", str(path)]) == 1
    assert "name another file" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_what_was_signed_is_believed_by_whoever_trusts_the_key(signs: Any, keys: Path) -> None:
    envelope = signing.signed("m", V1, MANIFEST)
    signing.require_signed("m", V1, MANIFEST, envelope)
    signs("", str(keys / "ours.pub.pem"))
    signing.require_signed("m", V1, MANIFEST, envelope)
    signs("", f"{keys / 'theirs.pub.pem'}, {keys / 'ours.pub.pem'}")
    signing.require_signed("m", V1, MANIFEST, envelope)


def test_where_nobody_is_trusted_nothing_is_asked_for(signs: Any) -> None:
    signs()
    assert signing.signed("m", V1, MANIFEST) is None
    signing.require_signed("m", V1, MANIFEST, None)


def test_strangers_and_the_unsigned_are_refused(signs: Any, keys: Path) -> None:
    envelope = signing.signed("m", V1, MANIFEST)
    signs("", str(keys / "theirs.pub.pem"))
    with pytest.raises(BundleUnsigned, match=r"m v20260101_020000 .* no trusted key has signed"):
        signing.require_signed("m", V1, MANIFEST, envelope)
    with pytest.raises(BundleUnsigned, match=r"nobody has signed it\. Next: Do not release it"):
        signing.require_signed("m", V1, MANIFEST, None)


@pytest.mark.parametrize(("model", "version"), [("m", V2), ("n", V1)])
def test_a_signature_is_of_one_version_of_one_model(signs: Any, model: str, version: str) -> None:
    envelope = signing.signed("m", V1, MANIFEST)
    with pytest.raises(BundleUnsigned, match="of another manifest"):
        signing.require_signed(model, version, MANIFEST, envelope)


@pytest.mark.parametrize("which", ["manifest", "envelope"])
def test_any_byte_that_is_changed_is_found(signs: Any, which: str) -> None:
    """Of the manifest always; of the envelope, unless it says the same with another byte."""
    envelope = signing.signed("m", V1, MANIFEST)
    assert envelope is not None

    @settings(max_examples=200, deadline=None)
    @given(place=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
    def found(place: float, flipped: int) -> None:
        body = {"manifest": MANIFEST, "envelope": envelope}
        changed = bytearray(body[which])
        changed[int(place * len(changed))] ^= flipped
        body[which] = bytes(changed)
        try:
            signing.require_signed("m", V1, body["manifest"], body["envelope"])
        except BundleUnsigned:
            return
        assert which == "envelope"
        assert told(body["envelope"]) == told(envelope)

    found()


def told(envelope: bytes) -> Any:
    """What an envelope says to whoever verifies it."""
    from securesystemslib.dsse import Envelope

    made = Envelope.from_dict(json.loads(envelope))
    return (made.payload, made.payload_type, [s.signature for s in made.signatures.values()])


@pytest.mark.parametrize(
    "envelope", [b"", b"{", b"[]", b"null", b'{"payload": 1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_envelope_is_one_clear_error(signs: Any, envelope: bytes) -> None:
    with pytest.raises(BundleUnsigned, match=r"its signature does not parse|no trusted key"):
        signing.require_signed("m", V1, MANIFEST, envelope)


@pytest.mark.parametrize("content", [None, b"not a key"])
def test_a_key_that_cannot_be_read_names_the_setting(
    signs: Any, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "none.pem"
    if content is not None:
        path.write_bytes(content)
    signs(f"file:{path}")
    with pytest.raises(InvalidSetting, match=r"SLUICE_SIGNING_KEY: .*none\.pem is not a private"):
        signing.signed("m", V1, MANIFEST)
    signs("", str(path))
    with pytest.raises(InvalidSetting, match=r"SLUICE_TRUSTED_KEYS: .*none\.pem is not a public"):
        signing.require_signed("m", V1, MANIFEST, None)


def test_files_and_manifest_that_were_swapped_together_are_refused(
    signs: Any, shelf: Shelf
) -> None:
    shelf.put(V1)
    shelf.put(V2)
    key = f"{shelf.model}/{V1}/manifest.json"
    signed = shelf.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    swapped = signed.replace(b'"mae": 1.0', b'"mae": 2.0')
    assert swapped != signed
    shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=swapped)
    for act in (shelf.registry.manifest, shelf.registry.verify, shelf.registry.sealed):
        with pytest.raises(BundleUnsigned):
            act(shelf.model, V1)
    found = shelf.registry.inspect(shelf.model, V1)
    assert found.outcome == "fail"
    assert "nobody has signed it" in found.reason
    with pytest.raises(BundleUnsigned):
        shelf.registry.move_pointer(shelf.model, V1, expected=None, actor="ann", reason="r")
    assert shelf.registry.verify(shelf.model, V2).version == V2


def test_a_version_from_before_is_vouched_for_by_a_person(
    signs: Any, keys: Path, shelf: Shelf, capsys: Any
) -> None:
    signs()
    shelf.put(V1)
    signs(f"file:{keys / 'ours.pem'}")
    with pytest.raises(BundleUnsigned, match=r"deployments\.signing sign model-\d+ v20260101"):
        shelf.registry.manifest(shelf.model, V1)
    assert main(["sign", shelf.model, V1]) == 0
    assert f"{shelf.model} {V1} is signed: s3://" in capsys.readouterr().out
    assert shelf.registry.verify(shelf.model, V1).version == V1
    assert main(["sign"]) == 0, "it may be repeated"
    assert shelf.model not in capsys.readouterr().out


def test_what_a_stack_from_before_published_is_signed_together(
    signs: Any, keys: Path, shelf: Shelf, capsys: Any
) -> None:
    signs()
    shelf.put(V1)
    shelf.put(V2)
    signs(f"file:{keys / 'ours.pem'}")
    shelf.s3.put_object(Bucket=BUCKET, Key=f"{shelf.model}/{V2}/a.bin", Body=b"swapped")
    assert main(["sign", shelf.model]) == 1
    said = capsys.readouterr()
    assert f"{shelf.model} {V1} is signed" in said.out
    assert "a.bin" in said.err
    with pytest.raises(BundleUnsigned):
        shelf.registry.manifest(shelf.model, V2)


def test_a_key_of_kms_signs_and_never_leaves_it(signs: Any, keys: Path, shelf: Shelf) -> None:
    kms = shelf.aws.client("kms")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    signs(f"awskms:{made['KeyId']}")
    shelf.put(V1)
    assert shelf.registry.verify(shelf.model, V1).version == V1
    signs("", str(keys / "ours.pub.pem"))
    with pytest.raises(BundleUnsigned, match="no trusted key"):
        shelf.registry.verify(shelf.model, V1)
    secret = kms.create_key(KeySpec="SYMMETRIC_DEFAULT")["KeyMetadata"]["KeyId"]
    signs(f"awskms:{secret}")
    with pytest.raises(SluiceError, match=r"(?i)KMS|GetPublicKey"):
        shelf.put(V2)


def test_a_pointer_moves_only_to_the_manifest_that_was_held_to_its_files(shelf: Shelf) -> None:
    shelf.put(V1)
    sealed = shelf.registry.sealed(shelf.model, V1)
    moved = shelf.registry.move_pointer(
        shelf.model, V1, expected=None, actor="ann", reason="r", sealed=sealed
    )
    assert moved.manifest == sealed
    shelf.put(V2)
    other = sealed.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(BundleCorrupt, match="its manifest was replaced: SHA-256"):
        shelf.registry.move_pointer(
            shelf.model, V2, expected=V1, actor="ann", reason="r", sealed=other
        )
    back = shelf.registry.move_pointer(
        shelf.model, V1, expected=V1, actor="ann", reason="undo", rollback=True, sealed=other
    )
    assert back.manifest == other, "users go back, and clients take no other manifest than this"
