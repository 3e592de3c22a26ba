"""``python -m benchmarks.edge``: what a staged rollout costs, with the default ladder."""

from __future__ import annotations

import argparse

from benchmarks.edge.rollout import SCENARIOS, play, row
from tasks.specs.release import ReleaseSpec

HEADER = (
    "scenario",
    "new users/s",
    "rolled back",
    "promoted",
    "minutes to it",
    "users who met the candidate",
    "users it failed",
)


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reps", type=int, default=100, help="releases of each row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", type=float, default=0.005, help="stable version's share")
    parser.add_argument("--rate", type=float, action="append", help="new users per second")
    parser.add_argument("--scenario", action="append", help="only these")
    options = parser.parse_args()
    spec = ReleaseSpec(delivery="edge")
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}", flush=True)
    for scenario in SCENARIOS:
        if options.scenario and scenario.name not in options.scenario:
            continue
        for rate in options.rate or (0.1, 1.0, 10.0):
            outcome = play(
                scenario, rate, spec, reps=options.reps, seed=options.seed, errors=options.errors
            )
            print(f"| {' | '.join(row(scenario, rate, outcome))} |", flush=True)


if __name__ == "__main__":
    main()
