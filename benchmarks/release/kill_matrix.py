"""SIGKILL at every write of the journal, and every fault at every kind of call, under load.

    python -m benchmarks.release.kill_matrix                 the flow, before and after each write
    python -m benchmarks.release.kill_matrix --who worker    its worker; --who both: both at once
    python -m benchmarks.release.kill_matrix --faults        lost answers, throttles, silent
                                                             rollbacks, no capacity at its calls
    … --faults --occurrences 0 --together 6                  at every call, six to a release
    … --out rows.jsonl                                       keep each row; a cut run goes on
    … --tables rows.jsonl                                    kept rows as Markdown

Each line: where it struck, how the release ended, real seconds from the kill (for a fault: from
the start) to the verified end, requests that failed. The exit status is 1 when any end state was
wrong or any request failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.release import rows, testbed
from benchmarks.release.bench import BAD, LEASE, SCALE, Bench
from benchmarks.release.fault_injection import FAULTS, InjectionPlan, inject
from benchmarks.release.fork_server import ForkServer
from embedded_aws import EmbeddedAws

__all__ = ["LEASE", "Bench", "kills"]


def kills(bench: Bench, load: testbed.LoadGenerator, candidate: str) -> None:
    """Every write, before and after; the rows are kept by the bench."""
    key: dict[str, Any] = {"who": bench.who, "candidate": candidate}
    at = 0
    while not bench.kept.has(what="over", **key):
        for when in ("before", "after"):
            row = {"what": "kill", **key, "at": at, "when": when}
            if not bench.kept.has(**row) and not _killed(bench, load, row):
                bench.kept.add({"what": "over", **key, "writes": at})
                break
        at += 1


def _killed(bench: Bench, load: testbed.LoadGenerator, row: rows.Row) -> bool:
    """Kill at one write; False when the release ended before it came to it."""
    answers = load.counts
    row |= {"wrong": "", "phase": "", "kind": "", "action": "", "why": "", "seconds": 0.0}
    try:
        died, ended = bench.kill(
            row["at"], row["when"], how={} if row["candidate"] == "good" else BAD
        )
        if ended is None:
            return False
        journal, row["seconds"] = ended
        begun = died["signal"] == 0 or row["seconds"] > 0.0
        row |= {name: died.get(name, "") for name in ("phase", "kind", "action")}
        row |= {"end": journal.phase if begun else rows.NOTHING, "why": journal.verdict}
    except AssertionError as error:
        row |= {"wrong": repr(error), "end": "wrong"}
        bench.recover()
    row |= load.since(answers)
    bench.kept.add(row)
    print(rows.said(row), flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--who", choices=("flow", "worker", "both"), default="flow")
    parser.add_argument("--candidate", choices=("good", "bad"), action="append",
                        help="default: both for kills, good for faults")  # fmt: skip
    parser.add_argument("--fault", choices=(*FAULTS, "service"), action="append",
                        help=f"default: {', '.join(InjectionPlan().faults)}")  # fmt: skip
    parser.add_argument("--occurrences", type=int, default=InjectionPlan().most,
                        help="calls of one action; 0: every one")  # fmt: skip
    parser.add_argument("--together", type=int, default=1, help="calls struck in one release")
    parser.add_argument("--action", action="append", help="only this action, e.g. PutObject")
    parser.add_argument("--part", default="1/1", help="1/3: the first third of the faults")
    parser.add_argument("--out", type=Path, help="append each row; rows in it are skipped")
    parser.add_argument("--tables", type=Path, nargs="+", help="kept rows as Markdown, no run")
    return parser


def main() -> int:
    """Run the matrix."""
    chosen = _parser().parse_args()
    if chosen.tables:
        print(rows.tables(rows.read(chosen.tables)))
        return 0
    part, parts = (int(number) for number in chosen.part.split("/"))
    with EmbeddedAws(time_scale=SCALE) as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(testbed.environment(aws))
        testbed.prepare()
        with ForkServer(dict(os.environ)) as fork_server:
            bench = Bench(
                aws, fork_server, Path(folder), who=chosen.who, kept=rows.Kept(chosen.out)
            )
            bench.first()
            pause = 0.02 if chosen.faults else 0.008  # a faulty release waits for most of its time
            with testbed.LoadGenerator(aws.endpoint_url, threads=2, pause=pause) as load:
                for candidate in chosen.candidate or (
                    ["good"] if chosen.faults else ["good", "bad"]
                ):
                    if not chosen.faults:
                        kills(bench, load, candidate)
                        continue
                    inject(bench, load, InjectionPlan(
                        candidate, tuple(chosen.fault or InjectionPlan().faults),
                        chosen.occurrences, chosen.together, (part - 1, parts),
                        tuple(chosen.action or ()),
                    ))  # fmt: skip
    print(rows.total(bench.kept.rows))
    return 1 if rows.wrong(bench.kept.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
