"""SageMaker's model registry, kept in step with ours: a package for each version.

Ours decides. A package is made when a version is published, and its approval follows what became
of the version; whoever reads SageMaker's registry sees the same. Nothing waits for it: what could
not be written is written by the next call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks import objects
from tasks.aws import asking, client
from tasks.errors import AwsRejected, BundleCorrupt
from tasks.registry import bundle, history, model_card, names
from tasks.registry.candidate import CandidateHistory
from tasks.stored import parsed
from tasks.values import Frozen

NEWEST = 20
"""Versions of a model that are looked at; older ones no longer change."""


class PackageAddress(Frozen):
    """Which package a version has: ``_packages/<model>/<version>.json``."""

    arn: str


@dataclass(frozen=True)
class ModelPackages:
    """The packages of one installation.

    Args:
        bucket: Our registry.
        prefix: Of the groups' names; each model has its own group.
        image: Container image of endpoints.
        role_arn: Role that trains and serves.
    """

    bucket: str
    prefix: str
    image: str
    role_arn: str

    @classmethod
    def here(cls) -> ModelPackages | None:
        """Those that the settings name; None when the installation keeps none."""
        from tasks.settings import settings

        chosen = settings()
        if not chosen.model_package_prefix:
            return None
        return cls(
            chosen.registry_bucket,
            chosen.model_package_prefix,
            chosen.serving_image,
            chosen.role_arn,
        )

    def keep_in_step(self, model: str) -> tuple[str, ...]:
        """Make and correct the packages of the newest versions; a sentence for each change.

        Safe to repeat, to kill anywhere and to run twice at once.

        Raises:
            AwsError: SageMaker or S3 did not answer.
            BundleCorrupt: a package says something else after it was corrected.
        """
        known = model_card.approvals(history.read_all(self.bucket, model), NEWEST)
        return tuple(
            sentence
            for version, record in known.items()
            for sentence in self._kept(model, version, record)
        )

    def _kept(self, model: str, version: str, record: CandidateHistory) -> list[str]:
        sagemaker, last = client("sagemaker"), record.entries[-1]
        arn, made = self._address(model, version)
        sentences = [f"{model} {version}: package {arn} made"] if made else []
        if model_card.stands(_described(arn), last.status):
            return sentences
        with asking(f"UpdateModelPackage {arn}"):
            sagemaker.update_model_package(
                **model_card.update_request(arn, last.status, last.reason)
            )
        after = _described(arn)
        if not model_card.stands(after, last.status):
            raise BundleCorrupt(
                f"{arn} says {after.get('ModelApprovalStatus')}, after it was told that {version} "
                f"is {last.status}.",
                "Somebody else writes it, too: find out who, then run reconcile.",
            )
        return [*sentences, f"{model} {version}: {after['ModelApprovalStatus']} ({last.status})"]

    def _address(self, model: str, version: str) -> tuple[str, bool]:
        """The package of a version, and whether it was made now."""
        key = names.package_key(model, version)
        stored = objects.read(self.bucket, key)
        if stored is not None:
            return parsed(PackageAddress, stored.body, key, BundleCorrupt).arn, False
        arn = self._create(model, version)
        body = PackageAddress(arn=arn).model_dump_json().encode()
        if objects.create(self.bucket, key, body) is None:  # another process was first
            stored = objects.read(self.bucket, key)
            return (
                arn
                if stored is None
                else parsed(PackageAddress, stored.body, key, BundleCorrupt).arn
            ), False
        return arn, True

    def _create(self, model: str, version: str) -> str:
        group, sagemaker = f"{self.prefix}{model}", client("sagemaker")
        try:
            with asking(f"CreateModelPackageGroup {group}"):
                sagemaker.create_model_package_group(
                    ModelPackageGroupName=group,
                    ModelPackageGroupDescription=f"Versions of {model}; its registry decides.",
                )
        except AwsRejected as error:
            if "already exists" not in str(error):
                raise
        manifest = bundle.manifest(self.bucket, model, version)
        address = f"s3://{self.bucket}/{names.bundle_prefix(model, version)}"
        request = model_card.create_request(group, manifest, address, self.image, self.role_arn)
        with asking(f"CreateModelPackage {group} {version}"):
            return str(sagemaker.create_model_package(**request)["ModelPackageArn"])


def _described(arn: str) -> dict[str, Any]:
    with asking(f"DescribeModelPackage {arn}"):
        return dict(client("sagemaker").describe_model_package(ModelPackageName=arn))
