"""A bundle that an older checkout made goes on measuring and scoring itself with its own code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.runtime import answers, calling

HERE = Path(__file__).parent / "first_edition"


@pytest.fixture
def bundle(tmp_path):
    with calling.unpacked(HERE / "model.tar.gz") as folder:
        yield folder


@pytest.fixture
def holdout(tmp_path):
    channel = tmp_path / "periods" / "2026-03-01"
    channel.mkdir(parents=True)
    shutil.copyfile(HERE / "holdout.parquet", channel / "part.parquet")
    return channel


def test_it_measures_itself_as_its_own_job_did(bundle, holdout, tmp_path):
    assert not (bundle / calling.BUNDLE).exists()
    expected = json.loads((HERE / "metrics.json").read_text("utf-8"))["candidate"]
    got = calling.measure(bundle, holdout, tmp_path / "out")["candidate"]
    assert got == pytest.approx(expected, rel=1e-3)
    assert not (tmp_path / "out" / answers.FILE).exists(), "it knows nothing of answers"


def test_it_answers_its_example_and_its_error_can_be_followed(bundle, holdout, tmp_path):
    calling.check(bundle)
    calling.score(bundle, holdout.parent, tmp_path / "scores", rows=100)
    with np.load(tmp_path / "scores" / "2026-03-01.npz") as found:
        assert np.isfinite(found["error"]).all()
        assert len(found["error"]) == 100
        assert found["error"].mean() == pytest.approx(0.095, abs=0.02)


def test_a_bundle_that_names_no_entry_point_is_told(bundle, tmp_path):
    (bundle / calling.BUNDLE).write_text("{}")
    with pytest.raises(calling.BundleFailed, match="names no entry_point"):
        calling.check(bundle)
    (bundle / calling.BUNDLE).write_text('{"entry_point": "../../bin/sh"}')
    with pytest.raises(calling.BundleFailed, match="which the bundle does not hold"):
        calling.check(bundle)
    shutil.rmtree(bundle / "code")
    (bundle / calling.BUNDLE).unlink()
    with pytest.raises(calling.BundleFailed, match=r"neither bundle\.json nor code/evaluate\.py"):
        calling.measure(bundle, tmp_path, tmp_path / "out")


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(b"none")
    with (
        pytest.raises(calling.BundleFailed, match=r"model\.tar\.gz could not be unpacked"),
        calling.unpacked(tmp_path / "model.tar.gz"),
    ):
        pass
