"""What a container was given is what was released, or it does not serve: whatever was changed."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runtime import model_files
from models.runtime.model_files import (
    EXPECTED,
    LONGEST_VALUE,
    REFUSED,
    files_of,
    listing_of,
    named_in,
    refusal,
    variables,
)
from models.runtime.serving.app import main as serve

NAMES = st.text("abcéß -\\", min_size=1, max_size=4).filter(lambda name: name.strip() == name)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FOLDERS = st.dictionaries(PATHS, st.binary(max_size=40), min_size=1, max_size=6).filter(
    lambda files: not any(f"{one}/" in other for one in files for other in files)
)
"""Files by path, none of which is a folder of another one."""


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return folder


def released(files: Mapping[str, bytes]) -> dict[str, str]:
    """A container's Environment for these files."""
    listing = listing_of({path: hashlib.sha256(body).hexdigest() for path, body in files.items()})
    return variables(listing, hashlib.sha256(listing).hexdigest())


@settings(max_examples=150)
@given(files=FOLDERS, data=st.data())
def test_every_changed_added_or_removed_file_is_found_and_named(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    environment = released(files)
    path = data.draw(st.sampled_from(sorted(files)))
    changes = ["added", "removed", "renamed", *(["flipped", "cut"] if files[path] else [])]
    change = data.draw(st.sampled_from(changes))
    with tempfile.TemporaryDirectory() as scratch:
        folder = written(Path(scratch), files)
        assert refusal(folder, environment) == ""
        target = folder / path
        if change == "flipped":
            body = bytearray(files[path])
            body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            target.write_bytes(body)
        elif change == "cut":
            target.write_bytes(files[path][:-1])
        elif change == "removed":
            target.unlink()
        elif change == "renamed":
            target.rename(folder / "another")
        else:
            path = "more"
            (folder / path).write_bytes(data.draw(st.binary(max_size=3)))
        said = refusal(folder, environment)
    assert repr(path) in said
    assert environment[EXPECTED] in said
    assert "Restore model.tar.gz" in said
    if change in {"flipped", "cut", "removed", "renamed"}:
        assert hashlib.sha256(files[path]).hexdigest() in said


@given(files=FOLDERS)
def test_what_an_environment_lists_is_read_again(files: dict[str, bytes]) -> None:
    environment = released(files)
    sha256s = {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}
    assert named_in(environment) == sha256s


def test_every_single_bit_of_a_small_folder_counts(tmp_path: Path) -> None:
    files = {"code/serve.py": b"print(1)", "weights.bin": bytes(range(9))}
    environment, folder = released(files), written(tmp_path, files)
    for path, body in files.items():
        for bit in range(8 * len(body)):
            changed = bytearray(body)
            changed[bit // 8] ^= 1 << bit % 8
            (folder / path).write_bytes(changed)
            assert repr(path) in refusal(folder, environment)
        (folder / path).write_bytes(body)
    assert refusal(folder, environment) == ""


def test_a_link_is_no_file_whatever_it_leads_to(tmp_path: Path) -> None:
    files = {"code/serve.py": b"print(1)", "weights.bin": b"w"}
    environment, folder = released(files), written(tmp_path / "model", files)
    shutil.move(folder / "weights.bin", tmp_path / "weights.bin")
    (folder / "weights.bin").symlink_to(tmp_path / "weights.bin")
    assert (
        "'weights.bin' has no bytes of its own (it is no file, but of the kind 'link'"
        in refusal(folder, environment)
    )
    (folder / "weights.bin").unlink()
    shutil.copy(tmp_path / "weights.bin", folder)
    shutil.move(folder / "code", tmp_path / "code")
    (folder / "code").symlink_to(tmp_path / "code")
    assert "'code/serve.py' has no bytes at all" in refusal(folder, environment)
    (folder / "code").unlink()
    shutil.move(tmp_path / "code", folder / "code")
    os.mkfifo(folder / "pipe")
    assert "'pipe' has no bytes of its own (it is no file, but of the kind 'p'" in refusal(
        folder, environment
    )


def test_no_file_bears_the_name_of_two(tmp_path: Path) -> None:
    first, second = (hashlib.sha256(body).hexdigest() for body in (b"1", b"2"))
    two = listing_of({"a": first, "b": second})
    assert listing_of({f"a\n{second}  b": first}) != two
    assert two.decode() == f"{first}  a\n{second}  b\n"


def test_the_list_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    files = {"a": b"1", "back\\slash": b"2", "folder/b": b"3"}
    folder = written(tmp_path / "model", files)
    (tmp_path / "list").write_bytes(listing_of(files_of(folder)))
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", str(tmp_path / "list")], cwd=folder
    )
    assert checked.returncode == 0


def test_what_an_older_version_did_not_list_is_not_asked_for(tmp_path: Path) -> None:
    written(tmp_path, {"whatever": b"it is"})
    assert refusal(tmp_path, {"SLUICE_VERSION": "v20260101_020000"}) == ""


def test_a_long_list_is_left_out_and_its_digest_still_decides(tmp_path: Path) -> None:
    files = {f"vocabulary/{number:04}": b"word" for number in range(2000)}
    environment, folder = released(files), written(tmp_path, files)
    assert set(environment) == {EXPECTED, "PYTHONDONTWRITEBYTECODE"}
    assert refusal(folder, environment) == ""
    (folder / "vocabulary/0007").write_bytes(b"ward")
    assert "of its 2000 files, whose list is too long" in refusal(folder, environment)


def test_the_variables_are_within_what_sagemaker_takes() -> None:
    files = {f"code/models/runtime/module_{number}.py": f"{number:064x}" for number in range(260)}
    made = variables(listing_of(files), "0" * 64)
    assert named_in(made) == files
    assert max(len(value) for value in made.values()) <= LONGEST_VALUE
    assert sum(len(name) + len(value) for name, value in made.items()) < 26 << 10
    assert len(made) < 30


def started(folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What an image does whose entry point is ours."""
    program = "import os; print(sorted(name for name in os.environ if 'FILES' in name))"
    command = [sys.executable, "-I", model_files.__file__, sys.executable, "-c", program]
    variables = {"PATH": os.environ["PATH"], "SM_MODEL_DIR": str(folder), **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True)


def test_the_entry_point_becomes_the_program_or_ends_before_it(tmp_path: Path) -> None:
    files = {"code/serve.py": b"print(1)", "weights.bin": b"w"}
    environment = released(files)
    written(tmp_path, files)
    good = started(tmp_path, environment)
    assert (good.returncode, good.stdout) == (0, "[]\n"), good.stderr
    (tmp_path / "code/serve.py").write_bytes(b"print(2)")
    bad = started(tmp_path, {**environment, "SLUICE_MODEL": "toys", "SLUICE_VERSION": "v1"})
    assert bad.returncode == REFUSED
    assert "was released as toys v1: 'code/serve.py' has SHA-256" in bad.stdout
    assert "[]" not in bad.stdout
    assert started(tmp_path, {}).returncode == 0


def test_our_own_server_reads_nothing_of_a_model_that_was_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in released({"preprocess.json": b"{}"}).items():
        monkeypatch.setenv(name, value)
    written(tmp_path, {"preprocess.json": b"{ }"})
    assert serve(tmp_path) == REFUSED
    assert "'preprocess.json' has SHA-256" in capsys.readouterr().out


def test_an_older_image_can_hold_the_file_alone() -> None:
    tree = ast.parse(Path(model_files.__file__).read_text("utf-8"), feature_version=(3, 9))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_an_entry_point_without_a_program_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        model_files.main([], {})
    assert ended.value.code == REFUSED
    assert "ENTRYPOINT" in capsys.readouterr().out


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    environment = released({"weights.bin": b"w"})
    assert "'weights.bin' has no bytes at all" in refusal(tmp_path / "none", environment)
