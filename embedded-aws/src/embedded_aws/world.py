"""What the services of one embedded AWS share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from embedded_aws.clock import Clock
from embedded_aws.events.bus import Told
from embedded_aws.faults import Faults
from embedded_aws.state.records import Forgetful, Records

ACCOUNT_ID = "123456789012"


class MetricSink(Protocol):
    """Where services publish their own metrics; CloudWatch implements it."""

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        values: Sequence[tuple[float, float]],
        unit: str = "None",
        timestamp: float | None = None,
    ) -> None:
        """Add ``(value, count)`` pairs at a virtual unix time (now by default)."""
        ...


class AlarmStates(Protocol):
    """How hosting asks for the state of alarms; CloudWatch implements it."""

    def alarm_state(self, name: str) -> str | None:
        """``OK``, ``ALARM``, ``INSUFFICIENT_DATA``, or None when there is no such alarm."""
        ...


class EventSink(Protocol):
    """Where services tell what has changed; `events.bus.Bus` implements it."""

    def tell(self, told: Told) -> None:
        """Tell of a change; returns at once."""
        ...


class NobodyListens:
    """No bus."""

    def tell(self, told: Told) -> None:
        """Nothing."""


@dataclass
class World:
    """One embedded AWS: its clock, faults, folders, memory and own address.

    ``endpoint_url`` is where this very process answers; services reach S3, SNS and Logs through
    ``client(name)`` like any customer would. ``secret`` is the secret access key of its own: any
    other signs a program's requests just as well, but not those of a page in a browser.
    """

    clock: Clock
    faults: Faults
    state_dir: Path
    endpoint_url: str
    secret: str
    metrics: MetricSink
    alarms: AlarmStates
    region: str = "us-east-1"
    account_id: str = ACCOUNT_ID
    records: Records = field(default_factory=Forgetful)
    events: EventSink = field(default_factory=NobodyListens)
    assume: Callable[[str, str, str], Mapping[str, str]] | None = None
    _shared: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def environment_of(self, role_arn: str, session: str) -> dict[str, str]:
        """How a process that acts as a role reaches this AWS.

        Where IAM is not asked, every role may everything.

        Raises:
            AwsFault: ``ValidationException``: there is no such role, or it trusts nobody of us.
        """
        if self.assume is None:
            return self.role_environment
        return {**self.role_environment, **self.assume(role_arn, session, self.region)}

    def client_of(self, service: str, role_arn: str, session: str) -> Any:
        """A client that may what a role may.

        Raises:
            AwsFault: see `environment_of`.
        """
        if self.assume is None:
            return self.client(service)
        return self._client(service, self.environment_of(role_arn, session))

    @property
    def role_environment(self) -> dict[str, str]:
        """How a process on one of our machines reaches this AWS, as its role would let it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this embedded AWS, shared by all who ask (clients are thread-safe).

        Untyped: boto3 builds clients at run time.
        """
        with _session_lock:
            shared = self._shared.get(service)
        if shared is None:
            made = self._client(service, self.role_environment)
            with _session_lock:
                shared = self._shared.setdefault(service, made)
        return shared

    def _client(self, service: str, environment: Mapping[str, str]) -> Any:
        session = _session()
        with _session_lock:  # sessions, unlike clients, must not be used by two threads at once
            return session.client(
                service,
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=environment.get("AWS_SESSION_TOKEN"),
                config=_direct(),
            )


_session_lock = threading.Lock()


@cache
def _session() -> Any:
    """One session for all clients: reading botocore's data again for each costs half a second."""
    import boto3

    return boto3.session.Session()


@cache
def _direct() -> Any:
    """To 127.0.0.1 there is no proxy on the way, whatever the environment says."""
    from botocore.config import Config

    return Config(proxies={})
