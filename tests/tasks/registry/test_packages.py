"""SageMaker's model registry says what ours does, whatever died in between."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from benchmarks.release import testbed
from models.runtime.model_files import EXPECTED, LISTING
from tasks.errors import AwsError, AwsUnavailable, BundleCorrupt
from tasks.registry import model_card
from tasks.registry.candidate import CandidateHistory, StatusChange
from tasks.registry.packages import ModelPackages
from tasks.registry.tasks import keep_packages_in_step
from tasks.settings import settings

V1, V2 = "v20260101_020000", "v20260101_020001"
BUCKET = "sluice-models"
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def packages(shelf: Any) -> ModelPackages:
    return ModelPackages(BUCKET, "sluice-", "image:1", ROLE)


def become(shelf: Any, version: str, status: str, reason: str = "so it was") -> None:
    shelf.registry.record(shelf.model, version, status, actor="ann", reason=reason, version=version)


def publish(shelf: Any, version: str) -> None:
    files = shelf.files(**{"model.tar.gz": testbed.archive({}), "evidence--metrics.json": b"{}"})
    named = {name.replace("--", "/"): path for name, path in files.items()}
    shelf.registry.publish(shelf.draft(version, version), named)
    become(shelf, version, "published")


def told(shelf: Any) -> list[dict[str, Any]]:
    """The packages of the model's group, oldest first."""
    sagemaker = shelf.aws.client("sagemaker")
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=f"sluice-{shelf.model}", SortOrder="Ascending", MaxResults=100
    )
    return [
        sagemaker.describe_model_package(ModelPackageName=item["ModelPackageArn"])
        for item in listed["ModelPackageSummaryList"]
    ]


def test_a_package_follows_its_version_from_publication_to_the_end(
    shelf: Any, packages: ModelPackages
) -> None:
    publish(shelf, V1)
    assert len(packages.keep_in_step(shelf.model)) == 2
    (package,) = told(shelf)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"] == "image:1"
    files = shelf.registry.manifest(shelf.model, V1).sha256(LISTING)
    assert container["Environment"][EXPECTED] == files != ""
    assert container["ModelDataUrl"] == f"s3://{BUCKET}/{shelf.model}/{V1}/model.tar.gz"
    metrics = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert metrics == f"s3://{BUCKET}/{shelf.model}/{V1}/evidence/metrics.json"

    become(shelf, V1, "released", "Release r1: the canary passed")
    publish(shelf, V2)
    become(shelf, V2, "rolled_back", "Release r2: slower")
    said = packages.keep_in_step(shelf.model)
    assert [line.split(": ")[1] for line in said if "package" not in line] == [
        "Approved (released)",
        "Rejected (rolled_back)",
    ]
    first, second = told(shelf)
    assert (first["ModelApprovalStatus"], first["ApprovalDescription"]) == (
        "Approved",
        "Release r1: the canary passed",
    )
    assert first["ModelCard"]["ModelCardStatus"] == "Approved"
    assert second["ModelApprovalStatus"] == "Rejected"
    assert packages.keep_in_step(shelf.model) == ()


def test_it_is_finished_by_the_next_call_wherever_it_stops(
    shelf: Any, packages: ModelPackages
) -> None:
    publish(shelf, V1)
    address = f"_packages/{shelf.model}/{V1}.json"
    outcomes = itertools.cycle(("released", "rolled_back"))
    stopped = 0
    for service, calls in (("sagemaker", 5), ("s3", 7)):
        for call in range(calls):
            become(shelf, V1, next(outcomes))
            shelf.s3.delete_object(Bucket=BUCKET, Key=address)
            rule = {"code": "AccessDenied", "status": 403}
            shelf.aws.faults.add(kind="error", service=service, skip=call, times=1, **rule)
            try:
                packages.keep_in_step(shelf.model)
            except AwsError:
                stopped += 1
            shelf.aws.faults.clear()
    assert stopped >= 8
    become(shelf, V1, "released")
    packages.keep_in_step(shelf.model)
    (package,) = told(shelf)
    assert package["ModelApprovalStatus"] == "Approved"


def test_a_process_that_died_before_it_wrote_the_address_down_makes_no_second_package(
    shelf: Any, packages: ModelPackages
) -> None:
    publish(shelf, V1)
    packages.keep_in_step(shelf.model)
    shelf.s3.delete_object(Bucket=BUCKET, Key=f"_packages/{shelf.model}/{V1}.json")
    packages.keep_in_step(shelf.model)
    assert len(told(shelf)) == 1


def test_an_approval_by_somebody_else_is_corrected(shelf: Any, packages: ModelPackages) -> None:
    publish(shelf, V1)
    packages.keep_in_step(shelf.model)
    (package,) = told(shelf)
    shelf.aws.client("sagemaker").update_model_package(
        ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved"
    )
    assert packages.keep_in_step(shelf.model) == (
        f"{shelf.model} {V1}: PendingManualApproval (published)",
    )


def test_a_registry_that_does_not_answer_is_an_error_that_a_retry_helps(
    shelf: Any, packages: ModelPackages
) -> None:
    publish(shelf, V1)
    shelf.aws.faults.add(
        kind="error", service="sagemaker", times=50, code="ServiceUnavailable", status=503
    )
    with pytest.raises(AwsUnavailable) as raised:
        packages.keep_in_step(shelf.model)
    assert raised.value.retryable


def test_one_model_whose_history_is_damaged_keeps_no_other_from_its_packages(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_REGISTRY_BUCKET", BUCKET)
    settings.cache_clear()
    shelf.s3.put_object(Bucket=BUCKET, Key="_ledger/damaged/one.json", Body=b"{half")
    publish(shelf, V1)
    with pytest.raises(BundleCorrupt, match="_ledger/damaged/one"):
        keep_packages_in_step.fn("damaged", shelf.model)
    assert len(told(shelf)) == 1


def test_an_installation_may_keep_none(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_MODEL_PACKAGE_PREFIX", "")
    settings.cache_clear()
    publish(shelf, V1)
    assert keep_packages_in_step.fn(shelf.model) == []
    assert not shelf.aws.client("sagemaker").list_model_package_groups(NameContains=shelf.model)[
        "ModelPackageGroupSummaryList"
    ]


def history(version: str, *statuses: Any) -> CandidateHistory:
    entries = tuple(
        StatusChange(at=f"2026-01-0{n + 1}", status=status, actor="a", reason="r", version=version)
        for n, status in enumerate(statuses)
    )
    return CandidateHistory(model="m", identity=version or "none", entries=entries)


def test_only_what_was_published_has_a_package_and_only_the_newest_are_looked_at() -> None:
    known = [history("", "gate_rejected"), history(V2, "published"), history(V1, "released")]
    assert list(model_card.approvals(known, 20)) == [V1, V2]
    assert list(model_card.approvals(known, 1)) == [V2]


def test_the_card_tells_where_a_version_came_from_and_what_was_measured(shelf: Any) -> None:
    manifest = shelf.draft(V1).model_copy(update={"hyperparameters": {"epochs": "3"}})
    card = json.loads(json.dumps(model_card.card(manifest, "s3://b/m/v/", ROLE)))
    job = card["training_details"]["training_job_details"]
    assert job["training_datasets"] == ["s"]
    assert job["hyper_parameters"] == [{"name": "epochs", "value": "3"}]
    (group,) = card["evaluation_details"][0]["metric_groups"]
    assert group["metric_data"] == [{"name": "mae", "type": "number", "value": 1.0}]
    assert card["additional_information"]["custom_details"]["training job"] == "j"
    assert "contract" not in card["additional_information"]["custom_details"]
    assert card["model_overview"]["model_artifact"] == ["s3://b/m/v/model.tar.gz"]
