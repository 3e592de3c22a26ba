"""What the documentation tells people to type on a running stack is typed on it.

Data goes into buckets beside the lake and the registry: what others learn from stays as it is.
"""

import gzip
import hashlib
import subprocess
import sys
from contextlib import closing
from datetime import date

import pytest

from deployments.demo.generate import property_sales
from deployments.laptop.resources import client
from tasks.values import BundleFile, Manifest, Pointer
from tests.docs.howtos import all_blocks, clone, type_in

LAKE, REGISTRY = "sluice-howtos", "sluice-howtos-registry"
MODEL = "price-estimator"
SECONDS = 540.0
pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def bring_files(folder):
    """What the pages take for granted that a reader has."""
    columns = property_sales(60, date(2026, 1, 5), 3, seed=1)
    lines = [",".join(columns)]
    lines += [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (folder / "kc_house_sales.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    day = folder / "exports" / "bookings" / "dt=2024-07-01"
    day.mkdir(parents=True)
    (day / "part-0.csv").write_text("id,guests\n1,2\n", "utf-8")
    (folder / "downloads").mkdir()
    (folder / "downloads" / "late.csv").write_text("id,guests\n2,4\n", "utf-8")
    (folder / "bookings.csv").write_text("id;booked_on;place\n3;2024-07-02;Zürich\n", "cp1252")


def bring_version(s3):
    """A version for phones that serves, as a reader has one whose first release has ended."""
    version, body = "v20260101_020000", b"TFL3"
    file = BundleFile(
        path="tflite/model_int8.tflite", sha256=hashlib.sha256(body).hexdigest(), size=len(body)
    )
    facts = dict.fromkeys(
        ("created", "identity", "training_job", "snapshot", "snapshot_fingerprint", "code_hash",
         "contract", "contract_version"), "",
    )  # fmt: skip
    manifest = Manifest(
        model=MODEL, version=version, hyperparameters={}, metrics={}, files=(file,), **facts
    )
    pointer = Pointer(model=MODEL, version=version, timestamp="", actor="ann", reason="first")
    for key, content in (
        (f"{version}/{file.path}", body),
        (f"{version}/manifest.json", manifest.model_dump_json().encode()),
        ("latest.json", pointer.model_dump_json().encode()),
    ):
        s3.put_object(Bucket=REGISTRY, Key=f"{MODEL}/{key}", Body=content)


@pytest.fixture(scope="module")
def reader(journey, tmp_path_factory):
    """A clone with the files that a reader brings, and the environment of their shell."""
    folder = clone(tmp_path_factory.mktemp("howtos") / "sluice")
    bring_files(folder)
    laptop = journey.laptop
    with closing(client("s3", laptop.variables())) as s3:
        s3.create_bucket(Bucket=LAKE)
        s3.create_bucket(Bucket=REGISTRY)
        bring_version(s3)
        s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    environment = {
        **laptop.environment(),
        "SLUICE_STATE": str(laptop.state),
        "SLUICE_LAKE_BUCKET": LAKE,
        "SLUICE_REGISTRY_BUCKET": REGISTRY,
        "HOWTO_AWS": laptop.aws_url,
    }
    sign = [sys.executable, "-m", "deployments.signing", "sign"]
    subprocess.run(sign, cwd=folder, env=environment, check=True, timeout=60)
    return folder, environment


@pytest.mark.parametrize("block", [b for b in all_blocks() if b.where == "stack"], ids=str)
def test_a_block_that_needs_the_stack(block, reader):
    folder, environment = reader
    type_in(block, folder, environment, SECONDS)
