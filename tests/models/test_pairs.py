"""Acts become rows of users, requests become tensors, and what does not fit is refused."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.family import misfit
from models.runtime.input import InvalidFeature
from models.runtime.inputs.pairs import ACTS, InteractionPairs
from models.runtime.rankings.catalogue import item_features
from models.runtime.rankings.history import TakenUp
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.split import ChannelColumn
from models.runtime.tables.cells import BadInput
from models.runtime.tasks.ranking import Ranking

COLUMNS = (
    ChannelColumn("id", "string", required=True, key=True),
    ChannelColumn("who", "string", required=True),
    ChannelColumn("what", "string", required=True),
    ChannelColumn("did", "string", required=True, values=("view", "book", "dismiss")),
    ChannelColumn("on", "date", required=True),
    ChannelColumn("guest.town", "string"),
    ChannelColumn("guest.age", "number"),
    ChannelColumn("cuisine", "string"),
    ChannelColumn("stars", "number"),
    ChannelColumn("rank", "integer"),
)
ROLES = {"who": "user", "on": "time", "did": "event", "guest": "user_attribute",
         "cuisine": "item_attribute", "stars": "weight"}  # fmt: skip
GIVEN = {"event_weights": "view=1,book=5,dismiss=0", "k": "2", "most": "4"}
ACTS_OF = [
    ("b", "pub", "view", date(2026, 1, 3), None, 30.0, "irish", None),
    ("a", "inn", "book", date(2026, 1, 2), "york", None, "french", 2.0),
    ("b", "bar", "view", date(2026, 1, 1), "bath", 29.0, None, 1.0),
    ("a", "bar", "dismiss", date(2026, 1, 1), "york", None, "thai", 1.0),
    ("b", "pub", "book", date(2026, 1, 2), "hull", None, "irish", 1.0),
    ("c", "inn", "dismiss", date(2026, 1, 2), "hull", None, "irish", 1.0),
    ("a", None, "view", date(2026, 1, 2), "hull", None, "irish", 1.0),
]


@pytest.fixture
def channel(tmp_path):
    names = ("who", "what", "did", "on", "guest.town", "guest.age", "cuisine", "stars")
    columns = dict(zip(names, map(list, zip(*ACTS_OF, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "part.parquet")
    return tmp_path


def schema(roles=ROLES, **given):
    chosen = Hyperparameters({**GIVEN, **given})
    return InteractionPairs.schema(COLUMNS, "what", roles, chosen)


@pytest.fixture
def fitted(channel):
    source = InteractionPairs(schema())
    ids, inputs, labels = source.read(channel, "what")
    return InteractionPairs(source.fit(inputs, None, Hyperparameters({}))), ids, inputs, labels


def test_a_row_is_a_user_with_his_acts_in_order_of_time(fitted):
    _, ids, inputs, labels = fitted
    assert ids.tolist() == ["a", "b"]
    assert labels == [["inn"], ["bar", "pub", "pub"]]
    assert [act.weights.tolist() for act in inputs[ACTS]] == [[10.0], [1.0, 5.0, 1.0]]
    assert inputs[ACTS][1].days.tolist() == [20454, 20455, 20456]
    assert inputs[ACTS][1].attributes["cuisine"].tolist() == ["", "irish", "irish"]


def test_the_last_known_attribute_counts(fitted):
    _, _, inputs, _ = fitted
    assert inputs["guest.town"].tolist() == ["york", "hull"]
    assert inputs["guest.age"][1] == 30
    assert np.isnan(inputs["guest.age"][0])


def test_the_signature_is_named_and_typed(fitted):
    source, *_ = fitted
    told = {t.name: (t.shape[1:], t.dtype, t.vocabulary) for t in source.tensors}
    width = source.spec["width"]
    assert told == {
        "user": ((1,), "int32", 3),
        "features": ((width,), "float32", 0),
        "k": ((1,), "int32", 0),
        "exclude_seen": ((1,), "int32", 0),
    }
    tensors = source.transform(source.decode([source.example()]))
    for tensor in source.tensors:
        assert tensors[tensor.name].shape == tensor.shape
        assert tensors[tensor.name].dtype == tensor.dtype


def test_what_a_channel_says_is_what_a_client_would_send(fitted):
    source, _, inputs, _ = fitted
    sent = source.decode(source.instances(inputs))
    for name, values in source.transform(inputs).items():
        np.testing.assert_array_equal(source.transform(sent)[name], values)


def test_a_stranger_is_number_0_and_keeps_his_attributes(fitted):
    source, *_ = fitted
    known, new = source.transform(
        source.decode([{"who": "a", "guest": {"town": "bath"}}, {"who": "z", "guest.town": "bath"}])
    )["user"][:, 0]
    assert (known, new) == (1, 0)
    features = source.transform(
        source.decode([{"who": "z", "guest.town": "hull"}, {"who": "z", "guest.town": "york"}])
    )["features"]
    assert (features[0] != features[1]).any()


def test_how_many_and_whether_known_ones_are_left_out_is_asked_by_the_client(fitted):
    source, *_ = fitted
    asked = source.decode([{"who": "a"}, {"who": "a", "k": 4, "exclude_seen": True}])
    assert asked["k"].tolist() == [2, 4]
    assert asked["exclude_seen"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        ({"who": "a", "k": 5}, "instance 0: 'k' is 5; ask for 1 to 4 items"),
        ({"who": "a", "k": 0}, "'k' is 0"),
        ({"who": "a", "k": 1.5}, "'k' is 1.5"),
        ({"who": "a", "k": True}, "column 'k' is True, no number"),
        ({"who": "a", "exclude_seen": 1}, "'exclude_seen' is 1, neither true nor false"),
        ({"who": 7}, "column 'who' is 7, no text"),
        ({"k": 2}, "column 'who' is missing"),
        ({"who": "a", "guest.age": "old"}, "column 'guest.age' is 'old', no number"),
        ([], "expected an object"),
    ],
)
def test_a_request_that_cannot_be_read_is_named(fitted, instance, message):
    source, *_ = fitted
    with pytest.raises(BadInput, match=message):
        source.decode([instance])


@pytest.mark.parametrize(
    ("roles", "given", "message"),
    [
        ({}, {}, "0 columns have the role user; give it to one column, like user_id: user"),
        ({"who": "user", "id": "user"}, {}, "2 columns have the role user"),
        ({**ROLES, "rank": "number"}, {}, "rank: number is none of drop, event"),
        ({**ROLES, "gone": "drop"}, {}, "gone is no column of the contract"),
        ({**ROLES, "what": "item_attribute"}, {}, "what is the label, the item"),
        ({**ROLES, "on": "weight"}, {}, "on is date; a column of the role weight is number"),
        (ROLES, {"event_weights": ""}, "event_weights lacks book, dismiss, view"),
        (ROLES, {"event_weights": "view=1,book=1"}, "event_weights lacks dismiss: give every"),
        (ROLES, {"event_weights": GIVEN["event_weights"] + ",fly=2"}, "names fly, which did never"),
        (ROLES, {"event_weights": "view=-1"}, "'view=-1' is no name=weight with a weight of 0"),
        ({"who": "user"}, {}, "no column has the role event; name it in data.features"),
    ],
)
def test_roles_and_weights_that_do_not_fit_are_refused(roles, given, message):
    with pytest.raises(InvalidFeature, match=message):
        schema(roles, **given)
    with pytest.raises(InvalidHyperparameter, match="k=9 and most=4"):
        schema(k="9")


def test_users_without_attributes_need_none(channel):
    roles = {"who": "user", "did": "event"}
    source = InteractionPairs(schema(roles))
    ids, inputs, labels = source.read(channel, "what")
    assert (ids.tolist(), labels[1]) == (["a", "b"], ["pub", "bar", "pub"])
    ready = InteractionPairs(source.fit(inputs, None, Hyperparameters({})))
    assert [tensor.name for tensor in ready.tensors] == ["user", "k", "exclude_seen"]
    assert ready.example() == {"who": "a", "k": 2}
    with pytest.raises(InvalidFeature, match="no column is a user_attribute"):
        source.fit(inputs, lambda *_: [], Hyperparameters({}))


def test_an_item_is_told_by_its_last_known_attributes():
    acts = TakenUp(np.asarray([1, 1, 2]), np.asarray([2, 1, 2]), np.asarray([9, 5, 3]), np.ones(3))
    cells = [np.asarray(["", "bar"], dtype=object), np.asarray(["inn"], dtype=object)]
    features = item_features(acts, [{"kind": values} for values in cells], 2)
    same = item_features(
        acts, [{"kind": np.asarray(["inn", "bar"], object)}, {"kind": cells[1]}], 2
    )
    np.testing.assert_array_equal(features, same)
    assert (features[0] != features[1]).any()


def test_the_plain_model_foresees_what_the_likes_of_a_user_take():
    """Two crowds of each ten users; the last of each lacks what the others of his crowd take."""
    crowds = [["a", "b", "c"], ["x", "y", "z"]]
    labels = Ranking.labels([crowd for crowd in crowds for _ in range(9)] + [["a", "b"], ["y"]])
    task = Ranking(Ranking.describe(labels, "what", Hyperparameters({"k": "1", "most": "3"})))
    rows = np.stack([np.arange(1, 21), np.ones(20)], axis=1).astype(float)
    asked = np.asarray([[19.0, 1.0], [20.0, 1.0], [0.0, 1.0], [19.0, 0.0]])
    raw = task.plain(rows, task.targets(labels), asked)
    first = task.columns(task.predicted(raw))["prediction"]
    assert first[0] == ["c"]
    assert first[1][0] in {"x", "z"}
    assert first[2][0] in {"a", "b", "y"}, "a stranger gets what most take"
    assert first[3][0] in {"a", "b"}, "what is known is not left out where nobody asks for it"


def test_errors_are_1_without_a_hit_and_the_residual_is_overconfidence():
    labels = Ranking.labels([["a"], ["b", "new"], None])
    task = Ranking({"items": ["a", "b"], "k": 2, "most": 2})
    predicted = task.predicted(
        {"items": np.asarray([[1, 2], [1, 0], [2, 1]]), "scores": np.asarray([[0.75, 0.25]] * 3)}
    )
    found = task.errors(labels, predicted)
    assert found["error"][:2].tolist() == [0.0, 1.0]
    assert found["residual"][:2].tolist() == [0.0, 0.75]
    assert np.isnan(found["error"][2])
    assert found["score"].tolist() == [0.75] * 3
    assert task.score_of(task.answers(predicted)[0]) == 0.75
    assert [task.score_of(answer) for answer in ({"items": []}, [1], {"items": ["a"]})] == [
        0.0, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (("ranking", "pairs", "two-towers"), ""),
        (("regression", "tabular", "sklearn"), ""),
        (("ranking", "tabular", "keras"), "the task 'ranking' does not go with the input 'tabular' "
         "and the backend 'keras'; write task: ranking, input: pairs, backend: two-towers"),
        (("regression", "pairs", "two-towers"), "the input 'pairs' does not go with the task"),
        (("regression", "tabular", "two-towers"), "the backend 'two-towers' does not go with the "),
    ],
)  # fmt: skip
def test_parts_that_do_not_go_together_are_told_with_those_that_do(family, message):
    said = misfit(*family)
    assert said.startswith(message) if message else said == ""
