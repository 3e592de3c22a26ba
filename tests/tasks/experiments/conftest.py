"""An embedded AWS with a registry of three versions, a table for records, and a clock to set."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.experiments import verbs
from tasks.experiments.plan import DAY, Experiment, SuccessMetric
from tasks.experiments.verbs import ExperimentContext
from tasks.values import Pointer

__all__ = ["_no_faults_left", "aws"]
BUCKET, TABLE = "sluice-models", "sluice-experiments"
V1, V2, V3 = "v20260101_020000", "v20260102_020000", "v20260103_020000"
START = 1_767_600_000.0
BOOKED = SuccessMetric(name="booked", minimal_difference=0.1)
_models = itertools.count(1)


def an_experiment(**changes: Any) -> Experiment:
    asked = {
        "id": "20260105-080000-abcdef", "model": "m", "control": V1, "treatment": V2,
        "percent": 50, "salt": "salt", "starts": START, "ends": START + 14 * DAY,
        "window_seconds": 0.0, "metrics": (BOOKED,), "alpha": 0.05, "when_decided": "tell",
        "actor": "ann", "reason": "to know",
    }  # fmt: skip
    return Experiment.model_validate({**asked, **changes})


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Shelf:
    """Versions and a pointer, as an experiment sees the registry."""

    bucket: str
    serving: str | None = V1
    known: tuple[str, ...] = (V1, V2, V3)
    records: list[Any] = field(default_factory=list)
    withdrawn: str | None = None

    def versions(self, model: str) -> tuple[str, ...]:
        return self.known

    def histories(self, model: str) -> list[Any]:
        return self.records

    def pointer(self, model: str) -> Pointer | None:
        if self.serving is None:
            return None
        return Pointer(
            model=model, version=self.serving, timestamp="2026-01-05", actor="a", reason="r",
            previous=self.withdrawn, rollback=self.withdrawn is not None,
        )  # fmt: skip


@dataclass
class Room:
    """Everything an experiment runs on."""

    aws: Any
    model: str = field(default_factory=lambda: f"model-{next(_models)}")
    clock: SetClock = field(default_factory=SetClock)
    shelf: Shelf = field(default_factory=lambda: Shelf(BUCKET))

    @property
    def context(self) -> ExperimentContext:
        return ExperimentContext(self.shelf, TABLE, "Sluice", self.clock)

    def start(self, **changes: Any) -> Experiment:
        asked: dict[str, Any] = {
            "model": self.model, "control": "", "treatment": V2, "percent": 50, "days": 14.0,
            "window_hours": 24.0, "metrics": [BOOKED], "alpha": 0.05, "when_decided": "tell",
            "actor": "ann", "reason": "to know",
        }  # fmt: skip
        return verbs.start(self.context, **{**asked, **changes})

    def public(self) -> dict[str, Any]:
        found = self.aws.client("s3").get_object(Bucket=BUCKET, Key=f"{self.model}/experiment.json")
        return dict(json.loads(found["Body"].read()))

    def upload(self, *lines: Any, key: str = "records.jsonl") -> str:
        body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        return f"s3://{BUCKET}/{key}"


def make_table(dynamodb: Any, name: str = TABLE) -> None:
    keys = [{"AttributeName": n, "KeyType": t} for n, t in (("pk", "HASH"), ("sk", "RANGE"))]
    dynamodb.create_table(
        TableName=name,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )


@pytest.fixture(scope="module")
def furnished(aws: Any) -> Any:
    aws.client("s3").create_bucket(Bucket=BUCKET)
    make_table(aws.client("dynamodb"))
    return aws


@pytest.fixture
def room(furnished: Any) -> Iterator[Room]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in furnished.environment().items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        yield Room(furnished)
    our_aws.client.cache_clear()
