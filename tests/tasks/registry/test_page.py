"""The bundle's page: where a version came from, in words and links."""

from tasks.registry.page import bundle_page
from tasks.values import BundleFile, Manifest

HASH = "0123456789abcdef" * 4


def test_every_file_has_a_size_that_can_be_read_and_every_place_an_address():
    manifest = Manifest(
        model="prices",
        version="v20260131_020000",
        created="2026-01-31T02:00:00+00:00",
        identity=HASH,
        training_job="prices-1",
        snapshot=f"s3://sluice-work/snapshots/{HASH}.json",
        snapshot_fingerprint=HASH,
        code_hash=HASH,
        hyperparameters={"hidden": "128,64"},
        contract="property|sales",
        contract_version="1.1.0",
        metrics={},
        files=(BundleFile(path="model_*.tar.gz", sha256=HASH, size=2_345_678),),
    )
    page = bundle_page(manifest, "s3://models/prices/v20260131_020000/")
    assert "| made | 2026-01-31 02:00:00 UTC |" in page
    assert f"`s3://sluice-work/snapshots/{HASH}.json`" in page
    assert "`s3://models/prices/v20260131_020000/manifest.json`" in page
    assert "| model\\_\\*.tar.gz | 2.35\u00a0MB | `0123456789abcdef` |" in page
    assert "property\\|sales 1.1.0" in page
    assert "## 1 file, 2.35\u00a0MB" in page
