"""AWS's SDK for JavaScript (v3) against the AWS in the box: `story.mjs` is the way."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.fixture import _no_faults_left, aws
from tasks.conversion.runtimes import install_packages, tool
from tests.clients.aws import programs

__all__ = ["_no_faults_left", "aws"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.seconds(60)]

HERE = Path(__file__).parent / "javascript"
BUCKET = "javascript"


@pytest.fixture(scope="module")
def told(aws, tmp_path_factory):
    """What the SDK saw."""
    modules = install_packages(HERE, Path(sys.prefix) / "aws-sdk-javascript")
    story = shutil.copy2(HERE / "story.mjs", modules / "story.mjs")
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "asked.json").write_text(
        json.dumps(
            {
                "bucket": BUCKET,
                "code": base64.b64encode(programs.code()).decode(),
                "jobs": [programs.training_job(f"times-{n}", BUCKET, n) for n in (2, 3)],
                "configs": {
                    "both": programs.variants("times-2", "times-3"),
                    "stable": programs.variants("times-2"),
                },
            }
        ),
        "utf-8",
    )
    ran = subprocess.run(
        [tool("node"), str(story), str(folder / "asked.json")], cwd=modules,
        env={**aws.environment(), "HOME": str(folder), "NO_PROXY": "127.0.0.1,localhost"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_objects_go_and_come_in_parts_pages_and_under_conditions(told):
    assert told["large"] is True
    assert told["second"] == ["PreconditionFailed", 412]
    assert told["pages"] == [10, 10, 5]
    assert told["deleted"] == 25


def test_jobs_train_and_are_waited_for(told):
    assert told["jobs"] == [["Completed", True]] * 2


def test_a_canary_gets_its_share_and_goes_back(told):
    assert told["first"] == {"times-2": 1, "times-3": 0}
    assert told["stable"] == {"times-2 14.0": 5}
    assert told["target"] == "times-3 21.0"
    assert told["canary"] == {"times-2": 1, "times-3": 1}
    assert told["shared"] == ["times-2 14.0", "times-3 21.0"]
    assert told["back"] == {"times-2": 1}
    assert told["after"] == {"times-2 14.0": 5}
    assert told["counted"] is True


def test_what_is_not_there_is_refused_in_words_and_what_was_made_goes(told):
    assert told["refused"] == ["ValidationException", "Requested resource not found."]
    assert told["left"] == 0
