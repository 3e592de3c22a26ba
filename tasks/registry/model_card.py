"""What a SageMaker model package says of a version: its request, card and approval. Pure.

The card follows the JSON schema of SageMaker's model cards, as far as a package's card goes: of
``model_overview`` it takes the creator and the artefacts only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from models.runtime.model_files import LISTING, variables
from tasks.registry.candidate import CandidateHistory, CandidateStatus
from tasks.values import Manifest

Approval = Literal["PendingManualApproval", "Approved", "Rejected"]
APPROVAL: Mapping[CandidateStatus, Approval] = {
    "published": "PendingManualApproval",
    "released": "Approved",
    "superseded": "PendingManualApproval",
    "rolled_back": "Rejected",
    "gate_rejected": "Rejected",
    "conversion_failed": "Rejected",
}
CARD_STATUS: Mapping[Approval, str] = {
    "PendingManualApproval": "PendingReview",
    "Approved": "Approved",
    "Rejected": "Draft",
}
LONGEST_REASON = 1024
VERSION, IDENTITY, STATUS = "sluice:version", "sluice:identity", "sluice:status"
METRICS_FILE = "evidence/metrics.json"


def approvals(histories: Sequence[CandidateHistory], newest: int) -> dict[str, CandidateHistory]:
    """The histories of the newest published versions, by version, the oldest first.

    Args:
        histories: In order of their newest outcome.
        newest: How many.
    """
    published = {history.version: history for history in histories if history.version}
    return dict(sorted(published.items())[-newest:])


def create_request(
    group: str, manifest: Manifest, address: str, image: str, role_arn: str
) -> dict[str, Any]:
    """CreateModelPackage.

    Args:
        group: Name of the package group.
        manifest: Of the version.
        address: ``s3://`` prefix of the bundle, with its closing slash.
        image: Container image that serves it.
        role_arn: Who made it.
    """
    paths = {file.path for file in manifest.files}
    container: dict[str, Any] = {"Image": image, "ModelDataUrl": f"{address}model.tar.gz"}
    if files := manifest.sha256(LISTING):
        # Whoever deploys the package by hand gets containers that compare, too.
        container["Environment"] = variables(b"", files)
    request: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"{manifest.model} {manifest.version}",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {VERSION: manifest.version, IDENTITY: manifest.identity},
        "ModelCard": {
            "ModelCardContent": json.dumps(card(manifest, address, role_arn)),
            "ModelCardStatus": CARD_STATUS["PendingManualApproval"],
        },
        "ClientToken": token(group, manifest),
    }
    if METRICS_FILE in paths:
        statistics = {"ContentType": "application/json", "S3Uri": f"{address}{METRICS_FILE}"}
        request["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
    return request


def token(group: str, manifest: Manifest) -> str:
    """The same for the same version of the same candidate: a repeated request makes no second."""
    content = f"{group}/{manifest.version}/{manifest.identity}"
    return hashlib.sha256(content.encode()).hexdigest()[:36]


def update_request(arn: str, status: CandidateStatus, reason: str) -> dict[str, Any]:
    """UpdateModelPackage: the approval that belongs to an outcome, and why."""
    approval = APPROVAL[status]
    return {
        "ModelPackageArn": arn,
        "ModelApprovalStatus": approval,
        "ApprovalDescription": reason[:LONGEST_REASON],
        "CustomerMetadataProperties": {STATUS: status},
        "ModelCard": {"ModelCardStatus": CARD_STATUS[approval]},
    }


def stands(described: Mapping[str, Any], status: CandidateStatus) -> bool:
    """Whether a described package says what became of its version."""
    properties = described.get("CustomerMetadataProperties", {})
    approval = described.get("ModelApprovalStatus")
    return approval == APPROVAL[status] and properties.get(STATUS) == status


def card(manifest: Manifest, address: str, role_arn: str) -> dict[str, Any]:
    """The model card's content."""
    details = {
        "training job": manifest.training_job,
        "snapshot": manifest.snapshot,
        "snapshot fingerprint": manifest.snapshot_fingerprint,
        "code": manifest.code_hash,
        "contract": f"{manifest.contract} {manifest.contract_version}".strip(),
        "manifest": f"{address}manifest.json",
    }
    return {
        "model_overview": {"model_creator": role_arn, "model_artifact": [f"{address}model.tar.gz"]},
        "training_details": {
            "training_job_details": {
                "training_datasets": [manifest.snapshot] if manifest.snapshot else [],
                "hyper_parameters": [
                    {"name": name, "value": value}
                    for name, value in sorted(manifest.hyperparameters.items())
                ],
            }
        },
        "evaluation_details": [
            {
                "name": "held-out rows",
                "metric_groups": [
                    {
                        "name": "held-out rows",
                        "metric_data": [
                            {"name": name, "type": "number", "value": value}
                            for name, value in sorted(manifest.metrics.items())
                        ],
                    }
                ],
            }
        ],
        "additional_information": {
            "custom_details": {name: value for name, value in details.items() if value}
        },
    }
