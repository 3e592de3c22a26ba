"""Walls of the house that the graph of imports shows. The other ones stand in pyproject.toml."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest
from grimp import ImportGraph, build_graph

ROOT = Path(__file__).resolve().parents[1]

HOUSE = ("flows", "tasks", "models", "deployments", "embedded_aws")
OUTSIDE = frozenset({"prefect", "boto3", "botocore"})

# Each acts on AWS or speaks to Prefect, itself or through others. Whatever stands here in no line
# decides: a new module is pure until somebody writes its name down.
IMPURE = {
    "": "aws instances model_check notify objects reports.artifacts retrying",
    "artefacts": "place",
    "contracts": "store tasks versions curation.assembly curation.labelling curation.partitions",
    "conversion": "tasks",
    "drift": "bundle tasks alarms.claims alarms.watch comparison.rows profiles.partitions",
    "experiments": "assigned records store table tasks verbs",
    "gates": "tasks",
    "jobs": "lifecycle source",
    "lake": "bucket pull tasks",
    "registry": "__init__ app_archive app_manifest bundle cdn history kms packages pointer"
    " publication registry retention signing tasks",
    "release": "__init__ actor acts corrections failsafe_alarm context"
    " reconcile starting tasks verbs"
    " deliveries delivery edge.acts edge.collecting edge.collector edge.delivery edge.switch"
    " endpoint.acts endpoint.delivery"
    " hosting.alarms hosting.asking hosting.logs hosting.sagemaker hosting.scaling"
    " monitoring.look monitoring.memory standing.keeping"
    " journal.leases journal.store observation.captures observation.feed observation.state"
    " observation.outside",
    "training": "begun channels collect tasks",
    "uploads": "__init__ artefact dead_letters inbox listening queue tasks",
}


@cache
def graph(*, types: bool) -> ImportGraph:
    """Who imports whom, inside functions as well; ``types``: for the checker of types, too."""
    return build_graph(
        *HOUSE,
        include_external_packages=True,
        exclude_type_checking_imports=not types,
        cache_dir=None,
    )


def imports(of: ImportGraph) -> dict[str, set[str]]:
    return {module: of.find_modules_directly_imported_by(module) for module in of.modules}


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle, from a module back to itself; empty when there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as found:
        return list(reversed(found.args[1]))
    return []


def reaching(edges: Mapping[str, set[str]], targets: frozenset[str]) -> set[str]:
    """Modules that import one of the targets, or that import one that does."""
    reached = set(targets)
    while more := {name for name, there in edges.items() if there & reached} - reached:
        reached |= more
    return reached - targets


def impure() -> set[str]:
    return {
        ".".join(part for part in ("tasks", stage, name) if part).removesuffix(".__init__")
        for stage, names in IMPURE.items()
        for name in names.split()
    }


def test_no_module_imports_itself_through_others():
    found = circle(imports(graph(types=True)))
    assert not found, " imports ".join(found)


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": ["b"], "b": ["c"]}, []),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
    ],
)
def test_a_circle_is_found_wherever_it_begins(edges, found):
    said = circle(edges)
    assert sorted(set(said)) == sorted(set(found))
    assert all(there in edges[here] for here, there in pairwise(said))


def test_what_decides_reaches_neither_prefect_nor_aws():
    edges = imports(graph(types=False))
    reached = {name for name in reaching(edges, OUTSIDE) if name.split(".")[0] == "tasks"}
    new = sorted(reached - impure())
    through = {name: ", ".join(sorted(edges[name] & (reached | OUTSIDE))) for name in new}
    assert not new, (
        f"These reach Prefect or AWS, each through what stands beside it: {through}. Move what "
        "decides into a module of its own; a module that acts is named in IMPURE."
    )


def test_nobody_is_called_impure_without_being_it():
    edges = imports(graph(types=False))
    assert sorted(impure() - reaching(edges, OUTSIDE)) == []


def test_the_judge_imports_nothing_of_the_house():
    edges = imports(graph(types=True))
    judge = {name for name in edges if f"{name}.".startswith("tasks.judge.")}
    assert len(judge) > 10
    assert {
        (name, there)
        for name in judge
        for there in edges[name] - judge
        if there.split(".")[0] in HOUSE
    } == set()


def classes(*folders: str) -> dict[str, list[str]]:
    """Public classes by name, each with the files that define one."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(path.relative_to(ROOT).as_posix())
    return found


def test_a_class_has_one_meaning_wherever_it_is_named():
    """In what runs in flows and in what travels into containers."""
    found = classes("flows", "tasks", "deployments", "models")
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
    assert len(found) > 200
