"""Which alarms should stand: from model.yaml alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from pydantic import ValidationError

from tasks.metrics import TASKS, told_as
from tasks.model_spec import ModelSpec
from tasks.release.failsafe_alarm import raised
from tasks.release.standing.requests import (
    ALONE,
    HELP,
    PARTS,
    composite_name,
    model_of,
    names,
    requests,
)
from tasks.specs.alarms import AlarmsSpec
from tasks.specs.gates import GateSpec

V1 = "v20260101_020000"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
GATES = {
    "classification": {"metric": "accuracy", "no_worse_than_champion": 0.02},
    "regression": {"metric": "mae", "at_most": 1.0},
    "ranking": {"metric": "ndcg", "at_least": 0.5},
}
FAMILIES = {"ranking": {"input": "pairs", "backend": "two-towers"}}
TABULAR = {"input": "tabular", "backend": "keras"}


def spec(task: str = "classification", name: str = "toy", **alarms: Any) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": name,
            "family": {"task": task, **FAMILIES.get(task, TABULAR)},
            "owner": "o",
            "description": "d",
            "data": {"dataset": "d", "label": "l"},
            "gates": [GATES[task]],
            "alarms": alarms,
        }
    )


def made(of: ModelSpec, topic: str = TOPIC) -> dict[str, dict[str, Any]]:
    """Requests by part; "" is the composite."""
    return {one["AlarmName"].partition(".")[2]: one for one in requests(of, V1, "Sluice", topic)}


def test_the_bounds_are_those_that_are_promised() -> None:
    alarms = made(spec())
    assert set(alarms) == {"", *PARTS}
    assert {part: alarms[part]["Threshold"] for part in PARTS} == {
        "accuracy": 85.0,
        "memory": 80.0,
        "errors": 0.05,
        "latency": 3000.0,
        "slow": 5000.0,
        "endpoint": 1.0,
    }
    for part in set(PARTS) - {"endpoint"}:
        assert (alarms[part]["EvaluationPeriods"], alarms[part]["DatapointsToAlarm"]) == (2, 2)
        periods = {
            query["MetricStat"]["Period"]
            for query in alarms[part].get("Metrics", ())
            if "MetricStat" in query
        }
        assert (periods or {alarms[part]["Period"]}) == {300}


def test_what_missing_data_means_is_said_of_each() -> None:
    alarms = made(spec())
    assert {part: alarms[part]["TreatMissingData"] for part in PARTS} == {
        "accuracy": "ignore",
        "memory": "notBreaching",
        "errors": "notBreaching",
        "latency": "notBreaching",
        "slow": "notBreaching",
        "endpoint": "breaching",
    }


def test_a_version_that_has_just_come_is_no_outage() -> None:
    def silence(age: float) -> str:
        found = {one["AlarmName"]: one for one in requests(spec(), V1, "Sluice", TOPIC, age=age)}
        return str(found["sluice-standing-toy.endpoint"]["TreatMissingData"])

    assert [silence(age) for age in (0.0, 599.0, 600.0)] == [
        "notBreaching",
        "notBreaching",
        "breaching",
    ]


def test_people_are_told_by_the_whole_or_by_the_part_alone_and_of_every_part() -> None:
    alarms = made(spec())
    whole = alarms.pop("")
    assert set(ALONE) == {"accuracy", "endpoint"}
    assert whole["AlarmActions"] == whole["OKActions"] == [TOPIC]
    assert whole["AlarmRule"].count("ALARM(") == len(alarms) - len(ALONE)
    for part, one in alarms.items():
        alone = part in ALONE
        assert (f'ALARM("{one["AlarmName"]}")' in whole["AlarmRule"]) is not alone
        assert one["AlarmActions"] == one["OKActions"] == ([TOPIC] if alone else [])
        assert one["InsufficientDataActions"] == []
    silent = made(spec(), topic="")
    for name in ("", *ALONE):
        assert (silent[name]["AlarmActions"], silent[name]["ActionsEnabled"]) == ([], False)


def test_without_any_part_of_it_there_is_no_whole() -> None:
    none = {"memory_percent": 0, "error_rate": 0, "latency_ms": 0, "slow_ms": 0}
    assert set(made(spec(**none))) == {"accuracy", "endpoint"}
    one = made(spec(**{**none, "slow_ms": 5000}))
    assert one[""]["AlarmRule"] == 'ALARM("sluice-standing-toy.slow")'


def test_a_description_says_what_to_do_next_and_fits() -> None:
    for one in made(spec(name="a" * 40)).values():
        assert "Next: " in one["AlarmDescription"]
        assert one["AlarmDescription"].endswith(HELP)
        assert len(one["AlarmDescription"]) <= 1024


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("accuracy", "accuracy"),
        ("memory_percent", "memory"),
        ("error_rate", "errors"),
        ("latency_ms", "latency"),
        ("slow_ms", "slow"),
    ],
)
def test_a_bound_is_honoured_and_without_one_there_is_no_such_alarm(key: str, part: str) -> None:
    given = 0.5
    threshold = made(spec(**{key: given}))[part]["Threshold"]
    assert threshold == (50.0 if key == "accuracy" else given)
    without = made(spec(**{key: 0}))
    assert part not in without
    assert part not in without[""]["AlarmRule"]


def test_none_stand_when_they_are_off() -> None:
    assert requests(spec(enabled=False), V1, "Sluice", TOPIC) == []


def test_what_a_gate_lets_to_users_rings_nobody_once_it_serves() -> None:
    modest = spec().model_copy(
        update={"gates": (GateSpec.model_validate({"metric": "accuracy", "at_least": 0.7}),)}
    )
    assert made(modest)["accuracy"]["Threshold"] == 70.0
    strict = spec().model_copy(
        update={"gates": (GateSpec.model_validate({"metric": "accuracy", "at_least": 0.95}),)}
    )
    assert made(strict)["accuracy"]["Threshold"] == 85.0
    asked = modest.model_copy(update={"alarms": AlarmsSpec(accuracy=0.9)})
    assert made(asked)["accuracy"]["Threshold"] == 90.0


def test_what_labels_said_of_another_version_is_not_watched() -> None:
    assert made(spec())["accuracy"]["Dimensions"] == [
        {"Name": "ModelName", "Value": "toy"},
        {"Name": "VariantName", "Value": "v20260101-020000"},
    ]


def test_a_rate_needs_requests() -> None:
    [told] = [one for one in made(spec(least_requests=7))["errors"]["Metrics"] if one["ReturnData"]]
    assert told["Expression"] == "IF(n>=7,(FILL(e4,0)+FILL(e5,0))/n,0)"


def test_what_labels_say_has_the_name_of_what_it_is() -> None:
    assert {task: told_as(task) for task in TASKS} == {
        "classification": "ModelAccuracy",
        "detection": "ModelF1",
        "multi-label": "ModelLabelAccuracy",
        "probability": "ModelError",
        "ranking": "ModelNDCG",
        "regression": "ModelError",
    }


def test_only_an_accuracy_has_a_bound_of_its_own() -> None:
    assert "accuracy" not in made(spec("ranking"))
    asked = made(spec("ranking", accuracy=0.3))["accuracy"]
    assert (asked["MetricName"], asked["Threshold"]) == ("ModelNDCG", 30.0)
    assert "accuracy" not in made(spec("regression"))
    error = made(spec("regression", error=0.2))["accuracy"]
    assert (error["MetricName"], error["Threshold"]) == ("ModelError", 0.2)
    assert error["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize(
    ("task", "key", "instead"),
    [
        ("regression", "accuracy", "alarms.error"),
        ("classification", "error", "alarms.accuracy"),
        ("ranking", "error", "ModelNDCG"),
    ],
)
def test_a_bound_on_what_a_task_does_not_tell_is_refused(task: str, key: str, instead: str) -> None:
    with pytest.raises(ValidationError, match=instead):
        spec(task, **{key: 0.5})


def at_the_edge(**alarms: Any) -> ModelSpec:
    told = spec().model_dump(exclude_unset=True)
    return ModelSpec.model_validate({**told, "release": {"delivery": "edge"}, "alarms": alarms})


def test_bounds_on_an_endpoint_that_there_is_not_are_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"alarms.latency_ms, alarms.memory_percent: release.delivery is"
    ):
        at_the_edge(enabled=True, memory_percent=50, latency_ms=3000)
    assert at_the_edge().release.delivery == "edge"
    assert not at_the_edge(enabled=False).alarms.enabled


def test_names_of_models_are_told_apart() -> None:
    assert {model_of(name) for name in names("price-estimator")} == {"price-estimator"}
    assert {model_of(name) for name in names("price")} == {"price"}
    assert not set(names("price")) & set(names("price-errors"))
    assert model_of("sluice-release-toy-v1-0-0-errors") is None


def test_the_failsafe_alarm_of_releases_does_not_hear_them() -> None:
    for model in ("toy", "release-toy", "toy-v1-0-0"):
        for name in names(model):
            told = json.dumps({"AlarmName": name, "NewStateValue": "ALARM"})
            assert list(raised({"Records": [{"Sns": {"Message": told}}]})) == []


def test_cloudwatch_would_take_each_of_them() -> None:
    described = Loader().load_service_model("cloudwatch", "service-2")
    service = ServiceModel(described, "cloudwatch")
    for task in GATES:
        for one in requests(spec(task), V1, "Sluice", TOPIC):
            action = "PutCompositeAlarm" if "AlarmRule" in one else "PutMetricAlarm"
            shape = service.operation_model(action).input_shape
            report = ParamValidator().validate(one, shape)
            assert not report.has_errors(), report.generate_report()
    assert composite_name("toy") == "sluice-standing-toy"
