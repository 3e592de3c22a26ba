"""``python -m benchmarks``: every benchmark in its short form, one after the other.

The long forms and their last results stand in benchmarks/RESULTS.md.
"""

from __future__ import annotations

import subprocess
import sys

SHORT = {
    "The canary judge beside its peers (short: 50 repetitions)": (
        "benchmarks.canary",
        "--reps",
        "50",
    ),
    "Drift: speed, memory, false alarms and power": ("benchmarks.drift",),
    "Data gates: CPU seconds, and wrong labels estimated": ("benchmarks.gates", "--seeds", "1"),
    "Experiments read at every hour, beside tests that are peeked at": (
        "benchmarks.experiments",
        "--reps",
        "100",
    ),
    "Staged rollouts to browsers and phones": ("benchmarks.edge", "--reps", "30"),
    "Hostile archives through both doors (short: each fifth)": (
        *("benchmarks.security", "archives"),
        *("--every", "5"),
    ),
    "A release killed at every write of its journal": ("benchmarks.release.kill_matrix",),
}


def main() -> int:
    """Exit status of the first benchmark that failed, else 0."""
    for title, (module, *arguments) in SHORT.items():
        print(f"\n» {title}: python -m {' '.join((module, *arguments))}\n", flush=True)
        status = subprocess.run([sys.executable, "-m", module, *arguments]).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
