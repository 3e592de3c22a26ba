"""Settings of one installation, read from the environment and checked before anything is spent.

Secrets are not settings: code asks Secrets Manager for them by name, where it uses them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import InvalidSetting
from tasks.faults import what_of


class Settings(BaseSettings):
    """Each field is the environment variable ``SLUICE_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", frozen=True, extra="ignore")

    environment: Literal["development", "staging", "production"] = Field(
        default="development",
        description="Which environment this installation is; production takes images by their "
        "digest only.",
    )
    lake_bucket: str = Field(default="sluice-lake", description="Bucket of the data lake.")
    registry_bucket: str = Field(
        default="sluice-models", description="Bucket of bundles, pointers and release journals."
    )
    work_bucket: str = Field(
        default="sluice-work", description="Bucket of snapshots, training jobs and reports."
    )
    experiments_table: str = Field(
        default="sluice-experiments", description="DynamoDB table of what experiments recorded."
    )
    role_arn: str = Field(
        default="arn:aws:iam::123456789012:role/sluice-training",
        description="Role that SageMaker assumes for training, and for hosting without its own.",
    )
    hosting_role_arn: str = Field(
        default="",
        description="Role that SageMaker assumes for endpoints: it needs to read the registry, and "
        "neither the lake nor the work bucket. Empty takes SLUICE_ROLE_ARN.",
    )
    artefact_role_arn: str = Field(
        default="",
        description="Role that SageMaker assumes for processing jobs without network, in which "
        "artefacts' own programs run: scoring, behaviour, the trial, conversion. Empty runs them "
        "on the worker, apart from it (docs/security.md).",
    )
    artefact_image: str = Field(
        default="",
        description="Container image of these jobs: the training image's packages, and what "
        "conversion needs (docs/platform.md). Empty takes SLUICE_TRAINING_IMAGE.",
    )
    artefact_instance_type: str = Field(
        default="ml.m5.xlarge", description="Instance type of these jobs."
    )
    training_image: str = Field(
        default="123456789012.dkr.ecr.us-east-1.amazonaws.com/sluice-training:1",
        description="Container image of training jobs: never `latest`, and in production by its "
        "digest.",
    )
    serving_image: str = Field(
        default="123456789012.dkr.ecr.us-east-1.amazonaws.com/sluice-serving:1",
        description="Container image of endpoints, likewise.",
    )
    model_package_prefix: str = Field(
        default="sluice-",
        description="What the names of SageMaker's model package groups begin with, one for each "
        "model; empty keeps no packages.",
    )
    signing_key: str = Field(
        default="",
        pattern=r"^(|file:.+|awskms:.+)$",
        description="Private key that signs bundles: file:<path of a PEM>, or awskms:<key id, ARN "
        "or alias>; empty signs nothing.",
    )
    trusted_keys: str = Field(
        default="",
        description="Public keys whose signatures are believed, as paths of PEM files, "
        "comma-separated; the signing key's own is believed too. Without any, bundles need no "
        "signature.",
    )
    kms_key_id: str = Field(
        default="", description="KMS key for volumes and artifacts; empty uses the bucket's own."
    )
    subnets: str = Field(
        default="", description="Private subnets of jobs and endpoints, comma-separated."
    )
    security_groups: str = Field(
        default="", description="Security groups of jobs and endpoints, comma-separated."
    )
    distribution_id: str = Field(
        default="", description="CloudFront distribution before the registry; empty means no CDN."
    )
    cdn_url: str = Field(
        default="",
        description="Public address of the registry through the CDN; empty: nobody looks there.",
    )
    alerts_topic_arn: str = Field(
        default="", description="SNS topic that tells people; empty means nobody is told."
    )
    uploads_queue_url: str = Field(
        default="",
        description="SQS queue that S3 tells of uploaded artefacts; empty means nobody listens.",
    )
    s3_console_url: str = Field(
        default="https://console.aws.amazon.com/s3/{kind}/{bucket}?prefix={key}",
        description="Browser page of an address in S3, with {bucket}, {key} and perhaps {kind} "
        "(object or buckets); pages link there.",
    )
    collector_key_secret: str = Field(
        default="",
        description="Name in Secrets Manager of the key that signs the tokens of clients who "
        "report; empty: the collector asks nobody for a token.",
    )
    metrics_namespace: str = Field(
        default="Sluice", description="CloudWatch namespace of our own metrics."
    )
    image_hosts: str = Field(
        default="",
        description="Hosts, or host:port, comma-separated, that endpoints may fetch photos from "
        "(image_url); empty: none.",
    )
    cache_dir: Path = Field(
        default=Path(".sluice/cache"), description="Local folder for pulled objects."
    )
    cache_reserve_gb: float = Field(
        default=1.0, ge=0, description="Free disk that must be left after a pull, GB."
    )
    models_dir: Path = Field(default=Path("models"), description="Folder of the models.")
    contracts_dir: Path = Field(
        default=Path("data_contracts"), description="Folder of the data contracts."
    )
    release_policy: str = Field(
        default="",
        description="YAML file of keys of model.yaml's release section that hold for every model "
        "here; empty: each model's own.",
    )
    poll_seconds: float = Field(
        default=30.0, gt=0, description="Seconds between looks at a training job."
    )

    @property
    def in_production(self) -> bool:
        """Whether users depend on what this installation releases."""
        return self.environment == "production"

    @field_validator("s3_console_url")
    @classmethod
    def _console(cls, url: str) -> str:
        try:
            filled = url.format(bucket="b", key="k", kind="object")
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError("may hold {bucket}, {key} and {kind} only") from error
        if not re.fullmatch(r"https?://[^\s()<>\"|]+", filled):
            raise ValueError("must be an http(s) address without spaces, brackets or quotes")
        if "{bucket}" not in url or "{key}" not in url:
            raise ValueError("must hold {bucket} and {key}")
        return url

    time_scale: float = Field(
        default=1.0, gt=0, description="Seconds that pass on our clock in one real second."
    )
    time_epoch: float = Field(
        default=0.0, ge=0, description="Unix time at which our clock and the real one agree."
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process.

    Raises:
        InvalidSetting: a variable does not parse; all of them are named at once.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"SLUICE_{'_'.join(map(str, e['loc'])).upper()}: {what_of(e)}" for e in error.errors()
        )
        raise InvalidSetting(
            f"Settings do not parse: {wrong}.",
            "Correct the environment variables; docs/settings.md lists each with its default.",
        ) from error
