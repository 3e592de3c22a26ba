"""One column of text: chosen from a contract, read, decoded, and told apart by its words."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.input import InvalidFeature
from models.runtime.inputs.text import Text
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.split import ChannelColumn, NoData
from models.runtime.tables.cells import BadInput
from tests.models.trained import columns_text

NOTHING = Hyperparameters({})
REVIEWS = [ChannelColumn(**c) for c in json.loads(columns_text("reviews"))["columns"]]
TEXTS = np.array(["Good soup.", "The soup was not good, not at all", "Bad"], dtype=object)


def schema(columns=REVIEWS, label="label", hyperparameters=None, **features):
    return Text.schema(columns, label, features, Hyperparameters(hyperparameters or {}))


def fitted(**hyperparameters):
    begun = schema(hyperparameters={"words": 6, "buckets": 50, **hyperparameters})
    return Text(json.loads(json.dumps(Text(begun).fit({"text": TEXTS}, None, NOTHING))))


def test_the_contract_tells_which_column_is_the_text():
    assert schema()["columns"] == [{"name": "text", "type": "text", "required": True}]


def column(name, **more):
    return ChannelColumn(name, **{"type": "string", **more})


@pytest.mark.parametrize(
    ("columns", "features", "chosen"),
    [
        ([column("id", key=True), column("said")], {}, "said"),
        ([column("size", type="number"), column("said")], {}, "said"),
        ([column("kind", values=("a", "b")), column("said")], {}, "said"),
        ([column("title", kind="text"), column("said")], {}, "title"),
        ([column("title", kind="text"), column("said")], {"said": "text"}, "said"),
        ([column("title", kind="text"), column("said", kind="text")], {"title": "drop"}, "said"),
    ],
)
def test_the_text_is_what_model_yaml_says_else_the_contract_else_what_is_left(
    columns, features, chosen
):
    found = schema([*columns, column("label")], **features)
    assert [c["name"] for c in found["columns"]] == [chosen]


@pytest.mark.parametrize(
    ("columns", "features", "said"),
    [
        ([column("a"), column("b")], {}, "a, b are some; let data.features say `text`"),
        ([column("n", type="number")], {}, "no column of text is left that label"),
        ([column("a")], {"a": "log"}, "a: log is none of drop, text"),
        ([column("n", type="number"), column("a")], {"n": "text"}, "n is no column of text"),
        ([column("a")], {"label": "text"}, "label is the label"),
    ],
)
def test_what_cannot_be_chosen_is_told(columns, features, said):
    with pytest.raises(InvalidFeature, match=said):
        Text.schema([*columns, column("label")], "label", features, NOTHING)


@pytest.mark.parametrize(
    ("bad", "kind", "said"),
    [
        ({"grams": "2,2"}, InvalidFeature, r"training\.hyperparameters: .*grams"),
        ({"grams": "0"}, InvalidHyperparameter, r"grams=.0.: it must be at least 1"),
        ({"buckets": "0"}, InvalidHyperparameter, r"buckets=.0.: it must be at least 1"),
    ],
)
def test_hyperparameters_that_mean_nothing_are_told(bad, kind, said):
    with pytest.raises(kind, match=said):
        Text.schema([column("a"), column("label")], "label", {}, Hyperparameters(bad))


def test_the_tensors_are_named_and_typed_with_their_vocabulary():
    assert [tensor.to_json() for tensor in fitted().tensors] == [
        {"name": "words", "shape": [1, 6], "dtype": "int32", "vocabulary": 51},
        {"name": "pairs", "shape": [1, 5], "dtype": "int32", "vocabulary": 51},
    ]


def test_a_request_is_prepared_as_the_training_rows_were():
    source = fitted()
    rows = source.transform({"text": TEXTS})["words"]
    assert rows.dtype == np.int32
    asked = source.decode(source.instances({"text": TEXTS}))
    np.testing.assert_array_equal(source.transform(asked)["words"], rows)
    assert source.example() == {"text": "Good soup."}


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        (5, "instance 0: expected an object"),
        ({}, "instance 0: column 'text' is missing"),
        ({"text": 5}, "instance 0: column 'text' is 5, no text"),
        ({"text": ["a"]}, "no text"),
        ({"text": "a" * 100_001}, "of 100001 characters"),
    ],
)
def test_what_is_no_text_is_the_clients_fault(instance, said):
    with pytest.raises(BadInput, match=said):
        fitted().decode([instance])


def test_an_empty_text_is_one():
    source = fitted()
    assert not source.transform(source.decode([{"text": ""}]))["words"].any()
    demanding = source.without_demands(source.spec)
    assert Text(demanding).decode([{}])["text"].tolist() == [""]


def test_a_channel_is_read(tmp_path):
    told = pa.table({"domain": ["movie", "movie"], "row": [1, 2], "text": ["a", None],
                     "label": [1, 0]})  # fmt: skip
    pq.write_table(told, tmp_path / "part.parquet")
    ids, inputs, labels = fitted().read(tmp_path, "label")
    assert (len(set(ids)), inputs["text"].tolist(), labels) == (2, ["a", ""], [1, 0])
    with pytest.raises(NoData, match="lacks the columns"):
        fitted().read(tmp_path, "stars")


def test_a_plain_model_knows_the_words_and_not_their_order():
    source = fitted()
    plain = source.plain({"text": np.array(["not good but bad", "bad but not good"], object)})
    np.testing.assert_array_equal(plain[0], plain[1])


def test_features_of_a_model_py_are_refused():
    with pytest.raises(InvalidFeature, match="learned from its words"):
        Text(schema()).fit({"text": TEXTS}, lambda *_: [], NOTHING)
