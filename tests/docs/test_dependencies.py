"""What is imported is declared, what is declared has its reason and is locked."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("flows", "tasks", "models", "deployments")
OWN = {*PRODUCT, "benchmarks", "docs", "tests"}
FOLDER = {"embedded-aws"}
"""Installed from its folder, not from the lock."""

COMES_WITH = {"botocore": "boto3", "starlette": "fastapi", "sagemaker": "sagemaker-core"}
"""Imported names of packages that another one is made of."""


def project(folder: Path = ROOT) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


def declared(*tables: dict) -> Iterator[Requirement]:
    """Everything that is asked for, of all extras and groups."""
    for table in tables:
        lists = [
            table["project"].get("dependencies", []),
            *table["project"].get("optional-dependencies", {}).values(),
            *table.get("dependency-groups", {}).values(),
        ]
        for text in (line for lines in lists for line in lines):
            requirement = Requirement(text)
            if requirement.name != table["project"]["name"]:
                yield requirement


def locked() -> dict[str, set[str]]:
    """Versions by package: a few have another one on another Python."""
    found: dict[str, set[str]] = {}
    for lock in ROOT.glob("requirements*.txt"):
        for name, version in re.findall(
            r"^([\w.-]+)==([\w.!+]+)", lock.read_text("utf-8"), re.MULTILINE
        ):
            found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def imported(folder: str) -> set[str]:
    """Packages that a folder's Python imports, wherever in a file it does."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - OWN


ALL = list(declared(project(), project(ROOT / "embedded-aws")))


def test_every_dependency_has_its_reason_and_no_reason_outlives_its_dependency() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    reasons = page[page.index("| package |") :]
    explained = set(re.findall(r"^\| `([\w-]+)` \|", reasons, re.MULTILINE))
    assert explained == {requirement.name for requirement in ALL}


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_the_lock_has_what_is_declared(requirement) -> None:
    if requirement.name in FOLDER:
        assert (ROOT / requirement.name / "pyproject.toml").exists()
        return
    versions = locked().get(canonicalize_name(requirement.name), set())
    assert versions, f"{requirement} is not in the lock. Next: make lock"
    loose = {version for version in versions if version not in requirement.specifier}
    assert loose == set(), f"the lock holds what {requirement} does not take. Next: make lock"


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_a_declaration_names_no_address(requirement) -> None:
    assert requirement.url is None


def test_what_the_product_imports_is_declared() -> None:
    """By the product itself: what only another package brings may be gone with its next version."""
    project_ = project()["project"]
    extras = project_["optional-dependencies"]
    lines = [*project_["dependencies"], *(x for name in extras for x in extras[name])]
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    owners = packages_distributions()
    loose = {}
    for folder in PRODUCT:
        for name in imported(folder):
            known = {canonicalize_name(owner) for owner in owners.get(name, [name])}
            if not (known | {COMES_WITH.get(name, "")}) & asked:
                loose[name] = folder
    assert loose == {}


CALLED = (
    *("prefect", "prefect_aws", "tensorflow", "sklearn", "pandas", "great_expectations", "boto3"),
    "sagemaker",
)


@pytest.mark.parametrize("name", CALLED)
def test_what_the_house_is_built_on_is_called_by_it(name) -> None:
    assert any(name in imported(folder) for folder in PRODUCT)
