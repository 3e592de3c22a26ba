"""The standing alarms as flows and the reconciler keep them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from prefect.states import Completed

from benchmarks.release import testbed
from deployments import reconciler
from deployments.reconciler import ALARMS_REAL_SECONDS, alarms_as_wanted
from tasks.errors import AwsDenied, AwsUnavailable
from tasks.release.standing import keeping
from tasks.release.standing.requests import composite_name, names, part_name
from tasks.release.tasks import KeptAlarms, alarms_due

TIME_SCALE = 120.0
MODEL = testbed.MODEL

pytestmark = pytest.mark.timeout(600)


def standing(installation: Any) -> set[str]:
    found = installation.aws.client("cloudwatch").describe_alarms(
        AlarmNamePrefix="sluice-standing-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return {one["AlarmName"] for one in found["MetricAlarms"] + found["CompositeAlarms"]}


WANTED = set(names(MODEL)) - {part_name(MODEL, "accuracy")}
"""The toy model tells a number: its error has no bound of its own."""


def test_reconcile_makes_them_and_brings_back_what_a_person_deletes(installation: Any) -> None:
    from flows.reconcile import reconcile

    cloudwatch = installation.aws.client("cloudwatch")
    ended = reconcile(return_state=True)
    assert ended.is_completed(), ended.message
    assert f"{MODEL}: standing alarms made memory, errors, " in str(ended.message)
    assert standing(installation) == WANTED
    cloudwatch.delete_alarms(AlarmNames=[composite_name(MODEL)])
    cloudwatch.delete_alarms(AlarmNames=[part_name(MODEL, "endpoint")])
    ended = reconcile(return_state=True)
    assert f"{MODEL}: standing alarms made endpoint, {MODEL}'s own" in str(ended.message)
    assert standing(installation) == WANTED


def test_the_reconciler_keeps_them_a_minute_apart_and_sweeps(
    installation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    chore = alarms_as_wanted(clock=lambda: now[0])
    chore()
    cloudwatch = installation.aws.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=composite_name("gone"), AlarmRule="FALSE")
    cloudwatch.delete_alarms(AlarmNames=[composite_name(MODEL)])
    chore()
    assert composite_name(MODEL) not in standing(installation)
    now[0] += ALARMS_REAL_SECONDS
    chore()
    assert standing(installation) == WANTED
    said = capsys.readouterr().out
    assert f"{MODEL}: standing alarms made {MODEL}'s own" in said
    assert "gone: standing alarms removed gone's own: the model is gone" in said


def test_a_look_asks_once_however_many_models_there_are(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms_as_wanted(clock=lambda: 0.0)()
    asked: list[dict[str, Any]] = []
    read = keeping._read

    def counted(**which: Any) -> Any:
        asked.append(which)
        return read(**which)

    monkeypatch.setattr(keeping, "_read", counted)
    monkeypatch.setattr("tasks.model_spec.known_models", lambda _folder: (MODEL,) * 3)
    # What differs is read again before it is touched; the toy's first alarms are OK by and by.
    for _ in range(200):
        asked.clear()
        alarms_as_wanted(clock=lambda: 0.0)()
        if asked == [{"AlarmNamePrefix": "sluice-standing-"}]:
            break
        time.sleep(0.1)
    assert asked == [{"AlarmNamePrefix": "sluice-standing-"}]


class Answers:
    """`keeping`, to which some models are a fault."""

    def __init__(self, patch: pytest.MonkeyPatch, **faults: Exception) -> None:
        self.faults = faults
        self.asked: list[str] = []
        patch.setattr("tasks.model_spec.known_models", lambda _folder: ("a", "b"))
        patch.setattr(keeping, "every", dict)
        patch.setattr(keeping, "keep", self.keep)
        patch.setattr(keeping, "sweep", self.sweep)

    def keep(self, _context: Any, model: str, _read: Any = None) -> str:
        self.asked.append(model)
        if model in self.faults:
            raise self.faults[model]
        return f"{model}: put right"

    def sweep(self, _context: Any, _known: Any, _read: Any = None) -> Iterator[str]:
        self.asked.append("sweep")
        yield "gone: removed"
        if "sweep" in self.faults:
            raise self.faults["sweep"]


def test_a_raw_fault_of_one_model_stops_no_other(
    installation: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Answers(monkeypatch, a=KeyError("version"))
    with pytest.raises(RuntimeError, match=r"^a: KeyError: 'version'$"):
        alarms_as_wanted(clock=lambda: 0.0)()
    assert capsys.readouterr().out.splitlines() == ["b: put right", "gone: removed"]


def test_a_sweep_that_fails_hides_neither_what_was_done_nor_what_is_wrong(
    installation: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = AwsDenied("PutMetricAlarm: denied.", "Give the role.")
    Answers(monkeypatch, a=denied, sweep=AwsUnavailable("No answer.", "Run again."))
    with pytest.raises(RuntimeError, match=r"a: AwsDenied: .*; models that are gone: AwsUnavail"):
        alarms_as_wanted(clock=lambda: 0.0)()
    assert capsys.readouterr().out.splitlines() == ["b: put right", "gone: removed"]


def test_an_aws_that_does_not_answer_ends_the_look(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch, a=AwsUnavailable("No answer.", "Run again."))
    with pytest.raises(RuntimeError, match=r"^a: AwsUnavailable: No answer"):
        alarms_as_wanted(clock=lambda: 0.0)()
    assert answers.asked == ["a"]


def test_a_cloudwatch_that_is_away_is_asked_twice_by_a_run_and_fails_it_not(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.reconcile import reconcile

    asked: list[dict[str, Any]] = []

    def away(**which: Any) -> Any:
        asked.append(which)
        raise AwsUnavailable("DescribeAlarms: no answer.", "Run again.")

    monkeypatch.setattr(keeping, "_read", away)
    ended = reconcile(return_state=True)
    assert ended.is_completed(), ended.message
    assert f"{MODEL}: its standing alarms could not be looked at" in str(ended.message)
    assert len(asked) == 2


def test_alarms_are_looked_at_once_all_releases_were(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import reconcile as flow

    kept = {"a": KeptAlarms(said="a: no answer", away=True), "b": KeptAlarms(said="b: put right")}
    asked: list[str] = []

    def keep(_context: Any, model: str, **_how: Any) -> Any:
        asked.append(model)
        return Completed(data=kept[model])

    monkeypatch.setattr(flow, "alarms_due", lambda _context, models: tuple(models))
    monkeypatch.setattr(flow, "keep_alarms", keep)
    assert flow._alarms(cast("Any", None), ["b", "a", "b"], ["a", "b"]) == (
        ["b: put right", "a: no answer"],
        False,
    )
    assert asked == ["b", "a"]


def test_uploads_wait_for_no_cloudwatch(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.uploads.tasks import listen

    end, hangs = threading.Event(), threading.Event()
    looked: list[str] = []

    def uploads() -> list[str]:
        looked.append("uploads")
        if len(looked) == 3:
            end.set()
        return []

    monkeypatch.setattr(reconciler, "CHORES_REAL_SECONDS", 0.01)
    monkeypatch.setattr(reconciler, "alarms_as_wanted", lambda: hangs.wait)
    monkeypatch.setattr(listen, "fn", uploads)
    alarms = threading.Thread(target=reconciler._alarms, args=(end,), daemon=True)
    alarms.start()
    reconciler._chores(end)
    assert looked == ["uploads"] * 3
    assert alarms.is_alive()
    hangs.set()
    alarms.join(5)


def test_what_cannot_be_compared_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    def due(_context: Any, model: str, _read: Any) -> Any:
        if model == "a":
            raise KeyError("version")
        return model == "b"

    monkeypatch.setattr(keeping, "due", due)
    monkeypatch.setattr(keeping, "every", dict)
    assert alarms_due(cast("Any", None), ["a", "b", "c"]) == ("a", "b")

    def broken() -> Any:
        raise ValueError("no XML")

    monkeypatch.setattr(keeping, "every", broken)
    assert alarms_due(cast("Any", None), ["a", "c"]) == ("a", "c")


def test_a_model_in_trouble_is_told_and_stops_no_other(installation: Any) -> None:
    from tasks import settings
    from tasks.errors import SluiceError

    models = settings.settings().models_dir
    broken = models / "broken"
    broken.mkdir()
    (broken / "model.yaml").write_text("name: [")
    installation.aws.client("cloudwatch").delete_alarms(AlarmNames=[composite_name(MODEL)])
    try:
        with pytest.raises((RuntimeError, SluiceError), match="broken"):
            alarms_as_wanted(clock=lambda: 0.0)()
    finally:
        (broken / "model.yaml").unlink()
        broken.rmdir()
    assert standing(installation) == WANTED


def test_a_rollback_moves_them_to_the_version_that_serves(installation: Any) -> None:
    from flows.release import release
    from flows.rollback import rollback

    def watched() -> str:
        [alarm] = installation.aws.client("cloudwatch").describe_alarms(
            AlarmNames=[part_name(MODEL, "endpoint")]
        )["MetricAlarms"]
        return str(alarm["AlarmDescription"]).split(":")[0]

    second = installation.publish()
    with testbed.LoadGenerator(installation.aws.endpoint_url, threads=3):
        ended = release(MODEL, second, "a test", return_state=True)
    assert ended.name == "Completed", ended.message
    assert watched() == f"{MODEL} {second}"
    back = rollback(MODEL, "a test", return_state=True)
    assert back.is_completed(), back.message
    assert watched() == f"{MODEL} {installation.first}"
