"""The one place where the ports of a release are filled."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from models.runtime.images.fetching import HOSTS
from tasks.clock import Clock, ScaledClock, system_clock
from tasks.model_spec import ModelSpec
from tasks.release.edge.outside import Cdn
from tasks.release.journal.record import Site
from tasks.release.ports import Analysis, ClientView, Cloud, Feed, Journals, People, RegistryPort

PASSED_ON = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "SLUICE_TIME_SCALE",
    "SLUICE_TIME_EPOCH",
)
MIN_REAL_LEASE = 30.0
"""A lease lasts at least this long in real seconds, whatever the time scale: busy is not dead."""

NOT_OUTSIDE = Cdn("")


def who() -> str:
    """A name for this process that no other process has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True)
class ReleaseContext:
    """Everything that a release is worked on with.

    Args:
        registry, journals, cloud, feed, analysis, people: The ports.
        clock: Our clock.
        specs: How to find a model's spec.
        site: What the installation adds to every request.
        owner: Who works here; leases bear this name.
        lease_seconds: How long a silent owner keeps the release, in seconds of our clock.
        outside: How to see what clients of the CDN get.
    """

    registry: RegistryPort
    journals: Journals
    cloud: Cloud
    feed: Feed
    analysis: Analysis
    people: People
    clock: Clock
    specs: Mapping[str, ModelSpec]
    site: Site
    owner: str = field(default_factory=who)
    lease_seconds: float = 60.0
    outside: ClientView = NOT_OUTSIDE

    @classmethod
    def here(cls, registry: RegistryPort, owner: str = "") -> ReleaseContext:
        """The context of this installation: real AWS behind every port.

        Args:
            registry: ``tasks.registry.Registry.here()``; stages do not import each other.
            owner: Who works here, e.g. the flow run's id; this process by default.
        """
        from tasks.notify import Topic
        from tasks.release.hosting.sagemaker import SageMaker
        from tasks.release.journal.store import S3Journals
        from tasks.release.observation.analysis import CanaryAnalysis
        from tasks.release.observation.feed import CloudWatchFeed
        from tasks.settings import settings

        chosen = settings()
        clock = system_clock()
        return cls(
            registry=registry,
            journals=S3Journals(chosen.registry_bucket),
            cloud=SageMaker(clock),
            feed=CloudWatchFeed(clock),
            analysis=CanaryAnalysis(),
            people=Topic(chosen.alerts_topic_arn),
            clock=clock,
            specs=_Specs(),
            site=here_site(),
            owner=owner or who(),
            lease_seconds=lease_on(clock),
            outside=Cdn(chosen.cdn_url),
        )

    def spec(self, model: str) -> ModelSpec:
        """The model's spec; raises UnknownModel or InvalidModelSpec."""
        return self.specs[model]


def lease_on(clock: ScaledClock, seconds: float = 60.0) -> float:
    """A lease on this clock: a minute, but never shorter than half a real one."""
    return max(seconds, MIN_REAL_LEASE * clock.scale)


def here_site() -> Site:
    """What the settings and the environment add to every request."""
    from tasks.settings import settings

    chosen = settings()
    return Site(
        role_arn=chosen.hosting_role_arn or chosen.role_arn,
        image=chosen.serving_image,
        images_by_digest=chosen.in_production,
        kms_key_id=chosen.kms_key_id,
        subnets=_listed(chosen.subnets),
        security_groups=_listed(chosen.security_groups),
        environment={name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
        | ({HOSTS: chosen.image_hosts} if chosen.image_hosts else {}),
        metrics_namespace=chosen.metrics_namespace,
        alerts_topic_arn=chosen.alerts_topic_arn,
        captures_bucket=chosen.work_bucket,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class _Specs(Mapping[str, ModelSpec]):
    """model.yaml files, read when asked for."""

    def __getitem__(self, name: str) -> ModelSpec:
        from tasks.model_spec import load_model_spec
        from tasks.release_policy import with_policy
        from tasks.settings import settings

        chosen = settings()
        return with_policy(load_model_spec(name, chosen.models_dir), chosen.release_policy)

    def __iter__(self) -> Iterator[str]:
        from tasks.model_spec import known_models
        from tasks.settings import settings

        return iter(known_models(settings().models_dir))

    def __len__(self) -> int:
        return len(list(iter(self)))
