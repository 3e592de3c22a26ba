"""Tuning jobs over the end of the embedded AWS: they go on, and nothing is tried twice."""

import time
from collections import Counter

import pytest
from customer.tuning import Tuner, until

from embedded_aws import EmbeddedAws
from embedded_aws.jobs.runner import ClosedError

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others

# Those below "0.5" end by themselves, the others once there is a file.
GATED = """
import json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
x = json.loads(os.environ["SM_HPS"])["x"]
with open(os.environ["RUNS"], "a") as runs:
    runs.write("%s\\n" % x)
print("loss=%r" % x, flush=True)
while x > 0.5 and not os.path.exists(os.environ["GATE"]):
    time.sleep(0.05)
"""
COUNTED = """
import json, os
x = json.loads(os.environ["SM_HPS"])["x"]
print("loss=%r" % x, flush=True)
"""


def grid(*values):
    return {"CategoricalParameterRanges": [{"Name": "x", "Values": list(values)}]}


def places(box):
    return {"Environment": {
        "RUNS": str(box.folder.parent / "runs"), "GATE": str(box.folder.parent / "gate")
    }}  # fmt: skip


def completed(trials):
    return [t["TunedHyperParameters"]["x"] for t in trials if t["TrainingJobStatus"] == "Completed"]


def test_it_goes_on_after_a_kill_and_tries_nothing_twice(box):
    tuner = Tuner(box.client)
    tags = [{"Key": "team", "Value": "blue"}]
    tuner.start(
        "survivor", GATED, ranges=grid("0.1", "0.6", "0.7", "0.2"), Tags=tags,
        definition=places(box), limits={"MaxParallelTrainingJobs": 2}, config={"Strategy": "Grid"},
    )  # fmt: skip
    runs = box.folder.parent / "runs"
    until(lambda: runs.exists() and len(runs.read_text().splitlines()) == 3)
    until(lambda: len(completed(tuner.trials("survivor"))) == 1)
    box.kill()
    (box.folder.parent / "gate").touch()
    box.start()
    tuner.sagemaker = box.client("sagemaker")
    told = tuner.wait("survivor")
    assert told["HyperParameterTuningJobStatus"] == "Completed", told
    trials = tuner.trials("survivor")
    assert sorted(completed(trials)) == ["0.1", "0.2", "0.6", "0.7"]
    lost = [t for t in trials if t["TrainingJobStatus"] == "Failed"]
    assert [t["TunedHyperParameters"]["x"] for t in lost] == ["0.6", "0.7"]
    assert "the embedded AWS ended while this job ran" in lost[0]["FailureReason"]
    assert told["TrainingJobStatusCounters"] == {
        "Completed": 4, "InProgress": 0, "RetryableError": 2, "NonRetryableError": 0, "Stopped": 0,
    }  # fmt: skip
    assert told["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.1"}
    assert Counter(runs.read_text().split()) == {"0.1": 1, "0.2": 1, "0.6": 2, "0.7": 2}
    assert [t["TrainingJobName"][:13] for t in trials] == [
        f"survivor-00{number}-" for number in range(1, 7)
    ]
    last = trials[-1]["TrainingJobArn"]
    assert tuner.sagemaker.list_tags(ResourceArn=last)["Tags"] == tags
    # An ended one is as it was.
    box.kill()
    box.start()
    tuner.sagemaker = box.client("sagemaker")
    assert tuner.describe("survivor") == told
    assert tuner.trials("survivor") == trials


def test_several_that_a_kill_ended_are_owed_after_the_next_kill_too(box):
    tuner = Tuner(box.client)
    values = ["0.6", "0.7", "0.8"]
    tuner.start("twice", GATED, ranges=grid(*values), definition=places(box),
                limits={"MaxParallelTrainingJobs": 3}, config={"Strategy": "Grid"})  # fmt: skip
    runs = box.folder.parent / "runs"
    for kills in (1, 2):
        until(lambda kills=kills: runs.exists() and len(runs.read_text().splitlines()) == 3 * kills)
        box.kill()
        box.start()
    (box.folder.parent / "gate").touch()
    tuner.sagemaker = box.client("sagemaker")
    told = tuner.wait("twice")
    assert told["HyperParameterTuningJobStatus"] == "Completed", told
    trials = tuner.trials("twice")
    assert sorted(completed(trials)) == values
    assert Counter(t["TunedHyperParameters"]["x"] for t in trials) == dict.fromkeys(values, 3)


def test_kills_at_any_time_cost_no_combination(box):
    tuner = Tuner(box.client)
    values = [f"0.{n}" for n in range(1, 7)]
    tuner.start(
        "battered", COUNTED, ranges=grid(*values), config={"Strategy": "Grid"},
        limits={"MaxParallelTrainingJobs": 2},
    )  # fmt: skip
    for pause in (0.0, 0.4, 0.8):
        time.sleep(pause)
        box.kill()
        box.start()
    tuner.sagemaker = box.client("sagemaker")
    told = tuner.wait("battered")
    assert told["HyperParameterTuningJobStatus"] == "Completed", told
    assert sorted(completed(tuner.trials("battered"))) == values
    assert len({t["TrainingJobName"] for t in tuner.trials("battered")}) == len(
        tuner.trials("battered")
    )


def test_one_that_was_stopping_is_stopped(box):
    tuner = Tuner(box.client)
    tuner.start("stopping", GATED, ranges=grid("0.6", "0.7", "0.8"), definition=places(box),
                limits={}, config={"Strategy": "Grid"})  # fmt: skip
    runs = box.folder.parent / "runs"
    until(lambda: runs.exists() and len(runs.read_text().splitlines()) == 2)
    tuner.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopping")
    until(lambda: {t["TrainingJobStatus"] for t in tuner.trials("stopping")} == {"Stopping"})
    assert tuner.describe("stopping")["HyperParameterTuningJobStatus"] == "Stopping"
    box.kill()
    box.start()
    tuner.sagemaker = box.client("sagemaker")
    told = tuner.wait("stopping")
    assert told["HyperParameterTuningJobStatus"] == "Stopped"
    assert len(tuner.trials("stopping")) == 2


def test_what_was_about_to_be_launched_is_launched_under_its_name(tmp_path):
    def ends(*_, **__):
        raise ClosedError

    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        tuner = Tuner(aws.client)
        begin, aws._rooms["training"].begin = aws._rooms["training"].begin, ends
        tuner.start("torn", limits={"MaxNumberOfTrainingJobs": 1})
        [about_to_be] = until(lambda: tuner.trials("torn"))
        assert tuner.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
        aws._rooms["training"].begin = begin
    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        tuner.sagemaker = aws.client("sagemaker")
        assert tuner.wait("torn")["HyperParameterTuningJobStatus"] == "Completed"
        [launched] = tuner.trials("torn")
        assert launched["TrainingJobName"] == about_to_be["TrainingJobName"]
        assert launched["TunedHyperParameters"] == about_to_be["TunedHyperParameters"]
