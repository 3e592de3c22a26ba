"""A plug-in that is none stops those who name it, and nobody else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRARY = """
from models.runtime.metric import Metric
from models.runtime.tasks.regression import Regression

class Contrary(Regression):
    metrics = {**Regression.metrics, "mae": Metric("larger", "none", "The other way round.")}
"""
SILENT = """
from models.runtime.task import Task

class Silent(Task):
    tracked = "mae"
"""
LOADS = """
import sys
from pathlib import Path
from tasks.errors import InvalidModelSpec
from tasks.model_spec import load_model_spec
path = Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(sys.argv[2])
try:
    print(load_model_spec(path.parent.name, path.parents[1]).family.task)
except InvalidModelSpec as error:
    print(error)
"""
MODEL = """
name: demo
family: {{task: {task}, input: tabular, backend: {backend}}}
owner: somebody
description: A model.
data: {{dataset: sales, label: price}}
gates: [{{metric: {metric}}}]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the code whose plug-ins can be broken."""
    root = tmp_path_factory.mktemp("house")
    for part in ("models", "tasks"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    tasks, backends = root / "models/runtime/tasks", root / "models/runtime/backends"
    (tasks / "unreadable.py").write_text("def (\n")
    (tasks / "empty.py").write_text("import json\n")
    (tasks / "silent.py").write_text(SILENT)
    (tasks / "contrary.py").write_text(CONTRARY)
    (backends / "unreadable.py").write_text("import no_such_library\n")
    return root


def loaded(house, task="regression", backend="keras", metric="r2, at_least: 0"):
    text = MODEL.format(task=task, backend=backend, metric=metric)
    process = subprocess.run(
        [sys.executable, "-c", LOADS, str(house / "written/demo/model.yaml"), text],
        cwd=house, env={"PYTHONPATH": str(house)}, capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_models_of_other_tasks_load_beside_broken_ones(house):
    assert loaded(house) == "regression"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"task": "unreadable"}, "models/runtime/tasks/unreadable.py cannot be imported: Syntax"),
        ({"task": "empty"}, "tasks/empty.py defines 0 subclasses of Task (none), not one"),
        ({"task": "silent"}, "tasks.silent does not say its metrics, objective, label_types; "),
        ({"backend": "unreadable"}, "backends/unreadable.py cannot be imported: ModuleNotFound"),
        ({"metric": "mae, at_most: 1"}, "mae is better when larger in contrary and smaller in"),
    ],
)
def test_whoever_names_a_broken_one_is_told_what_is_wrong(house, named, said):
    told = loaded(house, **named)
    assert said in told
    assert "model.yaml does not describe a model" in told
