"""Nothing that a person can call, set or meet stays undocumented."""

import re
from pathlib import Path

import pytest
import yaml

from docs.generate import pages

ROOT = Path(__file__).resolve().parents[2]
PROSE = "\n".join(
    path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
)

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name):
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == PAGES[name], "run: python -m docs.generate"


def test_a_part_of_a_model_says_what_it_is_and_not_the_name_of_a_class():
    text = PAGES["model-yaml.md"]
    assert re.findall(r"\| \w*Spec\b|Literal\[|see \w+Spec", text) == []
    headings = {line[3:].replace(".", "") for line in text.splitlines() if line[:3] == "## "}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= headings


def test_every_flow_and_deployment_is_explained():
    flows = {
        path.stem.replace("_", "-")
        for path in (ROOT / "flows").glob("*.py")
        if "@flow(" in path.read_text("utf-8")
    }
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    named = {
        f"{Path(item['entrypoint'].split(':')[0]).stem.replace('_', '-')}/{item['name']}"
        for item in deployments
    }
    operations = (ROOT / "docs" / "operations.md").read_text("utf-8")
    missing = {name for name in flows | named if f"`{name}`" not in operations}
    assert missing == set()


def test_every_link_between_documents_leads_somewhere():
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [
            *ROOT.glob("*.md"),
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / "embedded-aws").rglob("*.md"),
        ]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.txt"), key=str))
def test_a_lock_names_no_host(lock):
    assert not re.search(r"https?://", lock.read_text("utf-8"))


def test_no_todo_without_an_owner():
    loose = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("flows", "tasks", "models", "embedded-aws", "deployments", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!\([\w-]+\): )", line)
    ]
    assert loose == []
