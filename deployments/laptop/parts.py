"""The parts of the stack: how each is started, and how it shows that it is well."""

from __future__ import annotations

import json
import shlex
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.laptop import credentials, reports
from deployments.laptop.environment import Laptop
from deployments.laptop.processes import LOOPBACK, Started
from models.runtime import model_files

AWS = "embedded-aws"
SERVER = "prefect-server"
FAILSAFE = "failsafe-alarm"
FAILSAFE_MODULE = "tasks.release.failsafe_alarm"
COLLECTOR = reports.NAME
WORKER = "worker"
RECONCILER = "reconciler"
# In the order in which they are started; they are ended in the opposite one.
PARTS = (SERVER, AWS, FAILSAFE, COLLECTOR, WORKER, RECONCILER)
# These have the virtual clock from their environment: while one lives, the clock stays.
CLOCKED = (AWS, FAILSAFE, COLLECTOR, WORKER, RECONCILER)

# What serving images have as theirs (docs/platform.md): nothing out of a swapped archive is run.
ENTRYPOINT = shlex.join((sys.executable, "-I", str(Path(model_files.__file__).resolve())))

WORKER_NAME = "laptop"

# A proxy could not find our loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Health:
    """How a part is: ``alive``, ``missing``, or ``not answering``."""

    name: str
    state: str
    pid: int | None = None

    @property
    def well(self) -> bool:
        """Whether nothing need be done about it."""
        return self.state == "alive"


def health(laptop: Laptop, processes: list[Started]) -> list[Health]:
    """How each part is."""
    alive = {process.name: process for process in processes if process.alive}
    parts = []
    for name in PARTS:
        process = alive.get(name)
        if process is None:
            parts.append(Health(name, "missing"))
            continue
        state = "alive" if replies(laptop, name) else "not answering"
        parts.append(Health(name, state, process.pid))
    return parts


def replies(laptop: Laptop, name: str) -> bool:
    """Whether a part that lives does what it is there for, as far as it can be asked."""
    checks: dict[str, Callable[[], bool]] = {
        AWS: lambda: answers(f"{laptop.aws_url}/_embedded/health"),
        SERVER: lambda: answers(f"{laptop.prefect_url}/api/health"),
        COLLECTOR: lambda: speaks(laptop.collector_url),
    }
    return checks.get(name, lambda: True)()


def aws_command(laptop: Laptop, epoch: float | None) -> tuple[str, ...]:
    """The embedded AWS; without an epoch, time goes on where its state folder left it."""
    clock = () if epoch is None else ("--time-epoch", f"{epoch:.6f}")
    return (
        *("embedded_aws", "--port", str(laptop.aws_port)),
        *("--time-scale", str(laptop.time_scale), *clock),
        *("--state-dir", str(laptop.state / "aws")),
    )


def server_command(laptop: Laptop) -> tuple[str, ...]:
    """The Prefect server."""
    return (
        *("deployments.laptop.server", "start", "--host", "127.0.0.1"),
        *("--port", str(laptop.prefect_port)),
    )


def own_variables(laptop: Laptop, name: str) -> dict[str, str]:
    """What a part alone is told: whom to let in."""
    if name == AWS:
        return {
            "EMBEDDED_AWS_SECRET": credentials.kept(laptop.credentials, credentials.AWS),
            "EMBEDDED_AWS_HOSTING_ENTRYPOINT": ENTRYPOINT,
        }
    if name != SERVER:
        return {}
    # The UI asks the API under the one name, whichever of the two it was opened under.
    origins = (f"http://{host}:{laptop.prefect_port}" for host in (LOOPBACK, "localhost"))
    return {
        "PREFECT_SERVER_API_AUTH_STRING": credentials.kept(laptop.credentials, credentials.PREFECT),
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins),
    }


def failsafe_command(queue_url: str) -> tuple[str, ...]:
    """The receiver of the alarms of releases; what a Lambda function does on AWS."""
    return (FAILSAFE_MODULE, queue_url)


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with _DIRECT.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (urllib.error.URLError, OSError, ValueError):
        return False


def speaks(url: str) -> bool:
    """Whether somebody answers HTTP at an address, whatever it says."""
    try:
        with _DIRECT.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def told(laptop: Laptop, name: str) -> dict[str, Any]:
    """What the embedded AWS tells who started it; empty when it does not."""
    secret = credentials.kept(laptop.credentials, credentials.AWS)
    request = urllib.request.Request(  # noqa: S310  our own address
        f"{laptop.aws_url}/_embedded/{name}", headers={"x-embedded-aws-secret": secret}
    )
    try:
        with _DIRECT.open(request, timeout=5) as answer:
            document = json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
