"""Whole tuning jobs of real training jobs."""

import re
import time

import pytest
from customer.tuning import Tuner, X, until, value_of

TIME_SCALE = 60
FOREVER = """
import time
print("loss=1.0", flush=True)
while True:
    time.sleep(0.05)
"""
EPOCHS = """
import json, os, time
x = float(json.loads(os.environ["SM_HPS"])["x"])
epoch = 0
while epoch < 9 or PATIENT:
    print("loss=%r" % (x + 1 / (1 + min(epoch, 6))), flush=True)
    time.sleep(0.15)
    epoch += 1
"""
# Who is to be stopped does not end by itself, however busy the machine is.
STOPPED_IF_BAD = EPOCHS.replace("PATIENT", "x > 0.5")
ENDLESS = EPOCHS.replace("PATIENT", "True")
GRID = {
    "CategoricalParameterRanges": [
        {"Name": "x", "Values": ["0.1", "0.3", "0.9"]},
        {"Name": "kind", "Values": ['"a"', '"b"']},
    ]
}


@pytest.fixture(scope="module")
def tuner(aws):
    return Tuner(aws.client)


def test_a_tuning_job_is_training_jobs_of_which_one_is_best(tuner):
    tags = [{"Key": "team", "Value": "blue"}]
    arn = tuner.start("first", Tags=tags, limits={"MaxNumberOfTrainingJobs": 3})
    assert arn.endswith(":hyper-parameter-tuning-job/first")
    told = tuner.wait("first")
    assert told["HyperParameterTuningJobStatus"] == "Completed", told
    assert told["HyperParameterTuningJobArn"] == arn
    trials = tuner.trials("first")
    assert [
        re.fullmatch(r"first-00([123])-[0-9a-f]{8}", t["TrainingJobName"])[1] for t in trials
    ] == ["1", "2", "3"]
    for trial in trials:
        assert trial["TrainingJobStatus"] == "Completed"
        assert trial["ObjectiveStatus"] == "Succeeded"
        assert trial["TuningJobName"] == "first"
        x = float(trial["TunedHyperParameters"]["x"])
        assert 0 <= x <= 1
        assert value_of(trial) == pytest.approx((x - 0.3) ** 2, rel=1e-5)
        job = tuner.sagemaker.describe_training_job(TrainingJobName=trial["TrainingJobName"])
        assert job["TuningJobArn"] == arn
        assert job["HyperParameters"]["x"] == trial["TunedHyperParameters"]["x"]
        assert job["HyperParameters"]["_tuning_objective_metric"] == "loss"
        assert job["ModelArtifacts"]["S3ModelArtifacts"].startswith("s3://tuning/jobs/first-00")
        assert tuner.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == tags
    assert tuner.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    best = min(trials, key=value_of)
    assert told["BestTrainingJob"] == best
    assert told["TrainingJobStatusCounters"] == {
        "Completed": 3, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0,
    }  # fmt: skip
    assert told["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    assert told["TrainingJobDefinition"]["StaticHyperParameters"]["_tuning_objective_metric"]
    assert told["CreationTime"] <= told["HyperParameterTuningEndTime"]
    assert told["ConsumedResources"]["RuntimeInSeconds"] > 0
    assert "OverallBestTrainingJob" not in told


def of_the_api(shape, value, path=""):
    """Paths of what is told and not in the API's model, or lacks what it requires."""
    if shape.type_name == "structure":
        yield from (f"{path}.{name}" for name in shape.required_members if name not in value)
        for name, inner in value.items():
            if name not in shape.members:
                yield f"{path}.{name}"
            else:
                yield from of_the_api(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            yield from of_the_api(shape.member, inner, f"{path}[]")
    elif shape.enum if shape.type_name == "string" else False:
        yield from [] if value in shape.enum else [f"{path}={value}"]


@pytest.fixture(scope="module")
def told(tuner):
    """One that has told all that there is to tell."""
    return tuner.run(
        "told", "print('loss=1')", limits={"MaxNumberOfTrainingJobs": 12},
        definition={"DefinitionName": "only"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "action",
    [
        "DescribeHyperParameterTuningJob",
        "ListHyperParameterTuningJobs",
        "ListTrainingJobsForHyperParameterTuningJob",
    ],
)
def test_what_is_told_is_of_the_api(aws, tuner, told, action):
    """Asked without boto3, which passes over what it does not know."""
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    answer = aws._rooms["tuning"].actions()[action]({"HyperParameterTuningJobName": "told"})
    model = tuner.sagemaker.meta.service_model.operation_model(action)
    assert list(of_the_api(model.output_shape, answer)) == []
    if action.startswith("Describe"):
        assert answer["TuningJobCompletionDetails"].keys() == {
            "NumberOfTrainingJobsObjectiveNotImproving", "ConvergenceDetectedTime",
        }  # fmt: skip
        assert answer["BestTrainingJob"]["TrainingJobDefinitionName"] == "only"


def test_the_program_is_not_given_the_objective(tuner):
    program = """
import os, sys
assert "_tuning_objective_metric" not in os.environ["SM_HPS"] + " ".join(sys.argv)
assert "_tuning_objective_metric" in open(
    os.environ["SM_INPUT_CONFIG_DIR"] + "/hyperparameters.json").read()
print("loss=1.5")
"""
    told = tuner.run("unseen", program, limits={"MaxNumberOfTrainingJobs": 1})
    assert told["TrainingJobStatusCounters"]["Completed"] == 1, tuner.trials("unseen")


def test_no_more_than_so_many_at_once(tuner):
    program = "import time\nprint('loss=1')\ntime.sleep(0.6)"
    limits = {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 2}
    tuner.start("seats", program, limits=limits)
    most = 0
    while True:
        told = tuner.describe("seats")
        running = told["TrainingJobStatusCounters"]["InProgress"]
        most = max(most, running)
        if told["HyperParameterTuningJobStatus"] != "InProgress":
            break
    assert most == 2
    assert sum(told["TrainingJobStatusCounters"].values()) == 5


def test_the_same_seed_tries_the_same(tuner):
    for name in ("seed-1", "seed-2"):
        tuner.run(
            name, config={"Strategy": "Bayesian"},
            limits={"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 1},
        )  # fmt: skip
    first, second = (
        [t["TunedHyperParameters"] for t in tuner.trials(name)] for name in ("seed-1", "seed-2")
    )
    assert first == second
    assert len({one["x"] for one in first}) == 5


def test_a_grid_is_covered_once(tuner):
    program = """
import json, os
settings = json.loads(os.environ["SM_HPS"])
print("loss=%r" % (settings["x"] + {"a": 0, "b": 1}[settings["kind"]]))
"""
    told = tuner.run(
        "grid", program, ranges=GRID, config={"Strategy": "Grid"},
        limits={"MaxParallelTrainingJobs": 3},
    )  # fmt: skip
    tried = [tuple(t["TunedHyperParameters"].values()) for t in tuner.trials("grid")]
    assert sorted(tried) == [(x, kind) for x in ("0.1", "0.3", "0.9") for kind in ('"a"', '"b"')]
    assert told["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.1", "kind": '"a"'}


def test_the_median_rule_stops_training_jobs_early(tuner):
    """The first is the best: those after it are worse at once."""
    told = tuner.run(
        "median", STOPPED_IF_BAD,
        config={"Strategy": "Grid", "TrainingJobEarlyStoppingType": "Auto"},
        ranges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.1", "0.9", "0.05"]}]},
        limits={"MaxParallelTrainingJobs": 1},
    )  # fmt: skip
    trials = tuner.trials("median")
    assert [t["TrainingJobStatus"] for t in trials] == ["Completed", "Stopped", "Completed"]
    assert told["TrainingJobStatusCounters"]["Stopped"] == 1
    assert told["ObjectiveStatusCounters"]["Succeeded"] == 3
    assert told["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.05"}


def test_hyperband_stops_most_of_a_bracket_and_all_at_the_most(tuner):
    told = tuner.run(
        "hyperband", ENDLESS, limits={"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 2},
        config={
            "Strategy": "Hyperband",
            "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 7}},
        },
    )  # fmt: skip
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert {t["TrainingJobStatus"] for t in tuner.trials("hyperband")} == {"Stopped"}
    best = told["BestTrainingJob"]["TunedHyperParameters"]
    assert float(best["x"]) == min(
        float(t["TunedHyperParameters"]["x"]) for t in tuner.trials("hyperband")
    )


def test_a_target_ends_it(tuner):
    told = tuner.run(
        "target", EPOCHS.replace("PATIENT", "False"), limits={"MaxParallelTrainingJobs": 2},
        config={"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 2.0}},
    )  # fmt: skip
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(told["TrainingJobStatusCounters"].values()) <= 3


def test_it_ends_when_nothing_gets_better(tuner):
    told = tuner.run(
        "idle", "print('loss=1')", limits={"MaxParallelTrainingJobs": 1},
        config={"TuningJobCompletionCriteria": {
            "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}},
    )  # fmt: skip
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert told["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert told["TrainingJobStatusCounters"]["Completed"] == 4


def test_its_time_ends_it(tuner):
    limits = {"MaxRuntimeInSeconds": 600, "MaxParallelTrainingJobs": 2}
    told = tuner.run("brief", FOREVER, limits=limits)
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert told["TrainingJobStatusCounters"]["Stopped"] == 2
    assert told["ConsumedResources"]["RuntimeInSeconds"] >= 600


def test_a_stop_stops_its_training_jobs(tuner):
    tuner.start("stopped", FOREVER)
    until(lambda: len(tuner.trials("stopped")) == 2)
    stop = tuner.sagemaker.stop_hyper_parameter_tuning_job
    stop(HyperParameterTuningJobName="stopped")
    assert tuner.describe("stopped")["HyperParameterTuningJobStatus"] in {"Stopping", "Stopped"}
    told = tuner.wait("stopped")
    assert told["HyperParameterTuningJobStatus"] == "Stopped"
    assert {t["TrainingJobStatus"] for t in tuner.trials("stopped")} == {"Stopped"}
    assert len(tuner.trials("stopped")) == 2
    with pytest.raises(tuner.sagemaker.exceptions.ClientError, match="in status Stopped"):
        stop(HyperParameterTuningJobName="stopped")


def test_it_fails_when_no_training_job_succeeds(tuner):
    limits = {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 1}
    told = tuner.run("broken", "raise SystemExit(3)", limits=limits)
    assert told["HyperParameterTuningJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert told["TrainingJobStatusCounters"]["NonRetryableError"] == 5
    assert told["ObjectiveStatusCounters"]["Failed"] == 5
    assert "BestTrainingJob" not in told
    assert "ExitCode 3" in tuner.trials("broken")[0]["FailureReason"]


@pytest.mark.parametrize("words", ["no number here", "loss=nan"])
def test_it_fails_when_none_tells_its_objective(tuner, words):
    name = f"mute-{len(words)}"
    told = tuner.run(name, f"print('{words}')", limits={"MaxNumberOfTrainingJobs": 2})
    assert told["HyperParameterTuningJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("No objective metrics found after running 2 training")
    assert told["TrainingJobStatusCounters"]["Completed"] == 2
    assert told["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 2}


def test_some_may_fail(tuner):
    program = """
import json, os
x = float(json.loads(os.environ["SM_HPS"])["x"])
if x > 0.5:
    raise SystemExit(1)
print("loss=%r" % x)
"""
    told = tuner.run(
        "some", program, config={"Strategy": "Grid"}, limits={},
        ranges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.9", "0.2"]}]},
    )  # fmt: skip
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert told["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 1}
    assert told["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.2"}


def test_each_has_checkpoints_of_its_own(tuner):
    program = """
import os, time
folder = os.environ["SAGEMAKER_BASE_DIR"] + "/checkpoints"
print("loss=%d" % len(os.listdir(folder)))
open(folder + "/one", "w").write("kept")
"""
    place = {"CheckpointConfig": {"S3Uri": "s3://tuning/checkpoints"}}
    tuner.run("kept", program, definition=place,
              limits={"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1})  # fmt: skip
    names = [trial["TrainingJobName"] for trial in tuner.trials("kept")]
    assert [value_of(trial) for trial in tuner.trials("kept")] == [0, 0]
    found = tuner.s3.list_objects_v2(Bucket="tuning", Prefix="checkpoints/")["Contents"]
    assert [one["Key"] for one in found] == [f"checkpoints/{name}/one" for name in names]


def test_a_warm_start_knows_what_its_parent_found(tuner):
    config = {"Strategy": "Bayesian"}
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1}
    request = tuner.request("parent", config=config, limits=limits)
    tuner.sagemaker.create_hyper_parameter_tuning_job(**request)
    parent = tuner.wait("parent")
    child = {**request, "HyperParameterTuningJobName": "child"}
    child["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    tuner.sagemaker.create_hyper_parameter_tuning_job(**child)
    told = tuner.wait("child")
    assert told["WarmStartConfig"] == child["WarmStartConfig"]
    # What the parent tried with the same seed is not tried again: it is known.
    tried = {t["TunedHyperParameters"]["x"] for t in tuner.trials("parent")}
    assert tried.isdisjoint(t["TunedHyperParameters"]["x"] for t in tuner.trials("child"))
    overall = min(parent["BestTrainingJob"], told["BestTrainingJob"], key=value_of)
    assert told["OverallBestTrainingJob"] == overall
    # The parent may be gone by now.
    tuner.sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="parent")
    assert tuner.describe("child")["OverallBestTrainingJob"] == overall


def test_lists_and_deletion(tuner):
    for name in ("list-b", "list-a"):
        tuner.run(name, limits={"MaxNumberOfTrainingJobs": 2})
    listed = tuner.sagemaker.list_hyper_parameter_tuning_jobs
    found = listed(NameContains="list-")["HyperParameterTuningJobSummaries"]
    assert [one["HyperParameterTuningJobName"] for one in found] == ["list-a", "list-b"]
    assert found[0]["Strategy"] == "Random"
    assert found[0]["TrainingJobStatusCounters"]["Completed"] == 2
    assert found[0]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 2
    assert (
        listed(NameContains="list-", StatusEquals="Failed")["HyperParameterTuningJobSummaries"]
        == []
    )
    by_value = tuner.trials("list-a", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [value_of(trial) for trial in by_value]
    assert values == sorted(values, reverse=True)
    page = tuner.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = page.paginate(
        HyperParameterTuningJobName="list-a", PaginationConfig={"PageSize": 1}
    ).build_full_result()["TrainingJobSummaries"]
    assert pages == tuner.trials("list-a")
    assert tuner.trials("list-a", StatusEquals="Failed") == []
    arn = tuner.describe("list-a")["HyperParameterTuningJobArn"]
    tuner.sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="list-a")
    gone = tuner.sagemaker.exceptions.ResourceNotFound
    for call in (
        tuner.sagemaker.describe_hyper_parameter_tuning_job,
        tuner.sagemaker.stop_hyper_parameter_tuning_job,
        tuner.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job,
    ):
        with pytest.raises(gone):
            call(HyperParameterTuningJobName="list-a")
    with pytest.raises(tuner.sagemaker.exceptions.ClientError):
        tuner.sagemaker.list_tags(ResourceArn=arn)
    # Its training jobs stay, and another of its name makes others.
    tuner.sagemaker.describe_training_job(TrainingJobName=pages[0]["TrainingJobName"])
    tuner.run("list-a", limits={"MaxNumberOfTrainingJobs": 1})
    assert tuner.trials("list-a")[0]["TrainingJobName"] != pages[0]["TrainingJobName"]


def test_it_waits_without_looking_all_the_while(aws, tuner):
    """Nothing happens, and its thread has nothing to do."""
    tuner.start("asleep", FOREVER, limits={"MaxNumberOfTrainingJobs": 1})
    until(lambda: tuner.trials("asleep"))
    [tuning] = [r for r in aws._rooms["tuning"]._runners if r.name == "asleep"]
    looked = []
    look, tuning._look = tuning._look, lambda: (looked.append(1), look())
    until(lambda: tuner.sagemaker.describe_training_job(
        TrainingJobName=tuner.trials("asleep")[0]["TrainingJobName"]
    )["SecondaryStatus"] == "Training")  # fmt: skip
    before = len(looked)
    time.sleep(1.0)
    assert len(looked) - before <= 1
    tuner.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="asleep")
    tuner.wait("asleep")


def test_integers_and_scales(tuner):
    ranges = {
        "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "3"}],
        "ContinuousParameterRanges": [
            {**X, "MinValue": "0.0001", "ScalingType": "Logarithmic"},
            {"Name": "m", "MinValue": "0.9", "MaxValue": "0.999",
             "ScalingType": "ReverseLogarithmic"},
        ],
    }  # fmt: skip
    told = tuner.run("scales", ranges=ranges, limits={"MaxNumberOfTrainingJobs": 2})
    values = told["BestTrainingJob"]["TunedHyperParameters"]
    assert int(values["n"]) in {1, 2, 3}
    assert 0.0001 <= float(values["x"]) <= 1
    assert 0.9 <= float(values["m"]) <= 0.999
