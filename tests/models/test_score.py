"""A published model on new rows, in a process of its own, as watch-drift asks it."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.demo.generate import property_sales
from tasks.drift.quality.champion import read_errors, reference_errors
from tasks.drift.scoring import score_periods, split_periods
from tasks.drift.tasks import follow_champion, keep_errors
from tasks.errors import DataError
from tasks.objects import file_digest
from tasks.values import BundleFile, Manifest, Snapshot, ValidatedData


def good_rows(folder, columns, price=1.0):
    """Good rows as the contract stage leaves them."""
    folder.mkdir(parents=True)
    table = pa.table({**columns, "price": columns["price"] * price})
    days = table["date"].cast(pa.date32())
    pq.write_table(table.append_column("_day", days), folder / "part-00000.parquet")
    return folder


def snapshot(end):
    return Snapshot(
        dataset="property_sales", bucket="lake", start=end, end=end, objects=(), fingerprint="f"
    )


def data(end, good, work):
    return ValidatedData(
        snapshot=snapshot(end),
        address="",
        contract="property_sales",
        contract_version="1",
        kinds={},
        drift_policy={},
        good=good,
        work=work,
    )


@pytest.fixture(scope="module")
def held_out():
    return property_sales(1500, date(2026, 2, 1), 35, seed=11), date(2026, 3, 7)


@pytest.fixture
def champion(aws_environment, monkeypatch, tmp_path, trained, held_out):
    """A registry that holds the trained model with its held-out errors."""
    from tasks.aws import client
    from tasks.settings import settings

    columns, end = held_out
    monkeypatch.setenv("SLUICE_REGISTRY_BUCKET", "scored-models")
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    good = good_rows(tmp_path / "held-out", columns)
    split_periods(good, tmp_path / "periods", end, 7, end)
    scored = score_periods(trained.archive, tmp_path / "periods", tmp_path / "work")
    assert len(scored) == 5
    errors = reference_errors(scored, end, 7).model_dump_json().encode()
    s3 = client("s3")
    s3.create_bucket(Bucket="scored-models")
    s3.put_object(Bucket="scored-models", Key="m/v1/drift/errors.json", Body=errors)
    s3.upload_file(str(trained.archive), "scored-models", "m/v1/model.tar.gz")
    sha256, size = file_digest(trained.archive)
    facts = dict.fromkeys(
        ("created", "identity", "training_job", "snapshot", "snapshot_fingerprint", "code_hash",
         "contract", "contract_version"), "x",
    )  # fmt: skip
    return Manifest(
        model="m",
        version="v1",
        hyperparameters={},
        metrics={},
        files=(
            BundleFile(path="model.tar.gz", sha256=sha256, size=size),
            BundleFile(path="drift/errors.json", sha256="", size=len(errors)),
        ),
        **facts,
    )


def test_the_champion_is_followed_on_rows_that_it_has_not_seen(champion, tmp_path):
    end = date(2026, 4, 4)
    later = property_sales(1200, date(2026, 3, 8), 28, seed=12)
    same = good_rows(tmp_path / "same", later)
    found = follow_champion.fn(champion, data(end, same, tmp_path / "a"))
    assert found.outcome == "pass", found.reason
    assert found.labelled == 1200

    dearer = good_rows(tmp_path / "dearer", later, price=1.25)
    found = follow_champion.fn(champion, data(end, dearer, tmp_path / "b"))
    assert found.outcome == "fail", found.reason
    assert found.bias.change == pytest.approx(np.log(1.25), abs=0.05)

    # Another model under the same name is not asked; and the watch itself goes on.
    other = champion.files[0].model_copy(update={"sha256": "0" * 64})
    forged = champion.model_copy(update={"files": (other, champion.files[1])})
    found = follow_champion.fn(forged, data(end, same, tmp_path / "c"))
    assert found.outcome == "error"
    assert "is not what its manifest says" in found.reason
    bare = champion.model_copy(update={"files": ()})
    found = follow_champion.fn(bare, data(end, same, tmp_path / "d"))
    assert found.outcome == "inconclusive"


def test_an_artefact_gets_the_errors_that_it_is_followed_by(champion, held_out, trained, tmp_path):
    """As retrain and release-upload make them: an archive, and held-out rows in S3."""
    from tasks.aws import client

    columns, end = held_out
    rows = good_rows(tmp_path / "rows", columns)
    client("s3").upload_file(
        str(rows / "part-00000.parquet"), "scored-models", "channels/holdout/part-00000.parquet"
    )
    holdout = "s3://scored-models/channels/holdout/"
    made = keep_errors.fn("homes", data(end, rows, tmp_path / "work"), trained.archive, holdout)
    (name, path), = made.items()  # fmt: skip
    assert name == "drift/errors.json"
    known = client("s3").get_object(Bucket="scored-models", Key="m/v1/drift/errors.json")["Body"]
    assert read_errors(path.read_bytes()) == read_errors(known.read())
    # What cannot be scored is no reason to keep a good model from users: it is said, and left out.
    (tmp_path / "no-model.tar.gz").write_bytes(b"")
    broken = data(end, rows, tmp_path)
    assert keep_errors.fn("homes", broken, tmp_path / "no-model.tar.gz", holdout) == {}


def test_a_program_that_fails_says_why(trained, tmp_path):
    (tmp_path / "periods" / "2026-01-01").mkdir(parents=True)
    table = pa.table({"nothing": [1]})
    pq.write_table(table, tmp_path / "periods" / "2026-01-01" / "part.parquet")
    with pytest.raises(DataError, match="could not be run on the new rows"):
        score_periods(trained.archive, tmp_path / "periods", tmp_path / "work")
