"""The worker of this machine, with a work pool that starts one process for each run.

A process pool whose job has no command lets a process of its own look where the code is, before
the one that runs the flow: half a run's start, for code that is always here.
"""

from __future__ import annotations

import json
import runpy
import shlex
import sys
import tempfile
from pathlib import Path

from prefect.workers.process import ProcessWorker

from deployments.apply import AT_ONCE, POOL, URGENT_AT_ONCE
from deployments.laptop.parts import WORKER_NAME


def base_job_template() -> dict[str, object]:
    """Prefect's own template for process pools, with the engine as its command."""
    template = ProcessWorker.get_default_base_job_template()
    command = template["variables"]["properties"]["command"]
    command["default"] = shlex.join([sys.executable, "-m", "prefect.engine"])
    return template


def main() -> None:
    """Run ``prefect worker start``; the pool is made on its first start."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "base-job-template.json"
        template.write_text(json.dumps(base_job_template()), "utf-8")
        sys.argv = [
            *("prefect", "worker", "start", "--pool", POOL, "--type", "process"),
            *(
                "--name",
                WORKER_NAME,
                "--limit",
                str(AT_ONCE + URGENT_AT_ONCE),
                "--base-job-template",
                str(template),
            ),
        ]
        runpy.run_module("prefect", run_name="__main__")


if __name__ == "__main__":
    main()
