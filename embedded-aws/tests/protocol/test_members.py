"""Each member of each SageMaker request is used, kept for a reason, or refused by its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from customer.members import hold_to_its_list, leaves

import embedded_aws
from embedded_aws.protocol.members import MEMBERS, refuse_what_has_no_effect
from embedded_aws.protocol.service import AwsFault

MODEL = botocore.session.get_session().get_service_model("sagemaker")
SOURCE = Path(embedded_aws.__file__).parent
ROOMS = dict.fromkeys(MEMBERS, "hosting") | {
    "CreateTrainingJob": "training",
    "CreateProcessingJob": "processing",
    "CreateTransformJob": "transform",
    # What its training jobs are made of is read where training jobs are run.
    "CreateHyperParameterTuningJob": "t*ning",
}


@pytest.mark.parametrize("action", MEMBERS)
def test_every_member_is_listed_or_refused_by_its_name(action: str) -> None:
    members = MEMBERS[action]
    listed = {*members.used, *members.kept}
    hold_to_its_list(MODEL, action, listed, lambda asked: refuse_what_has_no_effect(action, asked))


@pytest.mark.parametrize("action", MEMBERS)
def test_no_list_names_what_the_api_does_not_have(action: str) -> None:
    known = leaves(MODEL, action)
    members = MEMBERS[action]
    assert members.used <= known.keys()
    assert members.kept.keys() <= known.keys()
    assert not members.used & members.kept.keys()
    assert all(members.kept.values()), "each with its reason"


@pytest.mark.parametrize("action", MEMBERS)
def test_what_is_called_used_is_read_somewhere(action: str) -> None:
    """A guard against wishes: the code that runs jobs and endpoints names each of them."""
    code = "".join(path.read_text("utf-8") for path in SOURCE.glob(f"{ROOMS[action]}/**/*.py"))
    code += (SOURCE / "tags.py").read_text("utf-8")
    read = set(re.findall(r"[\"']([A-Z][A-Za-z0-9]+)[\"']", code))
    if action.endswith("Job"):  # by its kind, in `jobs.state.JobState.name`
        read.add(f"{action.removeprefix('Create')}Name")
    for path in MEMBERS[action].used:
        name = path.rpartition(".")[2].removesuffix("[]")
        assert name in read, path


@pytest.mark.parametrize("action", MEMBERS)
def test_what_is_only_kept_stands_in_the_reference(action: str) -> None:
    text = (SOURCE.parents[1] / "docs" / "reference.md").read_text("utf-8")
    table = text.partition("| kept and told back |")[2].partition("\n\n")[0]
    for path in MEMBERS[action].kept:
        assert any(f"`{name}`" in table for name in path.split(".")), path


@pytest.mark.parametrize(
    "request_",
    [
        {"RemoteDebugConfig": {"EnableRemoteDebug": False}},
        {"ProfilerConfig": {"DisableProfiler": True}},
        {"DebugRuleConfigurations": []},
        {"InputDataConfig": [{"ChannelName": "a", "CompressionType": "None"}]},
        {"HyperParameters": {"EnableRemoteDebug": "true"}},
        {},
    ],
)
def test_what_asks_for_nothing_is_let_through(request_: dict[str, Any]) -> None:
    refuse_what_has_no_effect("CreateTrainingJob", request_)


def test_all_that_is_ignored_is_named_once() -> None:
    request = {
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "KeepAlivePeriodInSeconds": 60},
        "InputDataConfig": [{"ShuffleConfig": {"Seed": 1}}, {"ShuffleConfig": {"Seed": 2}}],
    }
    with pytest.raises(AwsFault) as fault:
        refuse_what_has_no_effect("CreateTrainingJob", request)
    assert fault.value.message.startswith(
        "RetryStrategy, ResourceConfig.KeepAlivePeriodInSeconds, InputDataConfig[].ShuffleConfig of"
    )
