"""What every task must hold to, and what each measures."""

import json

import numpy as np
import pytest

from models.runtime.family import names_of, plug_in
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.task import Unlabelled, UnreadableAnswer
from tests.models.labels import labels_of

NAMES = names_of("tasks")
VALUES = {
    "regression": [100.0, 250.0, 90.0, 400.0, 130.0, 60.0],
    "classification": ["bath", "hall", "bath", "attic", "hall", "bath"],
    "multi-label": [["pool"], ["view", "pool"], [], ["view"], ["garden"], ["pool"]],
    "probability": [False, True, False, False, 1, 0],
    "detection": [
        [{"label": "pool", "box": [0.1, 0.1, 0.5, 0.4]}],
        [{"label": "door", "box": [0.6, 0.5, 0.7, 0.9]}, {"label": "pool", "box": [0, 0, 1, 0.5]}],
        [],
        [{"label": "door", "box": [0.2, 0.2, 0.3, 0.6]}],
        [{"label": "gate", "box": [0.5, 0.5, 0.9, 1]}],
        [{"label": "pool", "box": [0.1, 0.6, 0.4, 0.9]}],
    ],
    "ranking": [["thai"], ["bar", "thai"], ["inn"], "bar", ["inn", "inn"], ["pub"]],
}
"""Columns of labels whose answers some tests here spell out; those of other tasks are made."""
POOL = {"label": "pool", "box": [0.0, 0.0, 1.0, 0.5]}


def labels_column(name):
    return VALUES.get(name) or labels_of(name, 6)


def fitted(name, values=None, **hyperparameters):
    task = plug_in("tasks", name)
    labels = task.labels(values or labels_column(name))
    return task(task.describe(labels, "told", Hyperparameters(hyperparameters))), labels


def raw(task, rows, seed=0):
    """What a graph could answer."""
    if task.objective == "sampled_softmax":
        draw = np.random.default_rng(seed)
        items, scores = (np.zeros((rows, task.most)) for _ in range(2))
        for row in range(rows):
            items[row, :3] = 1 + draw.permutation(len(task.items))[:3]
            scores[row, :3] = np.sort(draw.uniform(size=3))[::-1]
        return {"items": items.astype(np.int32), "scores": scores.astype(np.float32)}
    (tensor,) = task.outputs
    answer = np.random.default_rng(seed).uniform(0.05, 0.95, (rows, *tensor.shape[1:]))
    if task.activation == "softmax":
        answer /= answer.sum(axis=1, keepdims=True)
    return {tensor.name: answer.astype(np.float32)}


@pytest.mark.parametrize("name", NAMES)
def test_a_task_reads_the_answers_that_it_gives(name):
    task, _ = fitted(name)
    predicted = task.predicted(raw(task, 6))
    answers = json.loads(json.dumps(task.answers(predicted)))
    np.testing.assert_allclose(task.read(answers), predicted)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_measures_exactly_what_it_declares(name):
    task, labels = fitted(name)
    measured = task.measure(labels, task.predicted(raw(task, 6)))
    assert set(measured) == set(task.metrics)
    assert all(np.isfinite(value) for value in measured.values())
    assert task.tracked in measured
    for gate in task.first_gates:
        assert gate.split(",")[0].removeprefix("metric: ") in task.metrics


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_a_finite_score_and_only_labelled_rows_an_error(name):
    task, _ = fitted(name)
    labels = task.labels([*labels_column(name)[:5], None])
    predicted = task.predicted(raw(task, 6))
    assert np.isfinite(task.scores(predicted)).all()
    found = task.errors(labels, predicted)
    for column in ("residual", "error"):
        assert np.isfinite(found[column][:5]).all()
        assert np.isnan(found[column][5])
    assert np.isfinite(found["score"]).all()
    assert task.labelled(labels).tolist() == [True] * 5 + [False]
    assert all(len(column) == 6 for column in task.columns(predicted).values())


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_shares_where_the_task_says_what_the_rest_is(name):
    task, labels = fitted(name)
    predicted = task.predicted(raw(task, 6))
    errors = task.errors(labels, predicted)["error"]
    if not task.right_share:
        return
    assert ((errors >= 0) & (errors <= 1)).all()
    if task.right_share == "Accuracy":
        measured = task.measure(labels, predicted)["accuracy"]
        assert 1 - errors.mean() == pytest.approx(measured)


@pytest.mark.parametrize("name", NAMES)
def test_targets_have_the_shape_that_the_graph_answers(name):
    task, labels = fitted(name)
    targets = task.targets(labels)
    if task.objective == "sampled_softmax":
        assert targets.shape == (6, 2)
        assert targets.max() == len(task.items)
        return
    (tensor,) = task.outputs
    if task.objective == "cross_entropy":
        assert targets.shape == (6,)
        assert targets.max() < tensor.shape[1]
    elif task.objective == "centre_points":
        # One channel more says which cells hold a centre.
        assert targets.shape == (6, *tensor.shape[1:-1], tensor.shape[-1] + 1)
    else:
        assert targets.shape == (6, tensor.shape[1])


def test_a_numbers_residual_is_its_logarithmic_error_where_it_learns_logarithms():
    task, _ = fitted("regression", label_transform="log")
    found = task.errors(np.asarray([110.0, np.nan]), np.asarray([100.0, 50.0]))
    assert found["residual"][0] == pytest.approx(np.log(1.1))
    assert found["score"].tolist() == [100.0, 50.0]
    plain, labels = fitted("regression", label_transform="none")
    found = plain.errors(labels, labels + labels.std())
    np.testing.assert_allclose(found["residual"], -1)


def test_a_classes_residual_is_its_overconfidence():
    task, _ = fitted("classification", values=["bath", "hall"])
    labels = task.labels(["bath", "hall", None])
    found = task.errors(labels, np.asarray([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    assert found["residual"][:2] == pytest.approx([-0.1, 0.8])
    assert found["error"][:2].tolist() == [0.0, 1.0]
    assert np.isnan(found["error"][2])
    assert found["score"] == pytest.approx([0.9, 0.8, 0.7])


def test_answers_carry_the_threshold_of_the_model():
    task, _ = fitted("classification", values=["a", "b"], confidence_threshold="0.8")
    chances = task.predicted({"prediction": np.asarray([[0.1, 0.9], [0.7, 0.3]], np.float32)})
    sure, unsure = task.answers(chances)
    assert (sure["label"], sure["confident"]) == ("b", True)
    assert (unsure["label"], unsure["confident"]) == ("a", False)
    assert task.scores(chances) == pytest.approx([1.9, 0.7])
    several, _ = fitted("multi-label", threshold="0.6")
    (answer,) = several.answers(np.asarray([[0.7, 0.59, 0.6]]))
    assert answer["labels"] == ["garden", "view"]


def test_prices_come_back_in_dollars():
    task, _ = fitted("regression", label_transform="log")
    output = task.output
    logged = (np.log(500_000.0) - output["offset"]) / output["scale"]
    (price,) = task.answers(task.predicted({"prediction": np.asarray([[logged]], np.float32)}))
    assert price == pytest.approx(500_000, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "answers", "message"),
    [
        ("regression", ["dear"], "answer 0 is 'dear', no number"),
        ("regression", [1.0, True], "answer 1 is True, no number"),
        ("classification", ["cellar"], "answer 0 is 'cellar'"),
        ("classification", [[0.9, 0.9, 0.9]], "not 3 chances that add up to one"),
        ("classification", [[0.5, 0.5]], "not 3 chances"),
        ("multi-label", [[0.5, 2.0, 0.1]], "not 3 chances from 0 to 1"),
        ("multi-label", [7], "not 3 chances"),
        ("probability", [0.5, 1.5], "answer 1 is 1.5, no chance from 0 to 1"),
        ("probability", ["likely"], "answer 0 is 'likely', no chance"),
        ("probability", [{"scores": [0.5, 0.5]}], "no chance"),
        ("probability", [float("nan")], "answer 0 is nan, no chance"),
        ("detection", ["pool"], "answer 0 is 'pool', no list of objects"),
        ("detection", [[{"label": "cat", "box": [0, 0, 1, 1]}]], "no label of door, gate, pool"),
        ("detection", [[POOL | {"confidence": 1.5}]], "a confidence from 0 to 1"),
        ("detection", [[POOL | {"box": [0, 0, 1.1, 1]}]], "leaves the photo"),
        ("detection", [[POOL | {"box": [0.5, 0, 0.5, 1]}]], r"answer 0: box .* is empty"),
        ("detection", [[POOL | {"box": [0, 0, 1, float("nan")]}]], "not four numbers"),
        ("detection", [[POOL] * 21], "it has 21 objects; most_objects allows 20"),
        ("ranking", [["thai"], "thai"], "answer 1 is 'thai', no list of items"),
        ("ranking", [["thai", "gone"]], "answer 0 has 'gone' on place 2, no item of the catalogue"),
        ("ranking", [{"items": [{"item": "pub", "score": "high"}]}], "on place 1, no item"),
        ("ranking", [["pub"] * 101], "answer 0 has 101 items; at most 100"),
    ],
)
def test_an_answer_that_is_none_of_the_tasks_is_named(name, answers, message):
    task, _ = fitted(name)
    with pytest.raises(UnreadableAnswer, match=message):
        task.read(answers)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("hall", [0, 0, 1]),
        ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
        ({"bath": 1.0}, [0, 1, 0]),
        ({"label": "hall", "scores": [0.1, 0.1, 0.8]}, [0.1, 0.1, 0.8]),
        ({"prediction": "attic"}, [1, 0, 0]),
    ],
)
def test_classes_are_read_as_programs_answer_them(answer, expected):
    task, _ = fitted("classification")
    assert task.read([answer])[0].tolist() == expected


def test_labels_that_nothing_can_be_learned_from_are_refused():
    with pytest.raises(Unlabelled, match="has 1 classes"):
        fitted("classification", values=["a", "a"])
    with pytest.raises(Unlabelled, match="needs labels above 0"):
        fitted("regression", values=[0.0, 1.0], label_transform="log")
    with pytest.raises(Unlabelled, match="has 0 labels"):
        fitted("multi-label", values=[[], []])
    with pytest.raises(Unlabelled, match="has 0 classes of objects"):
        fitted("detection", values=[[], []])
    with pytest.raises(Unlabelled, match=r"row 1: box \[0, 0, 2, 1\] leaves the photo"):
        fitted("detection", values=[[POOL], [POOL | {"box": [0, 0, 2, 1]}]])
    with pytest.raises(
        InvalidHyperparameter, match=r"grid=.1.: it must be at least 2 and at most 256"
    ):
        fitted("detection", grid="1")
    with pytest.raises(Unlabelled, match="told holds 2; the chance"):
        fitted("probability", values=[0, 1, 2])
    with pytest.raises(Unlabelled, match="told is 0 in all of the 2 training rows"):
        fitted("probability", values=[False, False])
    with pytest.raises(Unlabelled, match="told has 1 items"):
        fitted("ranking", values=[["a"], ["a"]])
    with pytest.raises(InvalidHyperparameter, match="k=11 and most=10"):
        fitted("ranking", k="11", most="10")
    with pytest.raises(InvalidHyperparameter, match="label_transform='cube'"):
        fitted("regression", label_transform="cube")


@pytest.mark.parametrize(
    ("values", "transform"),
    [([1.0, 2.0, 3.0], "none"), ([1.0, 2.0, 4.0, 9.0, 200.0], "exp"), ([-1.0, 5.0, 900.0], "none")],
)
def test_a_heavy_tail_of_positive_labels_is_learned_on_a_logarithm(values, transform):
    task, _ = fitted("regression", values=values)
    assert task.output["transform"] == transform


def test_labels_are_read_as_good_rows_hold_them():
    _, labels = fitted("multi-label", values=['["pool", "view"]', "[]", ["pool"], None])
    assert list(labels) == [("pool", "view"), (), ("pool",), None]


def test_what_was_taken_up_is_read_as_channels_and_as_files_of_answers_hold_it():
    labels = plug_in("tasks", "ranking").labels([["a", "b"], '["b", "c"]', "[c", None, []])
    assert list(labels) == [("a", "b"), ("b", "c"), ("[c",), None, ()]


def test_objects_are_told_with_a_box_and_whether_they_are_sure():
    task, _ = fitted("detection", confidence_threshold="0.6", most_objects="3")
    said = [
        [POOL | {"confidence": 0.7}, {"label": "door", "box": [0, 0, 0.1, 0.1], "confidence": 0.5}],
        [],
    ]
    predicted = task.read(said)
    assert task.answers(predicted)[0]["objects"][0] == POOL | {"confidence": 0.7, "confident": True}
    assert [entry["confident"] for entry in task.answers(predicted)[0]["objects"]] == [True, False]
    assert task.columns(predicted)["prediction"][0][0]["label"] == "pool"
    assert task.scores(predicted).tolist() == pytest.approx([1.2, 0])
    assert [task.score_of(answer) for answer in said] == pytest.approx([1.2, 0])
    assert task.score_of({"objects": [{"label": "pool"}]}) is None
    # A pool and a strange thing: the pool is found, the strange thing can only be missed.
    there = task.labels([[POOL, {"label": "moat", "box": [0, 0, 1, 1]}], []])
    found = task.errors(there, predicted)
    assert found["error"].tolist() == pytest.approx([1 - 2 / 3, 0])
    assert found["residual"].tolist() == pytest.approx([1.2 - 2, 0])
    with pytest.raises(ValueError, match=r"\['moat'\] are not among the classes"):
        task.targets(there)
    assert task.labels(["[]", None, json.dumps([POOL])]).tolist() == [(), None, (POOL,)]


def test_a_plain_detector_says_what_like_photos_show():
    task, _ = fitted("detection", grid="8")
    rows = np.repeat(np.arange(3.0), 8)[:, None]
    alike = np.repeat(task.labels([VALUES["detection"][n] for n in (0, 1, 2)]), 8)
    told = task.predicted(task.plain(rows, task.targets(alike), np.asarray([[0.0], [1.0], [2.0]])))
    assert task.measure(alike[::8], told)["map50"] == 1


def test_a_boxs_confidence_is_brought_to_the_share_that_is_right():
    task, _ = fitted("detection")
    wrong = [{"label": "door", "box": [0.2, 0.2, 0.3, 0.6], "confidence": 0.5}]
    labels = task.labels([[POOL]] * 60 + [[]] * 90)
    said = task.read([[POOL | {"confidence": 0.5}]] * 30 + [wrong] * 30 + [[]] * 90)
    assert task.calibration(labels[:9], said[:9]) is None
    line = task.calibration(labels, task.read([[POOL | {"confidence": 0.6}]] * 60 + [wrong] * 90))
    assert line["rows"] == 150
    calibrated = type(task)({**task.output, "calibration": line})
    maps = task.targets(task.labels([[POOL]]))[..., :-1] * 0.6
    maps[..., 3:] /= 0.6
    assert calibrated.scores(calibrated.predicted({"prediction": maps}))[0] > 0.9


def test_whole_numbers_are_classes_by_their_digits():
    task, labels = fitted("classification", values=[1.0, 0, 1])
    assert task.classes == ["0", "1"]
    assert labels.tolist() == ["1", "0", "1"]


def test_labels_of_a_class_that_was_never_seen_are_named():
    task, _ = fitted("classification")
    with pytest.raises(ValueError, match=r"\['cellar'\] are not among the classes"):
        task.targets(task.labels(["cellar"]))
    several, _ = fitted("multi-label")
    with pytest.raises(ValueError, match=r"\['moat'\]"):
        several.targets(several.labels([["moat"]]))
    # The monitor goes on: such a label can only be missed.
    found = several.errors(several.labels([["moat"]]), np.zeros((1, 3)))
    assert found["error"][0] == pytest.approx(1 / 3)


def test_class_names_tell_clients_what_the_labels_values_mean():
    task, _ = fitted("classification", [0, 1, 1], class_names="0=negative, 1=positive")
    labels = task.labels([1, 0])
    assert task.targets(labels).tolist() == [1, 0]
    predicted = np.array([[0.1, 0.9], [0.3, 0.7]])
    assert [answer["label"] for answer in task.answers(predicted)] == ["positive", "positive"]
    assert task.columns(predicted)["prediction"] == ["1", "1"]
    assert task.errors(labels, predicted)["error"].tolist() == [0, 1]
    assert task.read(["negative", "1", 0]).argmax(axis=1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("given", ["0=negative", "0=a,1=a", "0=a,1=b,2=c", "negative,positive"])
def test_class_names_that_do_not_name_each_class_are_refused(given):
    with pytest.raises(Unlabelled, match="class_names is"):
        fitted("classification", [0, 1], class_names=given)
