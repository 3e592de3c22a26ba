"""The rows of the matrix: kept as JSON lines, so that a cut run goes on, and told as Markdown."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
KILL = ("who", "candidate", "at", "when")
FAULT = ("candidate", "service", "action", "fault", "calls")
NOTHING = "nothing was begun"


class Kept:
    """Rows in a file; what it holds already is not struck again.

    Several processes may append to one file, each with calls of its own.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.rows: list[Row] = []
        self._known: set[str] = set()
        self.reload()

    def reload(self) -> None:
        """Read what other processes have written."""
        if self._file is not None and self._file.exists():
            self.rows = read([self._file])
            self._known = {_key(row) for row in self.rows}

    def has(self, **which: Any) -> bool:
        """Whether the strike that these columns name is there."""
        return _key(which) in self._known

    def calls(self, candidate: str, service: str, action: str, fault: str) -> set[int]:
        """Calls of one action that were struck, or that releases did not come to."""
        which = {"candidate": candidate, "service": service, "action": action, "fault": fault}
        return {call for row in self.rows if which.items() <= row.items() for call in row["calls"]}

    def add(self, row: Row) -> None:
        """Keep a row."""
        self.rows.append(row)
        self._known.add(_key(row))
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")


def read(files: Iterable[Path]) -> list[Row]:
    """The rows of some files."""
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def _key(row: Mapping[str, Any]) -> str:
    columns = FAULT if "fault" in row else KILL
    return json.dumps([row["what"], *(row.get(column) for column in columns)])


def wrong(rows: Iterable[Row]) -> list[Row]:
    """Rows with a wrong end or a request that failed for another reason than a bad candidate."""
    return [row for row in rows if row.get("wrong") or row.get("failed")]


def said(row: Row) -> str:
    """One row as the screen shows it."""
    if "fault" in row:
        struck = f"{len(row['struck'])} of {len(row['calls'])} calls from #{row['calls'][0]}"
        where = f"{row['service']}:{row['action']} {row['fault']}, {struck}"
    else:
        where = f"{row['at']:3d} {row['when']:6s} {row['phase']}: {row['kind']} {row['action']}"
    end = f"WRONG {row['wrong']}" if row.get("wrong") else row["end"]
    return (
        f"{row['candidate']:4s} {where:72.72s} {end:11s} {row['seconds']:5.1f} s, "
        f"{row['requests']} requests, {row['failed']} failed"
    )


def total(rows: Sequence[Row]) -> str:
    """What all of them together say."""
    struck = [row for row in rows if row["what"] in {"kill", "fault"}]
    took = [row["seconds"] for row in struck] or [0.0]
    strikes = sum(len(row["struck"]) if "fault" in row else 1 for row in struck)
    return (
        f"{strikes} strikes in {len(struck)} releases, {_sum(struck, 'requests')} requests, "
        f"{_sum(struck, 'own')} of a bad candidate's own errors, {_sum(struck, 'failed')} failed "
        f"otherwise; {sum(bool(row.get('wrong')) for row in struck)} wrong ends; to the end: "
        f"median {statistics.median(took):.1f} s, longest {max(took):.1f} s"
    )


def tables(rows: Sequence[Row]) -> str:
    """Markdown: kills by who, candidate and phase; faults by candidate, fault and action."""
    parts = []
    kills = [row for row in rows if row["what"] == "kill"]
    for who in dict.fromkeys(row["who"] for row in kills):
        mine = [row for row in kills if row["who"] == who]
        groups = _grouped(mine, lambda row: (row["candidate"], _place(row)))
        parts.append(f"Kills of the {who}: {total(mine)}.\n")
        parts.append(_table(("candidate", "killed in", "kills"), groups))
    faults = [row for row in rows if row["what"] == "fault" and row["struck"]]
    if faults:
        parts.append(f"Faults: {total(faults)}.\n")
        groups = _grouped(faults, lambda row: (row["candidate"], row["fault"]))
        parts.append(_table(("candidate", "fault", "calls struck"), groups))
        groups = _grouped(faults, lambda row: (row["fault"], f"{row['service']}:{row['action']}"))
        parts.append(_table(("fault", "call", "calls struck"), groups))
    return "\n".join(parts)


def _place(row: Row) -> str:
    if row["end"] == NOTHING:
        return "before the first write"
    if row["phase"] == "promoting":
        return "promoting, pointer " + ("moved" if row["end"] == "done" else "not moved")
    return str(row["phase"])


def _grouped(rows: Iterable[Row], by: Any) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    return groups


def _table(head: tuple[str, str, str], groups: Mapping[tuple[str, str], Sequence[Row]]) -> str:
    titles = (*head, "ends", "requests", "failed", "wrong ends", "median s, real", "longest")
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for (first, second), rows in groups.items():
        ends = Counter(row["end"].replace("_", " ") for row in rows)
        took = [row["seconds"] for row in rows]
        cells = (
            first, second,
            sum(len(row["struck"]) if "fault" in row else 1 for row in rows),
            ", ".join(f"{count} {end}" for end, count in ends.most_common()),
            f"{_sum(rows, 'requests'):,}", _sum(rows, "failed"),
            sum(bool(row.get("wrong")) for row in rows),
            f"{statistics.median(took):.1f}", f"{max(took):.1f}",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _sum(rows: Iterable[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)
