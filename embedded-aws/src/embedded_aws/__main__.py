"""``embedded-aws``, or ``python -m embedded_aws``: run until Ctrl-C or SIGTERM.

``EMBEDDED_AWS_SECRET`` in the environment is its secret access key; without, it makes one and
prints it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from embedded_aws import __version__
from embedded_aws.embedded import EmbeddedAws
from embedded_aws.protocol.operations import DEFAULT_REGION
from embedded_aws.state.store import StateError

SECRET_VARIABLE = "EMBEDDED_AWS_SECRET"  # noqa: S105  its name
"""The secret access key, from who starts us; in the environment, which other users cannot list."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop.

    Returns:
        Exit status: 0 after a signal, 1 when the port is taken or the state cannot be used.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        embedded = EmbeddedAws(
            port=options.port,
            time_scale=options.time_scale,
            time_epoch=options.time_epoch,
            state_dir=options.state_dir,
            keep_failed_jobs=options.keep_failed_jobs,
            keep=options.state_dir is not None,
            secret=os.environ.get(SECRET_VARIABLE),
            allowed_hosts=options.allow_host,
            enforce_iam=options.enforce_iam,
            region=options.region,
        )
    except StateError as error:
        print(f"embedded AWS: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(  # noqa: T201
            f"embedded AWS: port {options.port} cannot be used ({error.strerror}); "
            "choose another with --port, or 0 for any free one",
            file=sys.stderr,
        )
        return 1
    try:
        embedded.start()
    except StateError as error:
        print(f"embedded AWS: {error}", file=sys.stderr)  # noqa: T201
        return 1
    with contextlib.closing(embedded):
        parent = os.getppid()
        print(f"AWS_ENDPOINT_URL={embedded.endpoint_url}", flush=True)  # noqa: T201
        if not os.environ.get(SECRET_VARIABLE):  # who chose it knows it, and may keep our log
            secret = embedded.environment()["AWS_SECRET_ACCESS_KEY"]
            print(f"AWS_SECRET_ACCESS_KEY={secret}", flush=True)  # noqa: T201
        while not stop.wait(1.0):
            if options.die_with_parent and os.getppid() != parent:
                break
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="embedded-aws",
        description="AWS on one port of 127.0.0.1: S3, SageMaker, CloudWatch and the rest.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--port", type=int, default=4566, help="0 takes any free port")
    parser.add_argument(
        "--time-scale", type=float, default=1.0, help="virtual seconds per real second"
    )
    parser.add_argument(
        "--time-epoch",
        type=float,
        default=None,
        help="unix time at which virtual and real time agree (default: now, or as it was kept)",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=None,
        help="keep everything here, and begin with what is there (default: in memory)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further host name under which it is asked, as in a container; *.x for all below x",
    )
    parser.add_argument(
        "--region",
        default=DEFAULT_REGION,
        help="of SageMaker, CloudWatch and scaling (default: %(default)s)",
    )
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        help="hold every request to IAM's policies (default: who signs may everything)",
    )
    parser.add_argument(
        "--keep-failed-jobs", action="store_true", help="keep folders of failed training jobs"
    )
    parser.add_argument(
        "--die-with-parent", action="store_true", help="stop when the starting process is gone"
    )
    parser.add_argument("--log-level", default="INFO", help="DEBUG logs every request")
    return parser


if __name__ == "__main__":
    sys.exit(main())
