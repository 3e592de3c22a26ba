"""What lies in a candidate's archive is told without running any of it."""

import io
import json
import pickle
import tarfile
import zipfile

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gates.scan import FOREIGN_STEPS, checks, scan
from tasks.gates.tasks import gate
from tasks.specs.artefact import ArtefactSpec
from tests.tasks.gates.answered import candidate, prices

LIMITS = ArtefactSpec()
PLAIN = {"bundle.json": b"{}", "code/entry_point.py": b"print(1)\n"}


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def saved(write, *arguments):
    stream = io.BytesIO()
    write(stream, *arguments)
    return stream.getvalue()


def zipped(how=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(stream := io.BytesIO(), "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


def packed(path, files, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for member in members:
            tar.addfile(member)
    return path


def failed(path, limits=LIMITS, own_code=False):
    """Names of the checks that failed, with what they found."""
    found = scan(path, limits.max_bytes)
    told = checks(found, limits, own_code=own_code)
    return {check.name: check.observed for check in told if check.outcome == "fail"}


PICKLES = {
    **{f"protocol {n}": pickle.dumps({"a": [1, 2.5, Evil()]}, n) for n in (2, 3, 4, 5)},
    "joblib": saved(lambda s: joblib.dump({"a": np.arange(3)}, s)),
    "joblib, compressed": saved(lambda s: joblib.dump({"a": np.arange(300)}, s, compress=3)),
    "objects of NumPy": saved(lambda s: np.save(s, np.array([Evil()], object), allow_pickle=True)),
    "objects in a zip": saved(lambda s: np.savez(s, a=np.array([{}], object), allow_pickle=True)),
    "PyTorch": zipped(model__data=pickle.dumps({"w": 1}), model__version=b"3"),
    "PyTorch, by its names": zipped(**{"model__data.pkl": b"x"}),
    "a zip that hides what it holds": zipped(zipfile.ZIP_BZIP2, a=b"x"),
    "a zip of too many": zipped(**{f"{number}": b"" for number in range(10_001)}),
}


@pytest.mark.parametrize("kind", PICKLES)
def test_a_pickle_is_told_whatever_it_is_called(kind, tmp_path):
    path = packed(tmp_path / "model.tar.gz", {**PLAIN, "weights.bin": PICKLES[kind]})
    assert failed(path) == {"pickles": "weights.bin"}
    assert failed(path, own_code=True) == {}, "own programs may read what they wrote"
    assert failed(path, ArtefactSpec(pickles="allow")) == {}
    assert failed(path, ArtefactSpec(pickles="refuse"), own_code=True)


def test_one_of_the_oldest_protocols_is_told_by_its_ending(tmp_path):
    files = {name: pickle.dumps([1], 0) for name in ("a.pkl", "b.PT", "c/d.joblib", "e.pickle")}
    path = packed(tmp_path / "model.tar.gz", files)
    assert failed(path) == {"pickles": "a.pkl, b.PT, c/d.joblib and 1 more"}


@given(st.binary(max_size=200))
def test_bytes_of_chance_are_told_and_never_raise(content):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = packed(Path(folder) / "m.tar.gz", {"weights.bin": b"\x80\x04" + content})
        assert set(failed(path)) <= {"pickles"}


def test_what_the_backends_write_is_clean(tmp_path):
    arrays = saved(lambda s: np.savez(s, a=np.arange(3), b=np.array(["x"])))
    files = {
        **PLAIN,
        "two_towers/model.npz": arrays,
        "weights.bin": b"\x80\x02",
        "readme.txt": b"The key AKIA is none, and MZ begins no program.",
        "saved_model/1/saved_model.pb": b"\x12\x06MatMul" * 20,
        "litert/model.tflite": b"\x1c\x00\x00\x00TFL3" + bytes(100),
    }
    assert failed(packed(tmp_path / "model.tar.gz", files)) == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/etc/passwd", tarfile.REGTYPE),
        ("code/../../out", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("device", tarfile.CHRTYPE),
        ("pipe", tarfile.FIFOTYPE),
    ],
)
def test_what_would_leave_its_folder_is_told(name, kind, tmp_path):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "bundle.json"
    path = packed(tmp_path / "model.tar.gz", PLAIN, member)
    assert failed(path) == {"places and links": name}


@pytest.mark.parametrize("step", FOREIGN_STEPS)
def test_a_graph_that_reaches_files_or_python_is_told(step, tmp_path):
    graph = b"\n\x03abc\x12" + bytes([len(step)]) + step.encode() + b"\x1a\x01x"
    path = packed(tmp_path / "model.tar.gz", {"saved_model/1/saved_model.pb": graph})
    assert failed(path) == {"graph steps": f"saved_model/1/saved_model.pb: {step}"}


def test_a_graph_that_tensorflow_saved_is_told_by_its_steps(tmp_path):
    # The bytes of a NodeDef as TensorFlow's own protocol writes them: name, op.
    node = b"\n\x09WriteFile\x12\x09WriteFile"
    assert failed(packed(tmp_path / "m.tar.gz", {"a/saved_model.pb": b"x" * 99_000 + node}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("code/settings.py", b"KEY = 'AKIAIOSFODNN7EXAMPLE'"),
        ("code/id.txt", b"-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ("config.ini", b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
    ],
)
def test_secrets_are_told_by_the_file_and_not_shown(name, content, tmp_path):
    told = failed(packed(tmp_path / "model.tar.gz", {**PLAIN, name: content}))
    assert told == {"secrets": name}


def test_programs_are_told(tmp_path):
    path = packed(tmp_path / "m.tar.gz", {"bin/run": b"\x7fELF\x02\x01", "a.exe": b"MZ\x90\x00"})
    assert failed(path) == {"programs": "bin/run, a.exe"}


def test_sizes_are_bounded_and_nothing_is_read_beyond(tmp_path):
    bomb = packed(tmp_path / "bomb.tar.gz", {"zeros.bin": bytes(30_000_000), "late.pkl": b"x"})
    found = scan(bomb, 1_000_000)
    assert (found.count, found.pickles) == (0, [])
    told = failed(bomb, ArtefactSpec(max_bytes=1_000_000))
    assert set(told) == {"archive size"}
    assert '1,000,000 bytes: with its member "zeros.bin" of 30,000,000' in told["archive size"]
    many = packed(tmp_path / "many.tar.gz", {f"{n}": b"" for n in range(10_001)})
    assert "archive size" in failed(many)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08" + bytes(20)])
def test_what_is_no_archive_fails(content, tmp_path):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    assert set(failed(path)) == {"archive"}
    assert set(failed(tmp_path / "none.tar.gz")) == {"archive"}
    whole = packed(tmp_path / "whole.tar.gz", {**PLAIN, "more.bin": bytes(range(256)) * 400})
    path.write_bytes(whole.read_bytes()[:-60])
    assert set(failed(path)) == {"archive"}


def test_a_candidate_with_a_pickle_is_rejected_before_its_code_runs(tmp_path):
    packed(tmp_path / "model.tar.gz", {**PLAIN, "sklearn/model.joblib": pickle.dumps(Evil())})
    spec = prices(trial={"requests": 20})
    verdict = gate.fn(spec, candidate(tmp_path, mae=5), None, "s3://not/read/", tmp_path / "run")
    assert verdict.outcome == "fail"
    assert verdict.reason.startswith("pickles: sklearn/model.joblib (bound none), a pickle runs")
    assert not (tmp_path / "output" / "serving.json").exists()
    assert json.dumps(verdict.model_dump())
