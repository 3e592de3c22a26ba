"""``python -m benchmarks.security archives``: hostile archives, sent through our doors.

Some 800 archives are made from a seed: links, names, types, bombs, damaged and truncated ones,
polyglots, headers that lie. Each goes through the product's door and through the embedded AWS's, in
a process of its own. One table for each door tells, by kind, how many there were and were refused,
what was written outside the folder (or left behind), the most memory, and the most seconds of a
processor. The exit status is 1 if anything was written outside, was let in or refused without a
reason, or if one needed over 256 MB or 5 s.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections import defaultdict
from datetime import UTC, datetime

from benchmarks.security.archives import DOORS, Treated, corpus, grounds, treated

MOST_MB, MOST_SECONDS = 256.0, 5.0
LONGEST = 110


def table(door: str, results: list[Treated]) -> bool:
    """Print what came of each kind; whether all is well."""
    print(f"\nThrough the door of {door}:\n")
    print("| kind | archives | refused | written outside | most memory | slowest | for instance |")
    print("|---|---:|---:|---:|---:|---:|---|")
    kinds: dict[str, list[Treated]] = defaultdict(list)
    for one in results:
        kinds[one.archive.kind].append(one)
    for kind, rows in (*kinds.items(), ("**all**", results)):
        slowest = max(rows, key=lambda one: one.seconds)
        most = max(one.mb for one in rows)
        said = "" if rows is results else _cell(slowest)
        print(
            f"| {kind} | {len(rows)} | {sum(bool(one.reason) for one in rows)} "
            f"| {sum(bool(one.outside) for one in rows)} | {most:.0f} MB "
            f"| {slowest.seconds:.2f} s | {said} |"
        )
    bad = [one for one in results if not _well(one)]
    for one in bad:
        print(
            f"\n**{one.archive.kind}: {one.archive.name}**: {one.reason or 'no reason'}; outside: "
            f"{', '.join(one.outside) or 'nothing'}; {one.mb:.0f} MB, {one.seconds:.1f} s"
        )
    return not bad


def _well(one: Treated) -> bool:
    near = one.mb <= MOST_MB and one.seconds <= MOST_SECONDS
    return near and bool(one.reason) and not one.outside


def _cell(one: Treated) -> str:
    reason = one.reason.replace("|", "\\|")
    return f"{one.archive.name}: {reason[:LONGEST]}{'…' if len(reason) > LONGEST else ''}"


def main() -> int:
    """Exit status: 1 when an archive was treated worse than promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.security", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    archives = verbs.add_parser("archives", description=__doc__, help="hostile archives")
    archives.add_argument("--seed", type=int, default=0, help="of bits that flip and places to cut")
    archives.add_argument("--every", type=int, default=1, help="take each n-th archive only")
    chosen = parser.parse_args()
    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}; seed {chosen.seed}."
    )
    good = True
    for name, door in DOORS.items():
        with grounds() as ground:
            results = []
            for number, archive in enumerate(corpus(ground, chosen.seed)):
                if number % chosen.every == 0:
                    results.append(treated(archive, ground, door))
                if number % 200 == 0:
                    print(f"{name}: {number} archives", file=sys.stderr, flush=True)
            good &= table(name, results)
    print(f"\nPromises: {'kept' if good else 'BROKEN'}.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
