"""What runs a stranger's graph: it ends with its time, and sees nothing that opens anything."""

import json
import sys

import numpy as np
import pytest

from models.runtime.isolation import available
from tasks.conversion import beside
from tasks.conversion.runtimes import litert_answers
from tasks.conversion.signature import GraphSignature
from tasks.errors import ConversionError

SIGNATURE = GraphSignature.model_validate(
    {
        "inputs": [{"name": "x", "shape": [2], "dtype": "float32"}],
        "outputs": [{"name": "y", "shape": [1], "dtype": "float32"}],
    }
)
ROWS = {"x": np.zeros((3, 2), "float32")}


def said(program, folder, seconds=60.0):
    return beside.run([sys.executable, "-c", program], folder, seconds)


def test_it_is_given_no_variable_that_opens_anything(tmp_path, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "PREFECT_API_AUTH_STRING", "SLUICE_SIGNING_KEY"):
        monkeypatch.setenv(name, "planted")
    status, log = said("import os, json; print(json.dumps(dict(os.environ)))", tmp_path)
    assert status == 0
    found = json.loads(log)
    assert "planted" not in found.values()
    assert found["TMPDIR"] == str(tmp_path / "temporary")


def test_it_writes_into_its_folder_and_nowhere_else(tmp_path):
    folder, other = tmp_path / "own", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    status, log = said(f"open({str(folder / 'a')!r}, 'w').close()", folder)
    assert (status, (folder / "a").exists()) == (0, True), log
    status, _ = said(f"open({str(other / 'a')!r}, 'w').close()", folder)
    assert (status != 0) == available() == (not (other / "a").exists())


def test_it_is_gone_after_its_time_and_a_crash_is_told_by_its_signal(tmp_path):
    with pytest.raises(beside.OutOfTime, match="longer than 1 s"):
        said("import time; time.sleep(600)", tmp_path, 1.0)
    status, _ = said("import os; os.kill(os.getpid(), 11)", tmp_path)
    assert status == -11


@pytest.mark.parametrize(
    "body", [b"", b"no model", b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 9]
)
def test_a_file_that_litert_cannot_open_is_an_error_and_no_end_of_ours(tmp_path, body):
    path = tmp_path / "model.tflite"
    path.write_bytes(body)
    with pytest.raises(ConversionError, match=r"LiteRT did not run model\.tflite"):
        litert_answers(path, SIGNATURE, ROWS)
