"""The environment in which everything on this machine runs."""

from __future__ import annotations

import math
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.laptop import credentials
from deployments.laptop.inherited import inherited
from deployments.laptop.processes import LOOPBACK, StackError

ROOT = Path(__file__).resolve().parents[2]
# Where several checkouts share one environment, each starts the embedded AWS of its own.
CODE = (ROOT, ROOT / "embedded-aws" / "src")


@dataclass(frozen=True)
class Laptop:
    """Where the stack lives and listens."""

    state: Path
    aws_port: int
    prefect_port: int
    time_scale: float
    time_epoch: float
    collector_port: int = 0
    """Where edge clients report; 0 leaves it to the stack."""
    collector_origins: str = ""
    """Whose pages may report there, comma-separated; every page of a browser could."""

    @property
    def aws_url(self) -> str:
        """Address of the embedded AWS."""
        return f"http://{LOOPBACK}:{self.aws_port}"

    @property
    def prefect_url(self) -> str:
        """Address of the Prefect UI."""
        return f"http://{LOOPBACK}:{self.prefect_port}"

    @property
    def collector_url(self) -> str:
        """Address that edge clients report to; "" before the stack was up."""
        return self._fact("collector_url")

    @property
    def release_policy(self) -> str:
        """The laptop's own policy; a rehearsal on a fast clock does as the models say."""
        return "" if self.time_scale != 1.0 else str(ROOT / "deployments/laptop/release.yaml")

    @property
    def record(self) -> Path:
        """File that names the running processes."""
        return self.state / "stack.json"

    @property
    def hold(self) -> Path:
        """File that whoever changes the stack locks, so that two do not at once."""
        return self.state / "stack.lock"

    @property
    def signing_key(self) -> Path:
        """File of the private key that signs this machine's bundles."""
        return self.credentials / "signing.pem"

    @property
    def credentials(self) -> Path:
        """Folder of what the parts are known by."""
        return self.state / "credentials"

    @property
    def sign_in(self) -> Path:
        """File that holds what the Prefect UI asks for."""
        return self.credentials / credentials.PREFECT

    @property
    def shows_password(self) -> str:
        """The command that shows it, wherever the folder is and whatever it is called."""
        return f"cat {shlex.quote(str(self.sign_in))}"

    def log(self, name: str) -> Path:
        """Log file of one process."""
        return self.state / "log" / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """Variables for every process of the stack."""
        foreign = personal(os.environ) | {credentials.WISH}
        return {
            **{k: v for k, v in inherited(os.environ).items() if k not in foreign},
            **self.variables(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": os.pathsep.join(map(str, CODE)),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }

    def variables(self) -> dict[str, str]:
        """What a person would export to talk to this stack."""
        prefect_credential = credentials.kept(self.credentials, credentials.PREFECT)
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": credentials.kept(self.credentials, credentials.AWS)
            or "embedded",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PREFECT_API_URL": f"{self.prefect_url}/api",
            **({"PREFECT_API_AUTH_STRING": prefect_credential} if prefect_credential else {}),
            "PREFECT_HOME": str(self.state / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_RUNNER_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "10",
            # SQLite on a busy laptop: waiting beats answering 503.
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
            "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
            "NO_PROXY": direct("NO_PROXY"),
            "no_proxy": direct("no_proxy"),
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "SLUICE_SIGNING_KEY": f"file:{self.signing_key}",
            "SLUICE_CACHE_DIR": str(self.state / "cache"),
            "SLUICE_TIME_SCALE": f"{self.time_scale:g}",
            "SLUICE_RELEASE_POLICY": self.release_policy,
            # AWS asks for thirty seconds between looks; nothing on this machine does.
            "SLUICE_POLL_SECONDS": f"{max(2.0, 0.5 * self.time_scale):g}",
            "SLUICE_TIME_EPOCH": f"{self.time_epoch:.3f}",
            "SLUICE_DISTRIBUTION_ID": self._fact("distribution_id"),
            "SLUICE_CDN_URL": self._cdn_url(),
            "SLUICE_S3_CONSOLE_URL": f"{self.aws_url}/_embedded/s3/{{bucket}}/{{key}}",
            "SLUICE_ALERTS_TOPIC_ARN": self._fact("alerts_topic_arn"),
            "SLUICE_UPLOADS_QUEUE_URL": self._fact("uploads_queue_url"),
        }

    def _cdn_url(self) -> str:
        distribution = self._fact("distribution_id")
        return f"{self.aws_url}/_cdn/{distribution}" if distribution else ""

    def _fact(self, name: str) -> str:
        path = self.state / "facts" / name
        return path.read_text().strip() if path.exists() else ""

    def keep_fact(self, name: str, value: str) -> None:
        """Remember what AWS gave us, for the environment of later processes."""
        path = self.state / "facts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)


def personal(environment: Mapping[str, str]) -> set[str]:
    """Names of variables that lead to a person's own AWS or Prefect, and must not lead us there."""
    return {name for name in environment if name.startswith(("AWS_", "PREFECT_"))}


def direct(variable: str) -> str:
    """The hosts of a proxy exception in the environment, and this machine among them."""
    hosts = [host for host in os.environ.get(variable, "").split(",") if host]
    return ",".join(dict.fromkeys([LOOPBACK, "localhost", *hosts]))


def origins(variable: str) -> str:
    """Origins of pages from the environment, comma-separated.

    Raises:
        StackError: one of them is none.
    """
    named = [text.strip() for text in os.environ.get(variable, "").split(",") if text.strip()]
    for origin in named:
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin):
            raise StackError(
                f"{variable}={origin} is no origin. Next: write it like http://localhost:3000, in "
                "lower case and without a path."
            )
    return ",".join(named)


def port(variable: str, default: int) -> int:
    """A port from the environment.

    Raises:
        StackError: it is none.
    """
    port_number = number(variable, default)
    if port_number != int(port_number) or not 1 <= port_number <= 65_535:
        raise StackError(
            f"{variable}={port_number:g} is no port. Next: choose a whole number from 1024 to "
            f"65535, or leave it out for {default}."
        )
    return int(port_number)


def number(variable: str, default: float) -> float:
    """A number from the environment.

    Raises:
        StackError: it is no number.
    """
    text = os.environ.get(variable, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise StackError(
            f"{variable}={text!r} is not a number. Next: correct it, or leave it out for {default}."
        )
    return value
