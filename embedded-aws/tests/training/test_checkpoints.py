"""Checkpoints on their way to S3 while the program writes them."""

import os
import threading
import time
from pathlib import Path

import pytest

from embedded_aws.jobs.syncing import SyncedFolder, in_the_making

TIME_SCALE = 240


class Shelf:
    """Notes what is uploaded."""

    def __init__(self):
        self.objects = {}

    def upload_file(self, path, bucket, key):
        self.objects[f"{bucket}/{key}"] = Path(path).read_bytes()


def aged(path, text):
    """Written a minute ago."""
    path.write_text(text)
    then = time.time() - 60
    os.utime(path, (then, then))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "checkpoints"
    made.mkdir()
    return made


def test_a_file_is_taken_when_it_has_stood_still(folder):
    shelf, checkpoints = Shelf(), SyncedFolder(folder, "s3://b/c")
    (folder / "state").write_text("1")
    checkpoints.save(shelf)
    assert shelf.objects == {}
    aged(folder / "state", "12")
    checkpoints.save(shelf)
    assert shelf.objects == {}
    checkpoints.save(shelf)
    assert shelf.objects == {"b/c/state": b"12"}
    shelf.objects.clear()
    checkpoints.save(shelf)
    checkpoints.save(shelf, over=True)
    assert shelf.objects == {}


def test_what_is_in_the_making_waits_for_the_end_of_the_program(folder):
    shelf, checkpoints = Shelf(), SyncedFolder(folder, "s3://b/c")
    (folder / ".epoch-1.npz.partial").write_text("half")
    (folder / "epoch-1.tmp").write_text("half")
    for _ in range(3):
        checkpoints.save(shelf)
    assert shelf.objects == {}
    (folder / "epoch-1.tmp").rename(folder / "epoch-1")
    (folder / "last").write_text("changed a moment ago")
    checkpoints.save(shelf, over=True)
    assert sorted(shelf.objects) == ["b/c/.epoch-1.npz.partial", "b/c/epoch-1", "b/c/last"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("epoch-000001.npz", False), ("a/b/model.pt", False), ("checkpoint", False),
        ("template.bin", False), ("model.tmp", True), ("model.pt.PARTIAL", True), (".x", True),
        ("x~", True), ("ckpt.tmp.1234/w", True), ("a.lock", True), (".git/x", True),
    ],
)  # fmt: skip
def test_names_of_files_in_the_making(name, made):
    assert in_the_making(Path(name)) is made


def test_a_file_that_changes_while_it_is_copied_is_taken_later(folder):
    """The mark of the copy is compared again: size, time and inode."""
    shelf, checkpoints = Shelf(), SyncedFolder(folder, "s3://b/c")
    path = folder / "state"
    path.write_bytes(b"old" * 100)
    checkpoints.save(shelf)
    over = threading.Event()

    def rewrite():
        while not over.is_set():
            path.write_bytes(b"new" * 100)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(50):
            checkpoints.save(shelf)
    finally:
        over.set()
        writer.join()
    checkpoints.save(shelf, over=True)
    assert shelf.objects["b/c/state"] == b"new" * 100


def test_a_file_of_this_moment_may_change_again_within_one_tick_of_the_clock(folder):
    shelf, checkpoints = Shelf(), SyncedFolder(folder, "s3://b/c")
    future = time.time() + 60
    (folder / "state").write_text("1")
    os.utime(folder / "state", (future, future))
    for _ in range(3):
        checkpoints.save(shelf)
    assert shelf.objects == {}
    checkpoints.save(shelf, over=True)
    assert shelf.objects == {"b/c/state": b"1"}


def test_a_file_that_vanishes_is_forgotten(folder):
    shelf, checkpoints = Shelf(), SyncedFolder(folder, "s3://b/c")
    (folder / "gone").write_text("1")
    checkpoints.save(shelf)
    (folder / "gone").unlink()
    checkpoints.save(shelf, over=True)
    assert shelf.objects == {}


def test_a_job_that_writes_slowly_ends_well_and_its_last_state_is_stored(lab):
    script = """
        import os, pathlib, time
        folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints")
        for number in range(3):
            with (folder / "in-place").open("wb") as file:
                for _ in range(12):
                    file.write(bytes([number]) * 65536)
                    file.flush()
                    time.sleep(0.1)
            temporary = folder / f"renamed.{number}.tmp"
            temporary.write_bytes(b"x" * 1000)
            time.sleep(0.2)
            temporary.rename(folder / f"renamed.{number}")
    """
    config = {"S3Uri": f"s3://{lab.bucket}/checkpoints/slow"}
    lab.submit("slow-writer", script, CheckpointConfig=config)
    job = lab.wait("slow-writer")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert lab.keys("checkpoints/slow") == [
        "checkpoints/slow/in-place",
        *[f"checkpoints/slow/renamed.{number}" for number in range(3)],
    ]
    body = lab.s3.get_object(Bucket=lab.bucket, Key="checkpoints/slow/in-place")["Body"].read()
    assert body == bytes([2]) * 12 * 65536
