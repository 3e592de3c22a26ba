"""Measure a published model on a held-out split: what the gate compares a candidate with.

Channels: ``model`` holds a ``model.tar.gz``, ``holdout`` the split. The bundle measures itself,
with the code that it carries, in a process without credentials. With a channel ``training`` the
model was never measured before: a plain model is measured beside it, and calibration.npz is
written.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from models.runtime import calling
from models.runtime.script_mode import Job, current_job


def main() -> int:
    """Run the job of this process; returns its exit code."""
    job = current_job()
    try:
        measure(job)
    except (calling.BundleFailed, FileNotFoundError) as error:
        job.fail(str(error))
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker must be told the reason
        job.fail(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        return 1
    return 0


def measure(job: Job) -> dict[str, Any]:
    """Let the bundle write metrics.json (``candidate`` is itself); returns its content."""
    archives = sorted(job.channel("model").glob("*.tar.gz"))
    if len(archives) != 1:
        raise FileNotFoundError(f"the channel model holds {len(archives)} archives, not one")
    with calling.unpacked(archives[0]) as bundle:
        training = job.channels.get("training")
        calling.check(bundle)
        result = calling.measure(bundle, job.channel("holdout"), job.output_dir, training)
    line = " ".join(f"holdout_{name}={value:.6g}" for name, value in result["candidate"].items())
    print(line, flush=True)
    job.model_dir.mkdir(parents=True, exist_ok=True)
    (job.model_dir / "evaluated.json").write_text(json.dumps(result), encoding="utf-8")
    return result


if __name__ == "__main__":
    sys.exit(main())
