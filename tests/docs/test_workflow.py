"""CI runs what people are told to run, on the Pythons that we promise, and may change nothing."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
STEPS = [step for job in CI["jobs"].values() for step in job["steps"]]


def commands(job: str) -> list[str]:
    return [step["run"] for step in CI["jobs"][job]["steps"] if "run" in step]


@pytest.mark.parametrize("job", ["check", "test", "demo"])
def test_a_job_runs_the_command_that_people_run(job) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = "\n".join((ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    assert commands(job) == [f"make {job} PYTHON=python"]
    assert re.search(rf"^{job}:", makefile, re.MULTILINE)
    assert f"make {job}" in told


@pytest.mark.parametrize("job", ["check", "test"])
def test_every_python_that_we_promise_is_tried(job) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lower, upper = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    promised = [f"3.{minor}" for minor in range(int(lower), int(upper))]
    assert CI["jobs"][job]["strategy"]["matrix"]["python"] == promised


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_the_code_and_nothing_else(path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in path.read_text("utf-8")
    assert "pull_request_target" not in path.read_text("utf-8")
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_actions_are_pinned_and_keep_no_credentials() -> None:
    used = [step for step in STEPS if "uses" in step]
    assert used
    for step in used:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
