"""The steps that each backend's conformance tests take with a finished job."""

import json
import re

import numpy as np
import pytest

from models.runtime import answers, calling
from models.runtime.family import plug_in
from tests.models.conformance import FAST, HELD_OUT, instance_of, serve


def it_measured_what_its_task_declares(done):
    measured = done.metrics()
    task = done.family.task_class
    for who in ("candidate", "baseline"):
        assert set(measured[who]) == set(task.metrics)
        assert np.isfinite(list(measured[who].values())).all()
    assert f"holdout_{task.tracked}=" in done.log
    assert measured["counts"]["holdout"] == HELD_OUT


def it_went_on_where_a_stopped_job_was(done):
    """With an epoch that was kept; what learns in one part begins it again."""
    epochs = "epoch=1 " in done.stopped
    assert epochs or "part=scikit-learn" in done.stopped
    assert ("resuming after epoch" in done.log) == epochs, done.log
    if epochs:  # of which the job may have finished several before it heard that it is to stop
        kept = int(re.findall(r"^epoch=(\d+) ", done.stopped, re.MULTILINE)[-1])
        resumed, went_on = re.search(
            r"resuming after epoch (\d+)(.*)", done.log, re.DOTALL
        ).groups()
        assert int(resumed) == kept, done.log
        rest = [int(epoch) for epoch in re.findall(r"^epoch=(\d+) ", went_on, re.MULTILINE)]
        assert rest[:1] == ([kept + 1] if kept < int(FAST["epochs"]) else []), done.log


def it_logs_what_a_draft_draws(done):
    backend, tracked = plug_in("backends", done.family.backend), done.family.task_class.tracked
    for key in backend.logged.values():
        assert re.search(rf"\b{key.format(metric=tracked)}=[0-9.e+-]+", done.stopped + done.log)


def it_serves_and_refuses_bad_input(done):
    good = instance_of(done.family.input)
    answer, many, *refused = serve(
        done,
        [
            {"instances": [good]},
            {"instances": [good] * 3},
            {"instances": [5]},
            {"instances": []},
            {"rows": [good]},
        ],
    )
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["predictions"]
    assert many.json()["predictions"] == [prediction] * 3
    spec = json.loads((done.model / "preprocess.json").read_text("utf-8"))
    done.family.task_class(spec["output"]).read([prediction])
    assert [reply.status_code for reply in refused] == [400, 400, 400]
    assert "instance 0" in refused[0].json()["error"]


def it_measures_itself_again(done, out):
    calling.check(done.model)
    again = calling.measure(done.model, done.holdout, out / "measured")
    expected = done.metrics()["candidate"]
    assert again["candidate"] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    its_answers_are_kept_row_by_row(done, out / "measured")


def its_answers_are_kept_row_by_row(done, measured):
    """By the training job and by the measuring one: the same rows, labels and predictions."""
    first = answers.load(done.base / "output/data" / answers.FILE)
    again = answers.load(measured / answers.FILE)
    assert first.task == again.task == done.family.task
    assert len(set(first.rows)) == HELD_OUT
    assert again.rows.tolist() == first.rows.tolist()
    assert again.labels.tolist() == first.labels.tolist()
    np.testing.assert_allclose(again.predicted, first.predicted, rtol=1e-3, atol=1e-5)
    assert again.plain is None
    task = done.family.task_class(first.output)
    labels = task.labels(first.labels.tolist())
    for who, said in (("candidate", first.predicted), ("baseline", first.plain)):
        assert task.measure(labels, said) == pytest.approx(done.metrics()[who])


def its_error_can_be_followed(done, out):
    periods = out / "periods"
    periods.mkdir()
    (periods / "2026-02-01").symlink_to(done.holdout)
    calling.score(done.model, periods, out / "scores", rows=50)
    with np.load(out / "scores" / "2026-02-01.npz") as found:
        assert {len(found[name]) for name in ("residual", "error", "score")} == {50}
        assert np.isfinite(found["error"]).all()


def it_offers_only_formats_that_are_known(done):
    from tasks.specs.conversion import ConversionSpec

    offered = plug_in("backends", done.family.backend).formats
    assert set(offered) <= {name for name, _ in ConversionSpec()}
