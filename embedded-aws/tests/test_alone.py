"""It needs only what it declares: it imports, starts and answers where the product is not."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from customer import CODE

import embedded_aws

ROOT = Path(CODE).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PRODUCT = ("flows", "tasks", "models", "deployments", "benchmarks", "docs", "prefect", "tests")

# Isolated (-I): neither the folder that it runs in nor PYTHONPATH is searched.
STRANGER = f"""
import importlib.util, json, sys
sys.path.insert(0, sys.argv[1])
sys.modules.update(dict.fromkeys({PRODUCT!r}))  # an import of one of these is an ImportError
import embedded_aws
with embedded_aws.EmbeddedAws(time_scale=60) as aws:
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    s3.create_bucket(Bucket="alone")
    jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    found = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
ours = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "embedded_aws"]
reached = sorted(n for n in sys.modules if n.split(".")[0] in {PRODUCT!r} and sys.modules[n])
print(json.dumps({{"buckets": found, "jobs": jobs, "ours": ours, "reached": reached}}))
"""


def test_it_starts_and_answers_without_the_product(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER, CODE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["buckets"], told["jobs"], told["reached"]) == (["alone"], [], [])
    assert all(path.startswith(CODE) for path in told["ours"])


def test_the_command_says_which_version_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "embedded_aws", "--version"],
        env={"PYTHONPATH": CODE},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.stdout == f"embedded-aws {PROJECT['version']}\n"
    assert embedded_aws.__version__ == PROJECT["version"]
    assert PROJECT["scripts"] == {"embedded-aws": "embedded_aws.__main__:main"}


def test_every_package_that_it_imports_is_declared() -> None:
    declared = {re.split(r"[\[<>=;]", line)[0] for line in PROJECT["dependencies"]}
    for line in PROJECT["optional-dependencies"]["pytest"]:
        declared.add(re.split(r"[\[<>=;]", line)[0])
    declared.add("botocore")  # boto3's other half
    imported = {
        name.split(".")[0]
        for path in Path(CODE, "embedded_aws").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _names(node)
    }
    declared = {name.replace("-", "_") for name in declared}
    assert imported - set(sys.stdlib_module_names) - {"embedded_aws"} == declared


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE"])
def test_what_travels_with_it_is_there(name) -> None:
    assert (ROOT / name).read_text("utf-8").strip()


def test_what_the_readme_shows_runs_as_it_stands(tmp_path) -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    programs = [text for text in shown if "import pytest" not in text and "def test_" not in text]
    assert len(programs) >= 2
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={"PYTHONPATH": CODE, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr


def test_the_tests_that_the_readme_shows_pass(tmp_path) -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    [conftest] = [text for text in shown if text.startswith("# conftest.py")]
    [test] = [text for text in shown if text.startswith("# test_")]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_shown.py").write_text(test)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={"PYTHONPATH": CODE, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
