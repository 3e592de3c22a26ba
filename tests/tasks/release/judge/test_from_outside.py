"""The judge asked from a shell: the manual's example, lists, and lines that are not windows."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from benchmarks.canary.__main__ import main

MANUAL = Path(__file__).parents[4] / "docs" / "judge.md"


@pytest.fixture
def example(tmp_path):
    """The files that the manual's example writes."""
    for name, text in re.findall(r"cat > (\S+) <<'END'\n(.*?)END\n", MANUAL.read_text(), re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


def told(capsys, *arguments):
    main(["judge", *map(str, arguments)])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_manuals_example_says_what_the_manual_says(example, capsys):
    (answer,) = told(capsys, example / "windows.jsonl", "--policy", example / "policy.json")
    assert (answer["release"], answer["action"], answer["weight"]) == ("r1", "rollback", 0.0)
    assert answer["reason"].split("…")[0][:80] in MANUAL.read_text()


def test_live_lines_and_live_lists_answer_alike(example, capsys, monkeypatch):
    policy = ("--policy", example / "policy.json", "--live")
    one_by_one = told(capsys, example / "windows.jsonl", *policy)
    windows = [json.loads(line) for line in (example / "windows.jsonl").read_text().splitlines()]
    others = [{**window, "release": "r2"} for window in windows]
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([*windows, *others]) + "\n"))
    (together,) = told(capsys, *policy)
    assert [item["release"] for item in together] == ["r1", "r1", "r2", "r2"]
    for ours, alone in zip(together, one_by_one * 2, strict=True):
        assert (ours["action"], ours["reason"]) == (alone["action"], alone["reason"])


@pytest.mark.parametrize(
    "line", ["{", '"window"', '{"t0": 0}', '[{"t0": 0, "t1": 10, "weight": 2}]']
)
def test_a_line_that_is_no_window_is_named(tmp_path, line):
    (tmp_path / "windows.jsonl").write_text('{"t0": 0, "t1": 10, "weight": 0.0}\n' + line + "\n")
    with pytest.raises(SystemExit, match=r"windows\.jsonl: line 2"):
        main(["judge", "--live", str(tmp_path / "windows.jsonl")])
