"""Transform jobs over the end of the embedded AWS."""

import json
import time

import pytest
from customer.transform import Scorer

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others


def until(what, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s")


def described(box, name):
    found = box.client("sagemaker").describe_transform_job(TransformJobName=name)
    return {key: value for key, value in found.items() if key != "ResponseMetadata"}


def test_an_ended_job_is_as_it_was_and_one_that_ran_is_buried(box) -> None:
    scorer = Scorer(box, "survival")
    scorer.model("telling", TELL="1")
    scorer.put("done", data="one")
    scorer.run("done", "telling")
    before = described(box, "done")
    assert before["TransformJobStatus"] == "Completed"
    serving = json.loads(scorer.results("done")["data.out"])["pid"]
    scorer.put("running", a="one\n", b="slow\n")
    scorer.begin("running", "telling")
    until(lambda: scorer.results("running"))
    [told] = scorer.results("running").values()
    assert json.loads(told)["pid"] != serving
    box.kill()
    box.start()
    assert described(box, "done") == before
    running = described(box, "running")
    assert running["TransformJobStatus"] == "Failed"
    assert "the embedded AWS ended while this job ran" in running["FailureReason"]
    assert list((box.folder / "transform").glob("*")) == []
    keys = box.client("s3").list_objects_v2(Bucket="survival", Prefix="out/running/")["Contents"]
    assert [one["Key"] for one in keys] == ["out/running/a.out"]
