"""The stages in which journeys kill a run are stages that there are: a journey takes minutes."""

from importlib import import_module
from pathlib import Path

from prefect import Task

from tests.journeys.killing import STAGES

ROOT = Path(__file__).resolve().parents[2]


def test_every_stage_that_journeys_kill_in_is_the_name_of_a_task():
    rooms = [path.parent.name for path in (ROOT / "tasks").glob("*/tasks.py")]
    modules = [import_module(f"tasks.{room}.tasks") for room in rooms]
    names = {
        part.name for module in modules for part in vars(module).values() if isinstance(part, Task)
    }
    assert set(STAGES) <= names
