"""The model registry, as documented: groups, versions, approval, lists."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from customer.shop import IMAGE

from embedded_aws import EmbeddedAws
from embedded_aws.packages import ModelRegistry
from embedded_aws.state.records import Kept
from embedded_aws.state.store import Store

INFERENCE = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/v1/model.tar.gz"}],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sm(aws: EmbeddedAws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture
def group(sm: Any) -> str:
    name = f"Group-{next(_numbers)}"
    sm.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="d")
    return name


def version(sm: Any, group: str, **more: Any) -> str:
    asked = {"ModelPackageGroupName": group, "InferenceSpecification": INFERENCE, **more}
    return str(sm.create_model_package(**asked)["ModelPackageArn"])


def fails(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failed:
        call(**params)
    error = failed.value.response["Error"]
    return error["Code"], error["Message"]


def test_versions_of_a_group_are_counted_and_wait_for_approval(sm: Any, group: str) -> None:
    first, second = version(sm, group), version(sm, group, ModelPackageDescription="better")
    assert first.endswith(f":model-package/{group.lower()}/1")
    assert second.endswith("/2")
    told = sm.describe_model_package(ModelPackageName=second)
    assert (told["ModelPackageGroupName"], told["ModelPackageVersion"]) == (group, 2)
    assert told["ModelApprovalStatus"] == "PendingManualApproval"
    assert told["ModelPackageStatus"] == "Completed"
    assert told["InferenceSpecification"] == INFERENCE
    assert told["ModelPackageDescription"] == "better"
    described = sm.describe_model_package_group(ModelPackageGroupName=group)
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert described["ModelPackageGroupDescription"] == "d"
    by_arn = sm.describe_model_package_group(
        ModelPackageGroupName=described["ModelPackageGroupArn"]
    )
    assert by_arn["ModelPackageGroupName"] == group


def test_approval_metadata_and_card_are_updated_and_the_rest_stays(sm: Any, group: str) -> None:
    arn = version(
        sm,
        group,
        CustomerMetadataProperties={"a": "1", "b": "2"},
        ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
    )
    answer = sm.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="canary passed",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
        ModelCard={"ModelCardStatus": "Approved"},
    )
    assert answer["ModelPackageArn"] == arn
    told = sm.describe_model_package(ModelPackageName=arn)
    assert told["ModelApprovalStatus"] == "Approved"
    assert told["ApprovalDescription"] == "canary passed"
    assert told["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert told["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Approved"}
    assert told["InferenceSpecification"] == INFERENCE
    assert told["LastModifiedTime"] >= told["CreationTime"]


def test_a_request_with_the_same_token_is_the_same_request(sm: Any, group: str) -> None:
    first = version(sm, group, ClientToken="once")
    assert version(sm, group, ClientToken="once") == first
    code, message = fails(
        sm.create_model_package,
        ModelPackageGroupName=group,
        InferenceSpecification=INFERENCE,
        ModelPackageDescription="another",
        ClientToken="once",
    )
    assert (code, "once" in message) == ("ConflictException", True)
    assert version(sm, group).endswith("/2")


def test_lists_are_of_a_group_by_approval_and_by_page(sm: Any, group: str) -> None:
    arns = [version(sm, group) for _ in range(5)]
    sm.update_model_package(ModelPackageArn=arns[3], ModelApprovalStatus="Approved")
    sm.create_model_package(ModelPackageName=f"alone-{group}", InferenceSpecification=INFERENCE)

    def listed(**asked: Any) -> list[str]:
        pages = sm.get_paginator("list_model_packages").paginate(
            PaginationConfig={"PageSize": 2}, **asked
        )
        return [
            item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]
        ]

    of_group = {"ModelPackageGroupName": group}
    assert listed(**of_group, SortBy="CreationTime", SortOrder="Ascending") == arns
    assert listed(**of_group, ModelApprovalStatus="Approved") == [arns[3]]
    alone = [arn for arn in listed() if group.lower() in arn]
    assert [arn.rsplit("/", 1)[1] for arn in alone] == [f"alone-{group.lower()}"]
    both = listed(ModelPackageType="Both", NameContains=group)
    assert len(both) == 6
    groups = sm.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [item["ModelPackageGroupName"] for item in groups] == [group]
    known = sm.batch_describe_model_package(ModelPackageArnList=[arns[0], f"{arns[0]}9"])
    assert set(known["ModelPackageSummaries"]) == {arns[0]}
    assert known["BatchDescribeModelPackageErrorMap"][f"{arns[0]}9"]["ErrorCode"] == (
        "ValidationException"
    )


def test_a_group_goes_when_it_is_empty_and_a_number_is_given_out_once(sm: Any, group: str) -> None:
    first = version(sm, group)
    code, _ = fails(sm.delete_model_package_group, ModelPackageGroupName=group)
    assert code == "ConflictException"
    sm.add_tags(ResourceArn=first, Tags=[{"Key": "team", "Value": "water"}])
    sm.delete_model_package(ModelPackageName=first)
    assert "Could not find" in fails(sm.list_tags, ResourceArn=first)[1]
    second = version(sm, group)
    assert second.endswith("/2")
    sm.delete_model_package(ModelPackageName=second)
    sm.delete_model_package_group(ModelPackageGroupName=group)
    code, message = fails(sm.describe_model_package_group, ModelPackageGroupName=group)
    assert (code, "does not exist" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Exactly one of ModelPackageName and ModelPackageGroupName"),
        ({"ModelPackageGroupName": "nobodys"}, "ModelPackageGroup .* does not exist"),
        ({"ModelPackageName": "a", "ModelApprovalStatus": "Approved"}, "belongs to versions"),
        ({"ModelPackageName": "a", "CertifyForMarketplace": True}, "no marketplace"),
        ({"ModelPackageName": "a", "ManagedStorageType": "Restricted"}, "ManagedStorageType"),
        ({"ModelPackageName": "a b"}, "failed to satisfy constraint"),
        ({"ModelPackageName": "a", "InferenceSpecification": None}, "One of InferenceSpec"),
    ],
)
def test_what_is_not_honoured_is_refused(sm: Any, asked: dict[str, Any], words: str) -> None:
    members = {"InferenceSpecification": INFERENCE, **asked}
    members = {key: value for key, value in members.items() if value is not None}
    with pytest.raises(ClientError, match=words) as failed:
        sm.create_model_package(**members)
    assert failed.value.response["Error"]["Code"] == "ValidationException"


def test_a_group_can_be_made_once_and_unknown_packages_are_named(sm: Any, group: str) -> None:
    code, message = fails(sm.create_model_package_group, ModelPackageGroupName=group)
    assert (code, "already exists: arn:aws:" in message) == ("ValidationException", True)
    for call, name in (
        (sm.describe_model_package, "ModelPackageName"),
        (sm.delete_model_package, "ModelPackageName"),
        (sm.update_model_package, "ModelPackageArn"),
    ):
        unknown = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group.lower()}/9"
        code, message = fails(call, **{name: unknown})
        assert (code, unknown in message) == ("ValidationException", True)


def test_groups_versions_and_approvals_survive(aws: EmbeddedAws, tmp_path: Path) -> None:
    def opened() -> tuple[Store, dict[str, Any]]:
        store = Store(tmp_path)
        return store, ModelRegistry(replace(aws.world, records=Kept(store))).actions()

    store, actions = opened()
    actions["CreateModelPackageGroup"]({"ModelPackageGroupName": "kept"})
    asked = {"ModelPackageGroupName": "kept", "InferenceSpecification": INFERENCE}
    arn = actions["CreateModelPackage"]({**asked, "ClientToken": "once"})["ModelPackageArn"]
    actions["UpdateModelPackage"]({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    before = actions["DescribeModelPackage"]({"ModelPackageName": arn})
    store.close()

    store, actions = opened()
    assert actions["DescribeModelPackage"]({"ModelPackageName": arn}) == before
    again = actions["CreateModelPackage"]({**asked, "ClientToken": "once"})
    assert again["ModelPackageArn"] == arn
    actions["DeleteModelPackage"]({"ModelPackageName": arn})
    store.close()

    store, actions = opened()
    assert actions["CreateModelPackage"](asked)["ModelPackageArn"].endswith("/2")
    store.close()
