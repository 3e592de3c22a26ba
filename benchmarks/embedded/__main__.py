"""``python -m benchmarks.embedded kills``: kill -9, fifty times, and what is left.

Victims are the embedded AWS itself, the program of a job (with a child that ignores SIGTERM and one
that has left its session), and the server of an endpoint. After each, nothing of the victim may
live or lie about, the job must be told as ended, and the endpoint must answer again. The exit
status is 1 if anything was left.

``python -m benchmarks.embedded invocations``: requests through the front, beside the same server
asked directly in the same run.

``python -m benchmarks.embedded objects``: objects put and got, beside moto's own server in the
same run.
"""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime

from benchmarks.embedded import invocations, objects
from benchmarks.embedded.kills import killed


def kills(times: int, seed: int) -> int:
    """Print what was left of each kind of victim; 1 if anything was."""
    left = killed(times, seed)
    print(
        "| kill -9 of | times | processes left | folders left | endpoints silent | jobs not ended |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for victim, one in left.items():
        print(
            f"| {victim} | {one.kills or ''} | {one.processes} | {one.folders} | {one.silent} "
            f"| {one.undecided} |"
        )
    for note in (note for one in left.values() for note in one.notes):
        print(f"\n{note}")
    return 0 if all(one.well for one in left.values()) else 1


def main() -> int:
    """Run one of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.embedded", description=__doc__.partition("\n")[0]
    )
    commands = parser.add_subparsers(dest="what", required=True)
    killing = commands.add_parser("kills", help="what kill -9 leaves")
    killing.add_argument("--times", type=int, default=50)
    killing.add_argument("--seed", type=int, default=1)
    asking = commands.add_parser("invocations", help="requests, beside the server asked directly")
    asking.add_argument("--count", type=int, default=3000)
    storing = commands.add_parser("objects", help="objects, beside moto's own server")
    storing.add_argument("--count", type=int, default=600)
    chosen = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} processors, {datetime.now(UTC):%Y-%m-%d}\n")
    if chosen.what == "kills":
        return kills(chosen.times, chosen.seed)
    tables = {"invocations": invocations.table, "objects": objects.table}
    print("\n".join(tables[chosen.what](chosen.count)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
