"""The roles of `deployments/aws/roles.yaml` are enough for a retraining and its release."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.laptop import resources
from embedded_aws.embedded import EmbeddedAws
from tasks import aws as our_aws
from tasks.registry import Registry
from tasks.release.hosting.names import variant_of
from tasks.settings import settings
from tests.flows.conftest import prefect_server
from tests.flows.test_added_models import (
    ASKED,
    FIRST,
    MODEL,
    POLL_SECONDS,
    ROOT,
    TIME_SCALE,
    Place,
    add_example,
    testbed,
)

__all__ = ["prefect_server"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.seconds(90)]
TEMPLATE = ROOT / "deployments" / "aws" / "roles.yaml"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An AWS that holds everybody to IAM's policies."""
    with EmbeddedAws(time_scale=TIME_SCALE, enforce_iam=True) as made:
        yield made


@pytest.fixture(scope="module")
def roles(aws: EmbeddedAws) -> dict[str, str]:
    """ARNs by the name of an output."""
    stacks = aws.client("cloudformation")
    stacks.create_stack(
        StackName="roles",
        TemplateBody=TEMPLATE.read_text("utf-8"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    [stack] = stacks.describe_stacks(StackName="roles")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.fixture
def place(
    aws: EmbeddedAws,
    roles: dict[str, str],
    prefect_server: None,
    tmp_path: Path,
) -> Iterator[Place]:
    """An installation whose flows run as the worker."""
    models, contracts = tmp_path / "models", ROOT / "data_contracts"
    models.mkdir()
    made = aws.client("sts").assume_role(RoleArn=roles["WorkerRole"], RoleSessionName="worker")[
        "Credentials"
    ]
    worker = {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
        "SLUICE_ROLE_ARN": roles["TrainingRole"],
        "SLUICE_HOSTING_ROLE_ARN": roles["HostingRole"],
        "SLUICE_ARTEFACT_ROLE_ARN": roles["ArtefactRole"],
        "SLUICE_MODELS_DIR": str(models),
        "SLUICE_CONTRACTS_DIR": str(contracts),
        "SLUICE_CACHE_DIR": str(tmp_path / "cache"),
        "SLUICE_POLL_SECONDS": POLL_SECONDS,
    }
    with pytest.MonkeyPatch.context() as patch:
        buckets = ("sluice-lake", testbed.BUCKET, "sluice-work")
        account = resources.create(aws.environment(), buckets, testbed.BUCKET)
        for name, value in {**testbed.environment(aws), **worker}.items():
            patch.setenv(name, value)
        patch.setenv("SLUICE_ALERTS_TOPIC_ARN", account["alerts_topic_arn"])
        patch.setenv("SLUICE_DISTRIBUTION_ID", account["distribution_id"])
        our_aws.client.cache_clear()
        settings.cache_clear()
        yield Place(aws, tmp_path)
    our_aws.client.cache_clear()
    settings.cache_clear()


@contextmanager
def as_owner(place: Place) -> Iterator[None]:
    """Whoever fills the lake is not the worker."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.aws.environment().items():
            patch.setenv(name, value)
        patch.delenv("AWS_SESSION_TOKEN")
        our_aws.client.cache_clear()
        yield
    our_aws.client.cache_clear()


@contextmanager
def asked_all_the_while(place: Place) -> Iterator[None]:
    """Users of the endpoint."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            place.ask(MODEL, ASKED)
            over.wait(0.05)

    users = [threading.Thread(target=ask) for _ in range(3)]
    for user in users:
        user.start()
    yield
    over.set()
    for user in users:
        user.join()


@contextmanager
def without(aws: EmbeddedAws, role: str, policy: str, sid: str) -> Iterator[None]:
    """The role lacks one of its statements for a while."""
    iam = aws.client("iam")
    named = {"RoleName": role, "PolicyName": policy}
    document = iam.get_role_policy(**named)["PolicyDocument"]
    left = [one for one in document["Statement"] if one["Sid"] != sid]
    assert len(left) == len(document["Statement"]) - 1
    iam.put_role_policy(**named, PolicyDocument=json.dumps({**document, "Statement": left}))
    yield
    iam.put_role_policy(**named, PolicyDocument=json.dumps(document))


def standing_alarms(place: Place) -> dict[str, str]:
    """What alarms say that stand beside the endpoint, by name."""
    found = place.aws.client("cloudwatch").describe_alarms(
        AlarmNamePrefix="sluice-standing-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = found["MetricAlarms"] + found["CompositeAlarms"]
    return {one["AlarmName"]: one["AlarmDescription"] for one in alarms}


def add_tried_example() -> None:
    """An own program whose server is put on trial, so that two acts are jobs: that, and scoring."""
    add_example(MODEL)
    described = settings().models_dir / MODEL / "model.yaml"
    described.write_text(described.read_text("utf-8") + "trial: {requests: 20}\n", "utf-8")


@pytest.mark.parametrize(
    ("role", "policy", "sid", "said"),
    [
        ("sluice-worker", "flows", "ReadTheLake", "s3:GetObject"),
        ("sluice-worker", "flows", "HandRolesToSageMaker", "iam:PassRole"),
        ("sluice-training", "jobs", "ReadWhatAJobIsGiven", "s3:GetObject"),
        ("sluice-artefacts", "acts", "ReadWhatAnActIsGiven", "s3:GetObject"),
    ],
)
def test_without_one_statement_a_retraining_says_what_is_missing(
    aws: EmbeddedAws, place: Place, role: str, policy: str, sid: str, said: str
) -> None:
    add_tried_example()
    with as_owner(place):
        place.load(FIRST, 60)
    with without(aws, role, policy, sid):
        good, told = place.retrain(MODEL)
    assert not good
    assert said in told
    assert Registry.here().pointer(MODEL) is None


def test_two_retrainings_are_released_and_one_is_taken_back_within_them(place: Place) -> None:
    from flows.rollback import rollback
    from flows.watch_drift import watch_drift

    add_tried_example()
    with as_owner(place):
        place.load(FIRST, 60)
    good, said = place.retrain(MODEL)
    assert good, said
    first = Registry.here().pointer(MODEL)
    assert first is not None
    assert f"{MODEL} {first.version}:" in standing_alarms(place)[f"sluice-standing-{MODEL}"]
    with as_owner(place):
        place.load(FIRST + timedelta(days=60), 14)
    watched = watch_drift(MODEL, return_state=True)
    assert watched.is_completed(), watched.message
    metrics = place.aws.client("cloudwatch").list_metrics(Namespace="Sluice")["Metrics"]
    told = [one["Dimensions"] for one in metrics if one["MetricName"] == "ModelError"]
    model = {"Name": "ModelName", "Value": MODEL}
    judged = {"Name": "VariantName", "Value": variant_of(first.version)}
    assert sorted(told, key=len) == [[model], [model, judged]]
    with asked_all_the_while(place):
        good, said = place.retrain(MODEL)
        assert good, said
    second = Registry.here().pointer(MODEL)
    assert second is not None
    assert second.previous == first.version
    sagemaker = place.aws.client("sagemaker")
    acts = sagemaker.list_processing_jobs(StatusEquals="Completed", MaxResults=100)[
        "ProcessingJobSummaries"
    ]
    done = {re.search(r"-(\w+)-[0-9a-f]{12}", one["ProcessingJobName"])[1] for one in acts}
    assert done == {"score", "try"}
    back = rollback(MODEL, reason="to see", return_state=True)
    assert back.is_completed(), back.message
    for told in standing_alarms(place).values():
        assert f"{MODEL} {first.version}:" in told
    assert Registry.here().pointer(MODEL).version == first.version


def test_the_template_is_sound_and_no_right_is_of_everything() -> None:
    from cfnlint.api import lint

    text = TEMPLATE.read_text("utf-8")
    assert lint(text) == []
    assert not re.search(r"Action: .*\*", text), "each action is named"
