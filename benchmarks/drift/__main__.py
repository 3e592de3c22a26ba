"""``python -m benchmarks.drift``: the goals of the drift check, what is reached, and the peers.

Files go to a cache folder outside the repository (``--cache``). ``--quick`` takes two minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from benchmarks.drift import cost, expectations_cost, peers, power, stories, weeks
from benchmarks.drift.table import HEAD, Row

PARTS = ("cost", "single", "natural", "years", "weeks", "expectations", "stories", "since")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, 5M for 50M rows")
    parser.add_argument("--only", choices=PARTS, nargs="*", default=list(PARTS))
    parser.add_argument(
        "--peers", nargs="*", choices=sorted(peers.PEERS), default=[], help="build and run these"
    )
    parser.add_argument("--pairs", type=int, default=0, help="pairs of files for a peer's rates")
    home = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    parser.add_argument("--cache", type=Path, default=home / "sluice-benchmarks")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    quick = options.quick
    parts: dict[str, Callable[[], list[Row]]] = {
        "cost": lambda: cost.table(
            options.cache, large=(5 if quick else 50) * cost.MILLION, repeats=3 if quick else 7
        ),
        "single": lambda: power.single(60 if quick else 400),
        "natural": lambda: [
            *power.natural(40 if quick else 300),
            *([] if quick else power.natural(100, weeks=26)),
        ],
        "years": lambda: power.years(2 if quick else 15, 20 if quick else 100),
        "weeks": lambda: weeks.table(2 if quick else 20),
        "expectations": expectations_cost.table,
        "stories": lambda: stories.table(8 if quick else 50),
        "since": cost.since,
    }
    print(HEAD, flush=True)
    misses = 0
    for name in options.only:
        for row in parts[name]():
            print(row, flush=True)
            misses += row.holds is False
    if options.peers:
        print("\n" + peers.HEAD, flush=True)
        for name in options.peers:
            repeats = options.pairs or (5 if quick else 40)
            print(peers.measured(name, options.cache, repeats=repeats), flush=True)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
