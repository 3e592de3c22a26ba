"""The kept cells as Markdown tables, as RESULTS.md shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from benchmarks.canary.peers import PEERS
from benchmarks.canary.scenarios import HELD_OUT, SCENARIOS
from benchmarks.canary.world import LAWS

Row = dict[str, object]
RATES = (1.0, 10.0, 100.0, 1000.0)


def tables(name: str) -> None:
    """Print every table that the file of cells has rows for."""
    rows = [json.loads(text) for text in Path(name).read_text().splitlines()]
    settings = product((list(SCENARIOS), list(HELD_OUT)), LAWS, ("direct", "cloudwatch"),
                       (0.005, 0.02))  # fmt: skip
    for names, law, feed, errors in settings:
        wanted = (law, feed, errors)
        here = [row for row in rows if (row["law"], row["feed"], row["errors"]) == wanted]
        judged = [row for row in here if row["controller"] == "judge"]
        where = f"{feed}, stable error {errors:.1%}" + (f", {law}" if law != "lognormal" else "")
        _judge(f"The judge, {where}", judged, names)
        for rate in RATES:
            same = [row for row in here if row["rate"] == rate]
            _peers(f"Side by side, {rate:g} requests/s, {where}", same, names)


def _judge(title: str, rows: Sequence[Row], names: Sequence[str]) -> None:
    rates = [rate for rate in RATES if any(row["rate"] == rate for row in rows)]
    found = {(row["scenario"], row["rate"]): row for row in rows if row["scenario"] in names}
    if not found:
        return
    head = ["scenario", *(f"{rate:g} requests/s" for rate in rates)]
    lines = [
        [name, *(_long(found[name, rate]) if (name, rate) in found else "" for rate in rates)]
        for name in names
        if any((name, rate) in found for rate in rates)
    ]
    _print(title, head, lines)


def _peers(title: str, rows: Sequence[Row], names: Sequence[str]) -> None:
    found = {(row["scenario"], row["controller"]): row for row in rows if row["scenario"] in names}
    shown = [who for who in ("judge", *PEERS) if any(key[1] == who for key in found)]
    if len(shown) < 2:
        return
    lines = [
        [name, *(_short(found[name, who]) if (name, who) in found else "" for who in shown)]
        for name in names
        if any((name, who) in found for who in shown)
    ]
    _print(title, ["scenario", *shown], lines)


def _benign(row: Row) -> bool:
    return {**SCENARIOS, **HELD_OUT}[str(row["scenario"])].benign


def _number(row: Row, column: str, form: str = ".0f") -> str:
    value = row[column]
    return format(value, form) if isinstance(value, (int, float)) else "–"


def _long(row: Row) -> str:
    """Benign: false rollbacks, seconds to a half. Bad: not rolled back, seconds, bad, of limit."""
    undecided = _number(row, "undecided", ".1%")
    tail = "" if undecided == "0.0%" else f", {undecided} undecided"
    if _benign(row):
        half = "most never half" if row["half"] is None else f"half {_number(row, 'half')} s"
        return f"{_number(row, 'rolled_back', '.1%')} false, {half}{tail}"
    lost = 1.0 - float(str(row["rolled_back"]))
    text = f"{_number(row, 'seconds')} s / {_number(row, 'bad', '.1f')}"
    if row["of_limit"] is not None:
        text += f" (× {_number(row, 'of_limit', '.2f')})"
    return text + (f", {lost:.1%} not rolled back" if lost > 0 else "") + tail


def _short(row: Row) -> str:
    """Benign: false rollbacks. Bad: not rolled back · seconds / bad answers."""
    if _benign(row):
        return _number(row, "rolled_back", ".1%")
    lost = 1.0 - float(str(row["rolled_back"]))
    if row["seconds"] is None:
        return f"{lost:.0%}"
    return f"{lost:.0%} · {_number(row, 'seconds')} / {_number(row, 'bad')}"


def _print(title: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for cells in lines:
        print("| " + " | ".join(cells) + " |")
