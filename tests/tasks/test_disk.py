"""On a disk that is full, each stage says so, leaves nothing half-written, and can be run again.

The disk is a real one: a small file system of this test's own, in a namespace where it may be made.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.runtime import isolation
from tasks import aws as our_aws
from tasks.disk import writing
from tasks.errors import DiskFull

ROOT = Path(__file__).resolve().parents[2]
BUCKET, KEY = "sluice-models", "models/m/1.0.0/model.tar.gz"
SMALL = 'mount -t tmpfs -o size=256k,nr_inodes=64 tmpfs "$1" && shift && exec "$@"'
ACTS = {
    "a job's model": "from tasks.training.collect import fetch; "
    f"fetch('s3://{BUCKET}/{KEY}', folder / 'deep' / 'model.tar.gz')",
    "an upload": "from tasks.uploads import artefact; "
    "from tasks.uploads.notices import upload_of; "
    f"artefact.receive(upload_of('{BUCKET}', '{KEY}', tag), 'sluice-work', folder / 'in')",
    "a channel": "from tasks import objects; "
    f"objects.download('s3://{BUCKET}/models', folder / 'channel')",
}
PROGRAM = """
import json, sys
from pathlib import Path
from tasks.errors import SluiceError
folder, tag, act = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    exec(act)
    said = "no error"
except SluiceError as error:
    said = f"{type(error).__name__}: {error}"
left = [str(path) for path in folder.rglob("*") if path.is_file()]
print(json.dumps({"said": said, "left": left}))
"""


@pytest.fixture(scope="module")
def tag(aws: Any) -> Iterator[str]:
    """An object of two megabytes; its ETag."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        yield s3.put_object(Bucket=BUCKET, Key=KEY, Body=os.urandom(2_000_000))["ETag"]
    our_aws.client.cache_clear()


@pytest.mark.skipif(not isolation.available(), reason="no user namespaces: no disk can be made")
@pytest.mark.parametrize("act", ACTS)
def test_a_full_disk_is_told_and_nothing_is_left(tag: str, tmp_path: Path, act: str) -> None:
    small = ["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c", SMALL, "sh"]
    program = [sys.executable, "-c", PROGRAM, str(tmp_path), tag, ACTS[act]]
    done = subprocess.run(
        [*small, str(tmp_path), *program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["said"].startswith("DiskFull: "), told
    assert "No space left on device" in told["said"]
    assert "MB and" in told["said"]
    assert "Next: Free space there" in told["said"]
    assert told["left"] == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_what_a_disk_says_names_thing_place_and_next_step(tmp_path: Path, number: int) -> None:
    told = pytest.raises(DiskFull, match=r"the model does not fit: .*files free\. Next: Free space")
    with told, writing("the model", tmp_path / "not" / "there"):
        raise OSError(number, os.strerror(number))


def test_other_faults_of_a_file_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), writing("the model", tmp_path):
        raise PermissionError(errno.EACCES, "no")
