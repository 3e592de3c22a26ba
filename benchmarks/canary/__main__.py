"""The canary benchmark: tables on the screen, and a judge that takes windows as plain data.

python -m benchmarks.canary                         one table: 10 requests/s, 0.5 %, direct
python -m benchmarks.canary --all --out results.jsonl    every rate, feed and error share
python -m benchmarks.canary tables results.jsonl    the same as Markdown
python -m benchmarks.canary promises --reps 4000    measured α and β
python -m benchmarks.canary repairs --rate 100      what each repair alone changes
python -m benchmarks.canary shadow                  mirrored pairs
python -m benchmarks.canary monitor                 champions beside their own past, after the watch
python -m benchmarks.canary judge windows.jsonl     judge windows (or from stdin)
python -m benchmarks.canary sample > windows.jsonl  windows to try that with
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.canary import feed, monitor, promises, repairs, report
from benchmarks.canary.lines import FORMAT
from benchmarks.canary.peers import PEERS
from benchmarks.canary.run import Controller, Judge, Result, play_together
from benchmarks.canary.scenarios import EVERY, HELD_OUT, SCENARIOS, Scenario
from benchmarks.canary.world import LAWS, Setting
from tasks.judge import JudgePolicy

LIMITS = {
    "errors x2": 3380,
    "errors x4": 560,
    "errors +5": 102,
    "latency +10%": 340,
    "latency +50%": 20,
    "outage": 2,
}
"""Canary requests that any test of two samples needs at 25 % share, 0.5 % errors: log(1/α)/KL."""


def policy_for(setting: Setting) -> JudgePolicy:
    """The default policy; only the feed's lag is told to it."""
    return JudgePolicy(lag_seconds=0.0 if setting.feed == "direct" else 60.0)


def cells(
    controllers: tuple[str, ...], scenario: Scenario, setting: Setting, reps: int, seed: int
) -> list[Result]:
    """One cell of the table for each of these controllers, which see the same traffic."""
    policy = policy_for(setting)
    edges = policy.latency_edges

    def maker(name: str) -> Callable[[int], Controller]:
        if name == "judge":
            return lambda releases: Judge(policy, releases)
        return lambda releases: PEERS[name](releases, edges)

    return play_together(
        scenario,
        setting,
        [maker(name) for name in controllers],
        reps=reps,
        seed=[seed, *f"{scenario.name}|{setting}".encode()],
        edges=edges,
        horizon=9600.0 if controllers == ("judge",) else 11400.0,
    )


def side_by_side(controllers: Sequence[str]) -> list[tuple[str, ...]]:
    """Controllers grouped so that each group can be shown the same traffic."""
    steady = tuple(name for name in controllers if name != "judge" and PEERS[name].steady)
    others: list[tuple[str, ...]] = [(name,) for name in controllers if name not in steady]
    return [*others, steady] if steady else others


def row(
    controller: str, scenario: Scenario, setting: Setting, result: Result, seed: int
) -> dict[str, object]:
    """What is printed and kept of a cell."""
    limit = LIMITS.get(scenario.name) if setting.errors == 0.005 else None
    requests = result.median(result.requests)
    return {
        "controller": controller,
        "scenario": scenario.name,
        "rate": setting.rate,
        "errors": setting.errors,
        "feed": setting.feed,
        "law": setting.law,
        "reps": len(result.outcome),
        "seed": seed,
        "rolled_back": round(result.rolled_back, 4),
        "missed": round(result.missed, 4),
        "undecided": round(float((result.outcome == 3).mean()), 4),
        "seconds": _plain(result.median(result.seconds)),
        "bad": _plain(result.median(result.bad)),
        "requests": _plain(requests),
        "of_limit": _plain(requests / limit) if limit else None,
        "half": _plain(result.median_half),
    }


def _plain(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


HEADER = (
    f"{'controller':10} {'scenario':16} {'req/s':>6} {'err':>5} {'feed':10} "
    f"{'rolled back':>11} {'missed':>7} {'undec.':>6} {'median s':>8} {'bad':>7} {'x limit':>7} "
    f"{'half s':>6}"
)


def line(item: dict[str, object]) -> str:
    """One line of the table."""

    def number(name: str, form: str) -> str:
        value = item[name]
        return format(value, form) if isinstance(value, (int, float)) else "-"

    return (
        f"{item['controller']:10} {item['scenario']:16} {item['rate']:>6} "
        f"{number('errors', '.1%'):>5} {item['feed']:10} {number('rolled_back', '.1%'):>11} "
        f"{number('missed', '.1%'):>7} {number('undecided', '.1%'):>6} "
        f"{number('seconds', '.0f'):>8} {number('bad', '.1f'):>7} {number('of_limit', '.2f'):>7} "
        f"{number('half', '.0f'):>6}"
    )


def settings_of(args: argparse.Namespace) -> Iterator[Setting]:
    """The settings that the options name."""
    if not args.all:
        yield Setting(args.rate, args.errors, args.feed, args.law)
        return
    for errors in (0.005, 0.02):
        for source in ("direct", "cloudwatch"):
            for rate in (10.0, 1.0, 100.0):
                yield Setting(rate, errors, source, args.law)


def table(args: argparse.Namespace) -> None:
    """Print the table, one line as soon as its cell is done."""
    scenarios = HELD_OUT if args.held_out else SCENARIOS
    if args.scenario:
        scenarios = {name: EVERY[name] for name in args.scenario}
    controllers = ["judge", *PEERS] if args.controller == ["all"] else args.controller
    kept = _kept(args.out)
    groups = [
        (names, scenario, setting)
        for setting in settings_of(args)
        for names in side_by_side(controllers)
        for scenario in scenarios.values()
        if not all(_key(name, scenario, setting, args) in kept for name in names)
    ]
    print(HEADER)
    began = time.monotonic()
    with Path(args.out).open("a") if args.out else _nowhere() as out:
        for index, (names, scenario, setting) in enumerate(groups, start=1):
            results = cells(names, scenario, setting, args.reps, args.seed)
            for name, result in zip(names, results, strict=True):
                item = row(name, scenario, setting, result, args.seed)
                print(line(item), flush=True)
                out.write(json.dumps(item) + "\n")
            out.flush()
            spent = time.monotonic() - began
            print(
                f"  {index}/{len(groups)} cells, {spent:.0f} s, "
                f"about {spent / index * (len(groups) - index):.0f} s to go   ",
                end="\r" if sys.stderr.isatty() else "\n",
                file=sys.stderr,
            )


def _key(
    name: str, scenario: Scenario, setting: Setting, args: argparse.Namespace
) -> tuple[object, ...]:
    return (name, scenario.name, setting.rate, setting.errors, setting.feed, setting.law,
            args.reps, args.seed)  # fmt: skip


def _kept(name: str | None) -> set[tuple[object, ...]]:
    """Cells that the file holds already: an interrupted table goes on where it stood."""
    if name is None or not Path(name).exists():
        return set()
    columns = ("controller", "scenario", "rate", "errors", "feed", "law", "reps", "seed")
    items = [json.loads(text) for text in Path(name).read_text().splitlines()]
    return {tuple(item[column] for column in columns) for item in items}


def _nowhere() -> feed.Sink:
    return feed.Sink()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.canary", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    top.add_argument("--scenario", action="append", choices=list(EVERY))
    top.add_argument("--held-out", action="store_true", help="scenarios that tuning never saw")
    top.add_argument(
        "--controller", action="append", choices=["judge", *PEERS, "all"], default=None
    )
    top.add_argument("--rate", type=float, default=10.0, help="requests per second")
    top.add_argument("--errors", type=float, default=0.005, help="error share of the stable arm")
    top.add_argument("--feed", choices=["direct", "cloudwatch"], default="direct")
    top.add_argument("--law", choices=list(LAWS), default="lognormal")
    top.add_argument("--all", action="store_true", help="1, 10, 100 requests/s, both feeds, 2 %%")
    top.add_argument("--reps", type=int, default=500)
    top.add_argument("--seed", type=int, default=1)
    top.add_argument("--out", help="append every cell as a JSON line to this file; "
                     "cells that it holds already are skipped")  # fmt: skip
    commands = top.add_subparsers(dest="command")
    written = commands.add_parser("tables", help="kept cells as Markdown")
    written.add_argument("file", help="what --out wrote")
    measured = commands.add_parser("promises", help="measured α and β")
    measured.add_argument("--reps", type=int, default=4000)
    measured.add_argument("--seed", type=int, default=1)
    repaired = commands.add_parser(
        "repairs", help="worlds that are not exchangeable: what each repair alone changes"
    )
    repaired.add_argument("--rate", type=float, default=100.0, help="requests per second")
    repaired.add_argument("--feed", choices=["direct", "cloudwatch"], default="direct")
    repaired.add_argument("--reps", type=int, default=200)
    repaired.add_argument("--seed", type=int, default=1)
    mirrored = commands.add_parser("shadow", help="mirrored pairs")
    mirrored.add_argument("--reps", type=int, default=500)
    mirrored.add_argument("--seed", type=int, default=1)
    followed = commands.add_parser("monitor", help="champions beside their own past")
    followed.add_argument("--years", type=int, default=20, help="years of each world")
    followed.add_argument("--reps", type=int, default=50, help="times that each fault begins")
    followed.add_argument("--seed", type=int, default=1)
    judged = commands.add_parser(
        "judge",
        help="judge windows given as JSON lines",
        description=FORMAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    judged.add_argument("file", nargs="?", default="-", help="JSON lines; - is standard input")
    judged.add_argument("--policy", help="JSON file with keys of JudgePolicy; others keep defaults")
    judged.add_argument("--live", action="store_true", help="a verdict after every line")
    sampled = commands.add_parser("sample", help="print windows to judge")
    sampled.add_argument("--reps", type=int, default=500)
    sampled.add_argument("--seconds", type=int, default=7200)
    sampled.add_argument("--share", type=float, default=0.25)
    sampled.add_argument("--scenario", dest="sampled", choices=list(EVERY),
                         default="none")  # fmt: skip
    sampled.add_argument("--seed", type=int, default=1)
    return top


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    args = parser().parse_args(argv)
    if args.command == "promises":
        promises.measure(args.reps, args.seed)
    elif args.command == "tables":
        report.tables(args.file)
    elif args.command == "repairs":
        repairs.measure(Setting(rate=args.rate, feed=args.feed), args.reps, args.seed)
    elif args.command == "shadow":
        promises.shadow(args.reps, args.seed)
    elif args.command == "monitor":
        monitor.measure(args.years, args.reps, args.seed)
    elif args.command == "judge":
        try:
            feed.judge_file(args.file, args.policy, live=args.live)
        except (ValueError, OSError) as error:
            raise SystemExit(f"{args.file}: {error}") from error
    elif args.command == "sample":
        scenario = EVERY[args.sampled]
        feed.sample(scenario, args.reps, args.seconds, args.share, args.seed)
    else:
        args.controller = args.controller or ["judge"]
        table(args)


if __name__ == "__main__":
    main()
