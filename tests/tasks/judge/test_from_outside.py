"""The judge asked from a shell: the manual's example, lists, and lines that are not windows."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from benchmarks.canary.__main__ import main

MANUAL = Path(__file__).parents[3] / "docs" / "judge.md"


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
def test_a_line_that_is_not_json_or_no_window_is_named(tmp_path, line):
    (tmp_path / "windows.jsonl").write_text('{"t0": 0, "t1": 10, "weight": 0.0}\n' + line + "\n")
    with pytest.raises(SystemExit, match=r"windows\.jsonl: line 2"):
        main(["judge", "--live", str(tmp_path / "windows.jsonl")])


SMALL = {"latency_edges": [50, 100], "prediction_bins": 2, "segments": ["eu"]}
GOOD = {
    "release": "r",
    "t0": 0,
    "t1": 10,
    "weight": 0.05,
    "canary": {"requests": 5, "latency": [1, 2, 2], "predictions": [3, 2]},
    "stable": {"requests": 95, "errors": 1, "latency": [40, 40, 15], "predictions": [50, 45]},
}


def asked(tmp_path, capsys, *lines, live=False, policy=SMALL):
    """Answers to these lines; a line is text or a document."""
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (tmp_path / "windows.jsonl").write_text("\n".join(texts))
    how = ("--live",) if live else ()
    return told(capsys, tmp_path / "windows.jsonl", "--policy", tmp_path / "policy.json", *how)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"t0": float("nan")}, "t0: Input should be a finite number"),
        ({"t1": float("inf")}, "t1: Input should be a finite number"),
        ({"t1": 0}, "must come after t0"),
        ({"weight": 1.5}, "weight: .*less than or equal to 1, not 1.5"),
        ({"colour": 1}, "colour: Extra inputs"),
        ({"canary": None}, "canary: Input should be a valid dictionary"),
        ({"canary": {"requests": -1}}, "canary.requests: .*not -1"),
        ({"canary": {"requests": 5, "errors": 6}}, r"canary: errors \(6\) exceed requests"),
        ({"canary": {"requests": 10**400}}, "canary.requests: .*less than or equal"),
        ({"canary": {"requests": 5, "latency": [1, 2]}}, "canary: 2 latency counts, .* 3 bins"),
        ({"canary": {"requests": 5, "latency": [-1, 2, 2]}}, "counts must not be negative"),
        ({"canary": {"requests": 5, "latency": [5, 1, 0]}}, "6 latency counts for 5 requests"),
        ({"canary": {"requests": 5, "predictions": [1]}}, "1 predictions counts, .* 2 bins"),
        ({"canary": {"requests": 5, "users": 3}}, "users and users_with_error come together"),
        ({"segments": {"us": {}}}, "segment 'us' is not in the policy"),
        (
            {"segments": {"eu": {"canary": {"requests": 1, "latency": [1]}}}},
            "segment eu, canary: 1",
        ),
        ({"shadow": {"pairs": 10, "errors": [-1, 0]}}, "shadow.errors.0: .*not -1"),
        ({"shadow": {"pairs": 10, "errors": [8, 8]}}, "16 pairs differ in errors, .* 10"),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_what_is_wrong_with_a_window_is_said_in_one_line(tmp_path, capsys, change, said, live):
    with pytest.raises(SystemExit, match=rf"windows\.jsonl: line 2: .*{said}") as caught:
        asked(tmp_path, capsys, GOOD, {**GOOD, "t0": 10, "t1": 20, **change}, live=live)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize("arm", ["canary", "stable"])
def test_one_arm_alone_is_an_error_and_none_is_an_empty_window(tmp_path, capsys, arm):
    alone = {name: value for name, value in GOOD.items() if name != arm}
    with pytest.raises(SystemExit, match=f"line 1: {arm} is missing"):
        asked(tmp_path, capsys, alone)
    (answer,) = asked(tmp_path, capsys, {"release": "r", "t0": 0, "t1": 10, "weight": 0.05})
    assert (answer["action"], answer["weight"]) == ("hold", 0.05)
    assert "No canary request" in answer["reason"]
    # Without a share there is nothing to tell.
    (answer,) = asked(tmp_path, capsys, {**alone, "weight": 1.0 if arm == "stable" else 0.0})
    assert answer["action"] in {"hold", "step"}


@pytest.mark.parametrize("lines", [[], ["", " "], ["[]"]])
@pytest.mark.parametrize("live", [False, True])
def test_a_file_without_a_window_is_an_error(tmp_path, capsys, lines, live):
    with pytest.raises(SystemExit, match="there is no window in it"):
        asked(tmp_path, capsys, *lines, live=live)


@pytest.mark.parametrize("live", [False, True])
def test_windows_that_overlap_are_an_error_that_names_the_release(tmp_path, capsys, live):
    with pytest.raises(
        SystemExit, match=r"release 'r': window 5\.0 starts before window 0\.0 ends"
    ):
        asked(tmp_path, capsys, GOOD, {**GOOD, "t0": 5, "t1": 15}, live=live)


def test_a_policy_that_is_none_names_its_file(tmp_path, capsys):
    for policy, said in (({"nope": 1}, "nope: Extra inputs"), ({"latency_edges": [None]}, "edges")):
        with pytest.raises(SystemExit, match=rf"--policy .*policy\.json: .*{said}"):
            asked(tmp_path, capsys, GOOD, policy=policy)


def at(start, count=16, faulty=False):
    """The stable version alone for a while, then a canary; in windows of ten seconds."""
    told_ = []
    for step in range(count):
        share = 0.05 if step >= count // 2 else 0.0
        told_.append(
            {
                "release": "r",
                "t0": start + 10 * step,
                "t1": start + 10 * step + 10,
                "weight": share,
                "canary": {"requests": 5 if share else 0, "errors": 5 if share and faulty else 0},
                "stable": {"requests": 95, "errors": 1},
            }
        )
    return told_


BARE = {"latency_edges": [], "prediction_bins": 0}


@pytest.mark.parametrize("start", [-1e6, -81, 1.8e9])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("faulty", [False, True])
def test_any_clock_will_do(tmp_path, capsys, start, live, faulty):
    answers = [
        asked(tmp_path, capsys, *at(begin, faulty=faulty), live=live, policy=BARE)[-1]
        for begin in (5000, start)
    ]
    for answer in answers:
        answer.pop("at")
    assert answers[0] == answers[1]
    assert answers[0]["action"] == ("rollback" if faulty else "step")


def test_windows_out_of_order_or_told_twice_are_folded_once_and_late_ones_are_counted(
    tmp_path, capsys
):
    good = at(0)
    (plain,) = asked(tmp_path, capsys, *good, policy=BARE)
    swapped = [*good[:-3], good[-1], good[-3], good[-2]]
    twice = [line for line in good for _ in (0, 1)]
    late = [*good, {**good[0], "stable": {"requests": 9}}]  # more than 12 windows back
    for lines, refused in ((swapped, 0), (twice, 0), (late, 1)):
        (answer,) = asked(tmp_path, capsys, *lines, policy=BARE)
        assert answer == {**plain, "refused": refused}


@pytest.mark.parametrize("scale", [100, 10**9])
def test_any_number_of_requests_will_do(tmp_path, capsys, scale):
    def scaled(faulty):
        return [
            {**w, **{a: {k: n * scale for k, n in w[a].items()} for a in ("canary", "stable")}}
            for w in at(0, faulty=faulty)
        ]

    (good,) = asked(tmp_path, capsys, *scaled(faulty=False), policy=BARE)
    (bad,) = asked(tmp_path, capsys, *scaled(faulty=True), policy=BARE)
    assert (good["action"], bad["action"]) == ("step", "rollback")


def test_a_service_that_nobody_asks_is_not_said_to_be_measured(tmp_path, capsys):
    empty = [{**w, "stable": {"requests": 0}} for w in at(0)[:8]]
    (answer,) = asked(tmp_path, capsys, *empty, policy=BARE)
    assert answer["reason"] == "The stable version was not asked yet: start at 5%."
