"""What a model's code reads of its hyperparameters is found in the code."""

import ast
from pathlib import Path

import pytest

from models.packaging import source_files
from tasks.hyperparameters import METHODS, readings
from tasks.model_spec import known_models, load_model_spec

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = sorted((ROOT / "models" / "runtime").rglob("*.py"))

CODE = b"""
K, MOST = "k", 9
DEPTH = 3
def read(hyperparameters, name):
    hyperparameters.integer(K, 10, least=1, most=MOST)
    hyperparameters.number("rate", compute(), above=0)
    hyperparameters.text("way", "auto", choices=("auto", "log"))
    hyperparameters.integers("widths", (DEPTH, 2))
    hyperparameters.integer(name, 1)
    other.integer("size")
"""


def test_names_defaults_and_bounds_are_read_where_they_are_literals():
    found = {
        one.name: (one.method, one.default, dict(one.bounds)) for one in readings({"a.py": CODE})
    }
    assert found == {
        "k": ("integer", 10, {"least": 1, "most": 9}),
        "rate": ("number", 0.0, {"above": 0}),
        "way": ("text", "auto", {"choices": ("auto", "log")}),
        "widths": ("integers", (0,), {}),
    }


def test_code_that_is_no_python_is_passed_over():
    assert readings({"a.py": b"def", "b.txt": CODE, "c.py": b"\xff"}) == ()


@pytest.mark.parametrize("path", RUNTIME, ids=lambda path: path.stem)
def test_the_shared_code_reads_none_by_a_name_that_cannot_be_made_out(path):
    """Else a value that a job refuses could not be told before it."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in METHODS
        and "hyperparameters" in ast.unparse(node.func.value)
    ]
    names = {ast.unparse(call.args[0]) for call in calls}
    assert names <= {name for name in names if name[0] in "'\"" or name.isupper()}


@pytest.mark.parametrize("name", known_models(ROOT / "models"))
def test_the_hyperparameters_of_shipped_models_are_read(name):
    spec = load_model_spec(name, ROOT / "models")
    files = source_files(ROOT / "models" / name, spec.composition)
    read = {reading.name for reading in readings(files)}
    assert set(spec.training.hyperparameters) <= read
