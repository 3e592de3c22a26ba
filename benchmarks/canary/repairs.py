"""What each repair of the judge alone changes where requests and hosts are not exchangeable.

Columns: the judge without any of them, with one of them, with all as the judge has them by default
(its margin of harm is nil), and with all and the margin that model.yaml has by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.canary.run import Judge, Result, play
from benchmarks.canary.scenarios import EVERY, SILENT, UNEVEN
from benchmarks.canary.world import Setting
from tasks.judge import HarmMargins, JudgePolicy

OFF = 1e12
"""Beyond all that a bound or a dispersion is compared with."""
NONE = JudgePolicy(window_evidence=OFF, dispersion_from=OFF)
DEFAULT = JudgePolicy()
MARGIN = HarmMargins(latency=0.05)
REPAIRS: Mapping[str, JudgePolicy] = {
    "none of them": NONE,
    "bound of a window": NONE.model_copy(update={"window_evidence": DEFAULT.window_evidence}),
    "dispersion": NONE.model_copy(update={"dispersion_from": DEFAULT.dispersion_from}),
    "margin of 5 %": NONE.model_copy(update={"harm_margin": MARGIN}),
    "the judge's default": DEFAULT,
    "model.yaml's default": DEFAULT.model_copy(update={"harm_margin": MARGIN}),
}
STICKY = "sticky users, errors by request"
WORLDS = (
    *("none", "bursts", STICKY),
    *UNEVEN,
    *SILENT,
    *("latency +10%", "latency +50%", "latency x5", "p99 only", "errors x4", "slow ramp"),
)


def measure(setting: Setting, reps: int, seed: int) -> None:
    """Print the table as Markdown, a line as soon as it is known.

    Benign worlds and trifles: share of versions rolled back. Bad ones: median seconds to the
    rollback, bad answers; and the share not rolled back where there is one.
    """
    print(f"{setting.rate:g} requests/s, {setting.feed}, {reps} releases a cell, seed {seed}\n")
    print("| world |", " | ".join(REPAIRS), "|")
    print("|---|" + "---|" * len(REPAIRS))
    for name in WORLDS:
        scenario = EVERY["sticky users" if name == STICKY else name]
        traffic = replace(setting, by_user=name != STICKY)
        told = []
        for policy in REPAIRS.values():
            lag = 0.0 if setting.feed == "direct" else 60.0
            judged = policy.model_copy(update={"lag_seconds": lag})
            result = play(
                scenario,
                traffic,
                lambda releases, judged=judged: Judge(judged, releases),  # type: ignore[misc]
                reps=reps,
                seed=[seed, *name.encode()],
                edges=judged.latency_edges,
            )
            told.append(_cell(result, harmless=scenario.benign or name in UNEVEN))
        print(f"| {name} |", " | ".join(told), "|", flush=True)


def _cell(result: Result, *, harmless: bool) -> str:
    if harmless:
        return f"{result.rolled_back:.1%}"
    missed = 1.0 - result.rolled_back
    found = f"{result.median(result.seconds):.0f} s / {result.median(result.bad):.0f}"
    return found if missed == 0.0 else f"{found}, {missed:.1%} not"
