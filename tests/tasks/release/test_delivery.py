"""One release, two deliveries: what both must keep, and that one place alone tells them apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from tasks.release.deliveries import DELIVERIES, delivery_of
from tasks.release.journal.record import BEFORE_POINTER, Phase
from tasks.release.machine.observed import ObservedEndpoint, ObservedVariant
from tasks.release.machine.plan import Facts
from tasks.specs.release import ReleaseSpec
from tasks.values import Pointer, Rollout

ROOT = Path(__file__).resolve().parents[3]
SPEC_ITSELF = ROOT / "tasks" / "specs" / "release.py"
"""The spec refuses keys that an edge release knows not; it picks nothing."""


def pointer(rollout: Rollout | None = None) -> Pointer:
    return Pointer(
        model="m", version="v1", timestamp="t", actor="ann", reason="weekly", rollout=rollout
    )


def asking(source: str) -> Iterator[int]:
    """Lines that tell deliveries apart: a comparison with ``.delivery``, or ``at_edge``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Attribute) and side.attr == "delivery" for side in sides):
                yield node.lineno
        elif isinstance(node, ast.Match):
            subject = node.subject
            if isinstance(subject, ast.Attribute) and subject.attr == "delivery":
                yield node.lineno
        elif (isinstance(node, ast.Attribute) and node.attr == "at_edge") or (
            isinstance(node, ast.Name) and node.id == "at_edge"
        ):
            yield node.lineno


def test_every_delivery_that_a_spec_can_name_is_there() -> None:
    named = get_args(ReleaseSpec.model_fields["delivery"].annotation)
    assert set(DELIVERIES) == set(named)
    for name in named:
        assert delivery_of(ReleaseSpec(delivery=name)) is DELIVERIES[name]


def test_nobody_else_asks_which_delivery_it_is() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("tasks", "flows", "deployments")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != SPEC_ITSELF
        for line in asking(path.read_text("utf-8"))
    ]
    assert not found, f"Ask delivery_of(spec) instead: {found}"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("if spec.release.delivery == 'edge':\n    pass", [1]),
        ("x = 1\ny = 'edge' != self.delivery", [2]),
        ("match spec.delivery:\n    case 'edge':\n        pass", [1]),
        ("if journal.at_edge:\n    pass", [1]),
        ("delivery = delivery_of(spec.release)\nspec.delivery", []),
    ],
)
def test_a_line_that_asks_is_found(source: str, lines: list[int]) -> None:
    assert list(asking(source)) == lines


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_proven_candidate_is_watched_and_named_before_the_old_version_goes(name: str) -> None:
    after = DELIVERIES[name].rules.after
    way: list[Phase] = ["canary"]
    while way[-1] in after:
        way.append(after[way[-1]])
        assert len(way) <= len(after) + 1, f"a circle: {way}"
    assert way[-1] == "retiring"
    assert sorted(way[1:-1]) == ["promoting", "watching"]


def test_where_the_watch_comes_last_the_pointer_is_the_commit_and_a_dead_watch_goes_on() -> None:
    """`reconcile` undoes what is before the pointer; a watch is finished in both orders."""
    assert "watching" not in BEFORE_POINTER
    ways = {name: delivery.rules.after["canary"] for name, delivery in DELIVERIES.items()}
    assert ways == {"endpoint": "promoting", "edge": "watching"}


def test_a_rollout_beside_the_pointers_version_is_not_serving_alone() -> None:
    rules = DELIVERIES["edge"].rules
    shown = Rollout(version="v2", percent=5, salt="r1")
    alone = Facts(pointer=pointer(), endpoint=None)
    assert rules.serves_alone(alone, "v1")
    assert not rules.serves_alone(alone, "v2")
    assert not rules.serves_alone(Facts(pointer=pointer(shown), endpoint=None), "v1")
    assert not rules.serves_alone(Facts(pointer=None, endpoint=None), "v1")


@pytest.mark.parametrize(
    ("status", "variants", "serves", "alone"),
    [
        ("InService", ("v1",), True, True),
        ("Updating", ("v1",), False, False),
        ("Failed", ("v1",), False, False),
        ("InService", ("v1", "v2"), True, False),
        ("InService", ("v2",), True, False),
    ],
)
def test_a_version_serves_alone_as_the_one_variant_of_a_well_endpoint(
    status: str, variants: tuple[str, ...], serves: bool, alone: bool
) -> None:
    rules = DELIVERIES["endpoint"].rules
    endpoint = ObservedEndpoint(
        status=status, config="c", variants={name: ObservedVariant(weight=1.0) for name in variants}
    )
    facts = Facts(pointer=pointer(), endpoint=endpoint)
    assert (rules.serves(facts), rules.serves_alone(facts, "v1")) == (serves, alone)


def test_without_an_endpoint_nothing_serves_from_one() -> None:
    rules = DELIVERIES["endpoint"].rules
    nothing = Facts(pointer=pointer(), endpoint=None)
    assert (rules.serves(nothing), rules.serves_alone(nothing, "v1")) == (False, False)
