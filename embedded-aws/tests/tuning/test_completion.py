"""When a tuning job is over, and how it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.tuning.completion import Criteria, barren, ending
from embedded_aws.tuning.launching import training_job, training_job_name
from embedded_aws.tuning.trial import Trial, best, counters, next_number


def trial(number, status="Completed", objective=(1.0,), **more):
    ended = float(number) if status in {"Completed", "Failed", "Stopped"} else None
    return Trial(f"t-{number}", "", number, {"x": str(number)}, 0.0, status,
                 ended=ended, objective=list(objective), **more)  # fmt: skip


LOSSES = st.lists(st.floats(-1e6, 1e6), max_size=30)


@given(LOSSES)
def test_what_does_not_improve_is_counted_from_the_last_that_did(losses):
    row = barren(losses)
    assert 0 <= row <= max(0, len(losses) - 1)
    if row:
        assert barren(losses[:-1]) == row - 1


def test_an_improvement_of_a_hundredth_is_none():
    assert barren([100.0, 99.5, 99.1, 99.0]) == 3
    assert barren([100.0, 98.9]) == 0
    assert barren([-100.0, -100.5]) == 1
    assert barren([1.0, 1.0, 0.5, 0.5]) == 1
    assert barren([0.0, -0.1]) == 0


@pytest.mark.parametrize(
    ("criteria", "trials", "ran", "status"),
    [
        (Criteria(2), [], 0, None),
        (Criteria(2), [trial(0)], 0, None),
        (Criteria(2), [trial(0), trial(1, "InProgress", ())], 0, None),
        (Criteria(2), [trial(0), trial(1)], 0, "Completed"),
        (Criteria(2), [trial(0), trial(1, "Failed")], 0, "Completed"),
        (Criteria(2), [trial(0), trial(1, "Failed", lost=True)], 0, None),
        (Criteria(2), [trial(0, "Failed"), trial(1, "Failed")], 0, "Failed"),
        (Criteria(9), [trial(n, "Failed") for n in range(4)], 0, None),
        (Criteria(9), [trial(n, "Failed") for n in range(5)], 0, "Failed"),
        (Criteria(9), [trial(n, "Failed", lost=True) for n in range(5)], 0, None),
        (Criteria(9), [trial(n, "Completed", ()) for n in range(5)], 0, "Failed"),
        (Criteria(9), [trial(0), *(trial(n, "Failed") for n in range(1, 7))], 0, None),
        (Criteria(9, runtime=60), [trial(0)], 59, None),
        (Criteria(9, runtime=60), [trial(0)], 60, "Completed"),
        (Criteria(9, runtime=60), [], 60, "Failed"),
        (Criteria(9, target=1.0), [trial(0, objective=[1.1])], 0, None),
        (Criteria(9, target=1.0), [trial(0, objective=[1.0])], 0, "Completed"),
        (Criteria(9, target=1.0), [trial(0, "InProgress", [0.5])], 0, None),
        (Criteria(9, patience=3), [trial(n) for n in range(3)], 0, None),
        (Criteria(9, patience=3), [trial(n) for n in range(4)], 0, "Completed"),
        (Criteria(99, converge=True), [trial(n) for n in range(10)], 0, None),
        (Criteria(99, converge=True), [trial(n) for n in range(11)], 0, "Completed"),
        (Criteria(99), [trial(n) for n in range(11)], 0, None),
    ],
)
def test_how_it_ends(criteria, trials, ran, status):
    found = ending(criteria, trials, 1.0, ran)
    assert (found and found.status) == status
    assert bool(found and found.reason) == (status == "Failed")


def test_a_target_of_what_is_maximised():
    config = {
        "ResourceLimits": {},
        "TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.9},
    }
    criteria = Criteria.of(config, 9, -1.0)
    assert ending(criteria, [trial(0, objective=[0.8])], -1.0, 0) is None
    assert ending(criteria, [trial(0, objective=[0.91])], -1.0, 0).status == "Completed"


def test_the_best_is_by_the_last_value_and_no_failed_one():
    trials = [
        trial(0, objective=[9, 2]), trial(1, objective=[0, 3]),
        trial(2, "Failed", [1]), trial(3, "InProgress", [0]), trial(4, "Stopped", [2]),
    ]  # fmt: skip
    assert best(trials, 1.0) is trials[0]
    assert best(trials, -1.0) is trials[1]
    assert best([], 1.0) is None
    jobs, objectives = counters(trials)
    assert sum(jobs.values()) == sum(objectives.values()) == 5
    assert objectives == {"Succeeded": 3, "Pending": 1, "Failed": 1}


def test_internal_errors_may_be_tried_again():
    assert trial(0, "Failed", failure="InternalServerError: …").counted_as == "RetryableError"
    assert trial(0, "Failed", failure="AlgorithmError: …").counted_as == "NonRetryableError"


@given(st.lists(st.booleans(), max_size=12))
def test_each_combination_that_was_lost_is_launched_again_and_none_twice(losing):
    """Whatever is lost, and when: in the end each number lives once."""
    trials: list[Trial] = []
    for lost in [*losing, *[False] * 20]:
        number, values = next_number(trials)
        assert (values is not None) == any(t.number == number for t in trials)
        if number >= 5 and values is None:
            break
        trials.append(trial(number, "Failed" if lost else "Completed", lost=lost))
    assert sorted(t.number for t in trials if not t.lost) == [0, 1, 2, 3, 4]


def test_names_are_as_sagemaker_makes_them():
    name = training_job_name("tune", 7, "salt")
    assert name.startswith("tune-007-")
    assert len(name) == len("tune-007-") + 8
    assert name == training_job_name("tune", 7, "salt") != training_job_name("tune", 7, "other")


def test_checkpoints_lie_below_the_training_job():
    request = training_job(
        {"RoleArn": "r", "CheckpointConfig": {"S3Uri": "s3://b/c/", "LocalPath": "/opt/ml/x"},
         "StaticHyperParameters": {"a": "1"}}, "name", {"x": "2"},
    )  # fmt: skip
    assert request["CheckpointConfig"] == {"S3Uri": "s3://b/c/name", "LocalPath": "/opt/ml/x"}
    assert request["HyperParameters"] == {"a": "1", "x": "2"}
