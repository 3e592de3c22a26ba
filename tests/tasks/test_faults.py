"""What pydantic finds wrong with a document is said in words that tell its author what to do."""

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidModelSpec
from tasks.faults import faults_of, meant
from tasks.model_spec import ModelSpec, load_model_spec
from tests.tasks.test_model_spec import GOOD, write

ENTRY = "{metric: mae, at_most: 1}"


def said(tmp_path, old, new):
    """The faults of a good file with one change."""
    assert old in GOOD
    write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InvalidModelSpec) as raised:
        load_model_spec("demo", tmp_path)
    return raised.value.what.split("does not describe a model: ")[1].removesuffix(".")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # A fault of the whole file says nothing but itself.
        (ENTRY, "{metric: accuracy, at_least: 0}", "gates: accuracy is not measured for "
         "regression; its metrics are abs_bias, bias, mae, mape, median_ae, r2, rmse"),
        ("task: regression", "task: magic", "family: task: 'magic' is none of classification, "
         "detection, multi-label, probability, ranking, regression"),
        # Entries that are wrong are no entries that are missing.
        (ENTRY, "{metric: mae}", "gates.0: gate on 'mae' has no bound"),
        (f"[{ENTRY}]", "[]", "gates: asks for 1 entry at least (got [])"),
        (f"[{ENTRY}]", ENTRY, "gates: asks for a list, a `-` before each entry (got "
         "{'metric': 'mae', 'at_most': 1})"),
        # A key that is no text.
        ("label: price", "label: price, features: {5: drop}", "data.features: the key 5 is no "
         "text; quote it, like '5'"),
        # One line for a value, whatever it might have been.
        ("owner:", "training: {hyperparameters: {epochs: [1, 2], seed: null}}\nowner:",
         "training.hyperparameters.epochs: asks for a text or a number or true or false (got "
         "[1, 2]); training.hyperparameters.seed: asks for a text or a number or true or false "
         "(got None)"),
        # Keys that there are none of.
        ("owner:", "serving: {autoscaling: {min: 1, max: 2}}\nowner:",
         "serving.autoscaling.min: no such key; perhaps min_instances is meant; "
         "serving.autoscaling.max: no such key; perhaps max_instances is meant"),
        ("at_most: 1", "at_mots: 1", "gates.0.at_mots: no such key; perhaps at_most or at_least is "
         "meant"),
        ("owner:", "relase: {}\nowner:", "relase: no such key; perhaps release is meant"),
        ("owner:", "trial: {colour: 1}\nowner:", "trial.colour: no such key; there are requests, "
         "error_share, p95_ms, memory_mb, cold_start_seconds"),
        ("owner: somebody\n", "", "owner: is missing"),
        ("owner: somebody", "owner: 5", "owner: Input should be a valid string (got 5)"),
        ("owner:", "trial: 5\nowner:", "trial: asks for keys with their values, `key: value` "
         "(got 5)"),
        ("owner:", "behaviour: [{change: multiply, expect: same}]\nowner:",
         "behaviour.0: change multiply: say the column"),
        ("owner:", "training: {metrics: [{name: a, regex: '('}]}\nowner:",
         "training.metrics.0.regex: is no regular expression: missing ), unterminated subpattern "
         "at position 0 (got '(')"),
    ],
)  # fmt: skip
def test_a_fault_names_the_key_the_value_and_what_to_write(tmp_path, old, new, fault):
    assert said(tmp_path, old, new) == fault


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (["a"], "file: asks for keys with their values, `key: value` (got ['a'])"),
        (
            {"data": {"dataset": "sales", "label": "price", "features": {True: "drop"}}},
            "data.features: the key True is no text; YAML reads a bare on, off, yes or no as true "
            "or false: quote it, like 'on'",
        ),
        (
            {"release": {"approval": True}},
            "release.approval: Input should be 'none', 'before_canary' or 'before_promotion' (got "
            "True; YAML reads a bare on, off, yes or no as true or false: quote it)",
        ),
    ],
)
def test_what_yaml_reads_otherwise_than_its_author_is_explained(document, fault):
    with pytest.raises(ValidationError) as raised:
        ModelSpec.model_validate(document)
    assert fault in faults_of(raised.value, ModelSpec)


def test_keys_that_are_near_are_named_first_and_no_more_than_three():
    there = ("min_rows", "min_days", "min_users", "min_items", "other")
    assert meant("min", there) == "perhaps min_rows or min_days or min_users is meant"
    assert meant("othre", there) == "perhaps other is meant"
    assert meant("x", ()) == "there are none"
