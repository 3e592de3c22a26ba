import re

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidModelSpec, UnknownModel
from tasks.model_spec import known_models, load_model_spec
from tasks.specs.behaviour import BehaviourSpec

GOOD = """
name: demo
family: {task: regression, input: tabular}
owner: somebody
description: A model.
data: {dataset: sales, label: price}
gates: [{metric: mae, at_most: 1}]
"""


TWICE = "{column: a, reason: known beforehand}"


def write(folder, text):
    (folder / "demo").mkdir()
    (folder / "demo" / "model.yaml").write_text(text)


def test_a_good_file_parses_with_the_products_defaults(tmp_path):
    write(tmp_path, GOOD)
    spec = load_model_spec("demo", tmp_path)
    assert (spec.endpoint_name, spec.release.alpha) == ("sluice-demo", 0.01)
    assert known_models(tmp_path) == ("demo",)


def test_data_gates_are_on_and_a_bare_off_switches_one_off(tmp_path):
    write(tmp_path, GOOD + "data_gates: {labels: off, duplicates: {severity: off}, allow: []}\n")
    gates = load_model_spec("demo", tmp_path).data_gates
    assert (gates.labels, gates.duplicates.severity) == ("off", "off")
    assert (gates.leaking_column.severity, gates.label_noise.severity) == ("fail", "warn")


def test_an_unknown_model_names_the_known_ones(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(UnknownModel, match="Use one of demo"):
        load_model_spec("../demo", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("label: price", "lable: price"), "data.lable"),
        (("at_most: 1", "at_mots: 1"), "gates.0.at_mots"),
        (("metric: mae, at_most: 1", "metric: mae"), "has no bound"),
        (("metric: mae", "metric: maee"), "maee is no metric that Sluice measures.*: abs_bias"),
        (("metric: mae", "metric: rows"), "rows is no metric"),
        (("metric: mae", "metric: mae, better: larger"), "mae is better when smaller"),
        (("metric: mae", "metric: pinball, better: bigger"), "gates.0.better"),
        (("mae, at_most: 1", "accuracy, at_most: 1"), "bounds only its better side: the worst"),
        (("mae, at_most: 1", "mae, at_least: 1"), "bounds only its better side: the worst"),
        (("mae, at_most: 1", "bias, at_most: 1"), "bounds only its better side: the worst"),
        (("mae, at_most: 1", "mae, at_least: 2, at_most: 1"), "no mae is at least 2 and at most 1"),
        (("mae, at_most: 1", "r2, no_worse_than_champion: 1"), "losing all of r2 passes"),
        (
            (
                "at_most: 1}",
                "at_most: 1}, {metric: r2, at_least: 0}, {metric: accuracy, at_least: 0}",
            ),
            "accuracy is not measured for regression; its metrics are abs_bias",
        ),
        (("at_most: 1", "at_most: .inf"), "gates.0.at_most"),
        (("at_most: 1", "no_worse_than_champion: .nan"), "gates.0.no_worse_than_champion"),
        (("gates:", "training: {budget_usd: .nan}\ngates:"), "training.budget_usd"),
        (("gates:", "data_gates: {labels: on}\ngates:"), "data_gates.labels"),
        (("gates:", "data_gates: {label_noise: {at_most: 0}}\ngates:"), "label_noise.at_most"),
        (("gates:", "data_gates: {allow: [{column: a}]}\ngates:"), "allow.0.reason"),
        (
            ("gates:", f"data_gates: {{allow: [{TWICE}, {TWICE}]}}\ngates:"),
            "data_gates: .*allow: a column is named twice in a, a",
        ),
        (("name: demo", "name: other"), "its folder is 'demo'"),
        (("family: {task", "family: [{task"), "is not YAML"),
        (("gates:", "release: {ladder: [0.5, 0.1]}\ngates:"), "ladder must climb"),
        ((GOOD, "- a list"), "file: "),
    ],
)
def test_every_fault_is_named(tmp_path, change, said):
    write(tmp_path, GOOD.replace(*change))
    with pytest.raises(InvalidModelSpec, match=said):
        load_model_spec("demo", tmp_path)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("gates: [{metric: mae, at_most: true}]", "gates.0.at_most: .*true or false"),
        ("gates: [{metric: mae, at_most: 1:30}]", "gates.0.at_most: .*'1:30' is text"),
        ("gates: [{metric: mae, at_most: 010}]", "gates.0.at_most: .*'010' is text"),
        ("gates: [{metric: mae, at_most: '5'}]", "gates.0.at_most: .*'5' is text"),
        ("training: {budget_usd: yes}", "training.budget_usd: .*'yes' is text"),
        ("training: {budget_usd: false}", "training.budget_usd: .*False is true or false"),
        ("training: {budget_usd: 1_000}", "training.budget_usd: .*'1_000' is text"),
        ("training: {max_runtime_seconds: 12:00:00}", "training.max_runtime_seconds: .*'12:00:00'"),
        ("training: {hourly_usd: ''}", "training.hourly_usd: .*'' is text"),
        ("release: {ladder: [true, 0.5]}", "release.ladder: .*True is true or false"),
        ("release: {tolerance: {errors: '0.1'}}", "release.tolerance.errors: .*'0.1' is text"),
        ("release: {watch_seconds: 2024-01-01}", "release.watch_seconds: .*'2024-01-01' is text"),
        ("data: {dataset: s, label: p, holdout_days: on}", "data.holdout_days: .*'on' is text"),
    ],
)
def test_a_word_is_no_number_and_neither_is_true_or_false(tmp_path, part, place):
    key = part.partition(":")[0]
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    write(tmp_path, "\n".join([*lines, part]))
    with pytest.raises(InvalidModelSpec, match=place):
        load_model_spec("demo", tmp_path)


def test_numbers_that_were_always_numbers_still_are(tmp_path):
    training = "training: {budget_usd: 5, max_runtime_seconds: 4.32e+4, hyperparameters: {a: 1e-3}}"
    write(tmp_path, f"{GOOD}{training}\nrelease: {{ladder: [0.1, 5e-1], sample_ratio: no}}\n")
    spec = load_model_spec("demo", tmp_path)
    assert (spec.training.budget_usd, spec.training.max_runtime_seconds) == (5.0, 43_200)
    assert spec.training.hyperparameters == {"a": 0.001}
    assert (spec.release.ladder, spec.release.sample_ratio) == ((0.1, 0.5), False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD + "gates: [{metric: mae, at_most: 9}]\n", "gates"),
        (GOOD + "training: {budget_usd: 5, budget_usd: 5000}\n", "budget_usd"),
        (GOOD.replace("at_most: 1", "at_most: 1, at_most: 9"), "at_most"),
        (GOOD + "training:\n  hyperparameters:\n    a: 1\n    'a': 2\n", "a"),
    ],
)
def test_a_key_that_is_named_twice_is_refused_with_its_line(tmp_path, text, key):
    write(tmp_path, text)
    with pytest.raises(InvalidModelSpec, match=rf"'{key}' stands in line \d+ already(?s:.*)line"):
        load_model_spec("demo", tmp_path)


def test_a_metric_of_an_own_program_is_declared_by_its_gate(tmp_path):
    write(tmp_path, GOOD.replace("metric: mae", "metric: pinball, better: smaller"))
    assert load_model_spec("demo", tmp_path).gates[0].direction == "smaller"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"change": "multiply", "by": 1.1}, "change multiply: say the column"),
        ({"change": "mirror", "column": "photo"}, "change mirror: a picture has no column"),
        ({"change": "multiply", "column": "size"}, "by is None; say 0 to"),
        ({"change": "jpeg", "by": 96}, "by is 96.0; say 1 to 95"),
        ({"change": "mirror", "by": 2}, "change mirror takes no by"),
        ({"change": "set", "column": "size"}, "change set asks for to"),
        ({"change": "negate", "column": "text", "to": "no"}, "change negate takes no to"),
        ({"change": "append", "column": "text", "to": 5}, "change append: to is 5.0, no text"),
        ({"change": "mirror", "of": "yes"}, "expect same is about the whole answer"),
        ({"change": "shake"}, "Input should be 'multiply'"),
        ({"change": "mirror", "at_most": 1}, "Extra inputs are not permitted"),
        ({"change": "mirror", "rows": 19}, "greater than or equal to 20"),
    ],
)
def test_a_rule_of_behaviour_says_what_its_change_asks_for(rule, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        BehaviourSpec.model_validate({"expect": "same", **rule})


def test_a_rule_of_behaviour_has_a_title():
    rule = {"change": "set", "column": "kind", "to": "flat", "expect": "not_lower", "of": "cheap"}
    assert BehaviourSpec.model_validate(rule).title == "kind set 'flat': not lower cheap"
    jpeg = BehaviourSpec.model_validate({"change": "jpeg", "by": 50, "expect": "same"})
    assert jpeg.title == "jpeg 50: same"
