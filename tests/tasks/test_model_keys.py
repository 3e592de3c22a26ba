"""Every key of model.yaml is read by the product: none is accepted and ignored."""

import ast
from functools import cache
from pathlib import Path

import pytest
import yaml

from docs.generate import _models
from tasks.contracts import load_contract
from tasks.conversion.report import ARTIFACTS
from tasks.model_check import faults
from tasks.model_spec import ModelSpec
from tasks.settings import Settings
from tasks.specs.conversion import ConversionSpec

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {
    "tasks/model_spec.py",
    *(
        f"tasks/specs/{part}.py"
        for part in ("alarms", "data", "family", "monitor", "release", "serving", "training")
    ),
}
"""Files that only declare keys, or read them to hand them on."""
KEYS = [
    pytest.param(title, field, id=f"{title}.{field}")
    for title, model in _models("model.yaml", ModelSpec)
    for field in model.model_fields
    if title != "conversion"
]


@cache
def read_attributes():
    """(what it is read of, attribute) of every attribute that the product reads, by name."""
    found = set()
    for folder in ("tasks", "flows", "deployments"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.relative_to(ROOT).as_posix() in DECLARED:
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    of = node.value
                    name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
                    found.add((name, node.attr))
    return found


CALLED = {
    "model.yaml": {"spec", "model_spec"},
    "training.metrics": {"metric"},
    "gates": {"gate", "g"},
    "gates.slices": {"rule"},
    "serving.autoscaling": {"spec", "autoscaling", "wanted", "scaling"},
    "release": {"release", "spec", "rules", "asked"},
    "monitor": {"monitor", "spec"},
    "alarms": {"alarms", "limits"},
    "release.tolerance": {"tolerance"},
    "release.harm": {"harm"},
    "release.load_test": {"load", "load_test"},
    "retrain_when": {"when", "retrain_when", "rule"},
    "data": {"data"},
    "data_gates": {"gates"},
    **{
        f"data_gates.{check}": {"rule"}
        for check in (
            *("leaking_column", "duplicates", "same_key", "class_rows", "contradictions"),
            "label_noise",
        )
    },
    "data_gates.allow": {"one", "allowed"},
    "family": {"family"},
    "artefact": {"limits", "artefact"},
    "behaviour": {"rule"},
    "trial": {"limits", "trial"},
    "training": {"training"},
    "serving": {"serving"},
}
"""What the product calls a part where it reads its keys."""


@pytest.mark.parametrize(("title", "field"), KEYS)
def test_a_key_is_read(title, field):
    names = {"limit", "limits", "whole"} if title.startswith("conversion.") else CALLED[title]
    if (title, field) == ("gates", "better"):
        names = {"self"}  # GateSpec.direction joins it with what the tasks declare
    assert any((name, field) in read_attributes() for name in names), f"{title}.{field}"


def test_every_format_that_can_be_asked_for_is_made():
    assert set(ConversionSpec.model_fields) == set(ARTIFACTS)


def test_the_complete_example_names_every_key_and_is_sound():
    text = (ROOT / "docs" / "examples" / "model.yaml").read_text("utf-8")
    raw = yaml.safe_load(text)
    spec = ModelSpec.model_validate(raw)
    assert faults(spec, load_contract(spec.data.dataset, ROOT / "data_contracts"),
                  ROOT / "models" / spec.name, Settings()) == ()  # fmt: skip
    for title, model in _models("model.yaml", ModelSpec):
        part = raw
        for name in [] if title == "model.yaml" else title.split("."):
            part = part[name]
            part = part[0] if isinstance(part, list) else part
        assert set(part) == set(model.model_fields), title
