"""From a job's files to evidence: rows found again by name, and what does not fit refused."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.split import COLUMNS
from models.runtime.tasks.classification import Classification
from models.runtime.tasks.regression import Regression
from tasks.errors import GateUndecided
from tasks.gates.channel import held_out
from tasks.gates.evidence import Unpaired, evidence_of
from tasks.gates.gathering import gathered
from tasks.model_spec import ModelSpec
from tests.tasks.gates.answered import classed, kept, measured, side_by_side, valued


def spec(split_by="", confidence=0.95, **gate):
    gates = [{"metric": "mae", "at_most": 9.0} | gate]
    if confidence:
        gates[0]["confidence"] = confidence
    return ModelSpec.model_validate(
        {
            "name": "prices",
            "family": {"task": "regression", "input": "tabular", "backend": "sklearn"},
            "owner": "o",
            "description": "d",
            "data": {"dataset": "sales", "label": "price", "split_by": split_by},
            "gates": gates,
        }
    )


OFF = np.random.default_rng(0).normal(0, 5, 30)
SAID = valued(OFF, 30)


def table(folder, **columns):
    """A channel of the rows that were answered, and one without a label between them."""
    folder.mkdir()
    names = [*SAID.rows[:10].tolist(), "unlabelled", *SAID.rows[10:].tolist()]
    prices = [*SAID.labels[:10].tolist(), None, *SAID.labels[10:].tolist()]
    pq.write_table(pa.table({"id": names, "price": prices, **columns}), folder / "day.parquet")
    kinds = [
        {"name": "id", "type": "string", "key": True},
        {"name": "price", "type": "number"},
        {"name": "zip", "type": "integer", "kind": "categorical"},
    ]
    (folder / COLUMNS).write_text(json.dumps({"columns": kinds}))
    return folder


def test_columns_of_the_channel_meet_the_answers_by_name(tmp_path):
    channel = table(
        tmp_path / "holdout",
        user=[f"user {row // 2}" if row else None for row in range(31)],
        zip=[98000 + row % 3 for row in range(31)],
    )
    rule = {"column": "zip", "no_worse_than_champion": 0.1}
    made = gathered(
        spec("user", slices=[rule]),
        kept(tmp_path / "job", SAID),
        None,
        {"candidate": measured(SAID)},
        lambda: channel,
    )
    assert made.rows == SAID.rows.tolist()
    assert made.groups[0] == ""
    assert made.groups[9:11] == ["user 4", "user 5"], "the row without a label is passed over"
    assert made.columns["zip"][:2] == ["98000", "98001"], "a category, not a number"
    assert made.columns["zip"][10] == "98002"


def test_a_channel_is_fetched_only_where_its_columns_are_needed(tmp_path):
    made = gathered(
        spec(),
        kept(tmp_path / "job", SAID),
        kept(tmp_path / "champion", valued(OFF / 2, 30)),
        {"candidate": measured(SAID)},
        lambda: pytest.fail("nobody asked for columns"),
    )
    assert set(made.sides) == {"candidate", "champion"}


def test_pictures_are_called_as_their_input_calls_them(tmp_path):
    (tmp_path / "day").mkdir()
    lines = [{"file": f"{n}.png", "label": "yes", "house": n // 2} for n in range(3)]
    lines[2]["id"] = "third"
    lines[1]["label"] = None
    (tmp_path / "day" / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / COLUMNS).write_text('{"columns": []}')
    found = held_out(tmp_path, "label", Classification, ["house"])
    assert (found.rows, found.columns) == (["day/0.png", "third"], {"house": [0, 1]})


def test_rows_that_bear_one_name_are_told_apart_in_the_order_of_files(tmp_path):
    rows = {"id": ["a", "a", "a"], "price": [1.0, None, 2.0], "x": [1, 2, 3]}
    pq.write_table(pa.table(rows), tmp_path / "day.parquet")
    kinds = [{"name": "id", "type": "string", "key": True}]
    (tmp_path / COLUMNS).write_text(json.dumps({"columns": kinds}))
    found = held_out(tmp_path, "price", Regression, ["x", "y"])
    assert (found.rows, found.columns) == (["a", "a (2)"], {"x": [1, 3], "y": [None, None]})


def test_no_saved_answers_are_no_evidence(tmp_path):
    assert gathered(spec(), tmp_path, None, {}, lambda: tmp_path) is None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda job, _: (job / "output/answers.npz").write_bytes(b"none"), "is no file of answers"),
        (lambda _, metrics: metrics["candidate"].update(mae=1.0), "its job measured 1"),
        (lambda _, metrics: metrics.pop("champion"), None),
    ],
)
def test_what_cannot_be_believed_stops_the_gate_and_not_a_mere_page(tmp_path, damage, said):
    job, metrics = kept(tmp_path / "job", SAID), {"candidate": measured(SAID), "champion": {}}
    damage(job, metrics)
    if said is None:
        assert gathered(spec(), job, None, metrics, lambda: tmp_path) is not None
        return
    with pytest.raises(GateUndecided, match=said):
        gathered(spec(), job, None, metrics, lambda: tmp_path)
    assert gathered(spec(confidence=None), job, None, metrics, lambda: tmp_path) is None


def test_rows_that_the_channel_does_not_hold_stop_the_gate(tmp_path):
    channel = table(tmp_path / "holdout", user=["u"] * 31)
    said = valued(np.zeros(40), 40)
    with pytest.raises(GateUndecided, match="10 of 40 rows are not in the held-out channel"):
        gathered(
            spec("user"),
            kept(tmp_path / "job", said),
            None,
            {"candidate": measured(said)},
            lambda: channel,
        )


def other(said, **changed):
    return type(said)(**{**vars(said), **changed})


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (
            other(SAID, rows=np.asarray([f"x{n}" for n in range(30)])),
            "0 of 30 rows are called alike",
        ),
        (other(SAID, labels=SAID.labels + 1), "a row has another label"),
        (classed([True] * 30), "its task is classification, not regression"),
    ],
)
def test_a_champion_whose_answers_do_not_fit_is_not_paired_and_that_is_said(champion, said):
    made = side_by_side(SAID, champion)
    assert "champion" not in made.sides
    assert said in made.missing["champion"]


def test_a_champion_whose_answers_are_not_what_it_measured_is_not_paired():
    metrics = {"candidate": measured(SAID), "champion": {"mae": 0.1}}
    made = evidence_of(SAID, valued(OFF * 2, 30), metrics)
    assert "its job measured 0.1" in made.missing["champion"]


def test_a_candidate_whose_answers_are_not_what_was_measured_is_refused():
    with pytest.raises(Unpaired, match="its job measured 7"):
        evidence_of(SAID, None, {"candidate": {"mae": 7.0}})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"task": "os"}, "a task 'os', which there is not"),
        ({"labels": np.asarray(["x"] * 30)}, "labels are none of regression"),
        ({"predicted": np.zeros((30, 2))}, "they cannot be measured"),
        ({"task": "classification"}, "they cannot be measured"),
    ],
)
def test_answers_that_are_not_of_their_task_are_refused(changed, said):
    with pytest.raises(Unpaired, match=said):
        evidence_of(other(SAID, **changed), None, {"candidate": {"mae": 7.0}})
