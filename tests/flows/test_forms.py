"""What a person fills in: nothing in a form has to be explained twice, and empty means left out."""

import inspect
import json
from datetime import date
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
import yaml
from prefect.utilities.callables import parameter_schema

ROOT = Path(__file__).parents[2]
LISTED = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
FLOWS = sorted({item["entrypoint"] for item in LISTED})


def flow_of(entrypoint):
    path, _, name = entrypoint.partition(":")
    return getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)


@pytest.mark.parametrize("entrypoint", FLOWS)
def test_no_form_asks_for_a_none_and_an_untouched_one_is_accepted(entrypoint):
    flow = flow_of(entrypoint)
    schema = parameter_schema(flow).model_dump()
    for name, field in schema["properties"].items():
        assert "None" not in field.get("description", ""), name
        assert "null" not in json.dumps(field.get("anyOf", [])), name
        if name not in schema["required"]:
            jsonschema.validate({name: field["default"]}, {**schema, "required": []})


@pytest.mark.parametrize(
    "entrypoint", ["flows/retrain.py:retrain", "flows/watch_drift.py:watch_drift"]
)
@pytest.mark.parametrize(
    ("given", "meant"), [("", None), (None, None), ("2026-01-31", date(2026, 1, 31))]
)
def test_a_day_may_be_left_out(entrypoint, given, meant):
    flow = flow_of(entrypoint)
    found = flow.validate_parameters({"model": "price-estimator", "end": given})
    assert found["end"] == meant
    assert inspect.signature(flow.fn).parameters["end"].default is None


def test_a_day_is_checked_before_a_run_is_made():
    schema = parameter_schema(flow_of("flows/retrain.py:retrain")).model_dump()
    for wrong in ("31.01.2026", "2026-1-31", "None", "newest"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"model": "price-estimator", "end": wrong}, schema)


def test_the_list_tells_what_each_deployment_does_and_which_one_undoes():
    for item in LISTED:
        assert item["description"].endswith(".")
        assert sum(map(len, item["tags"])) <= 20, "the list has no room for more"
    undoing = [item["entrypoint"] for item in LISTED if "↩ undo" in item["tags"]]
    assert undoing == ["flows/rollback.py:rollback"] * 2
