"""What every version must carry, whoever made it: read from the recipes themselves."""

import ast
from pathlib import Path

import pytest

FLOWS = Path(__file__).resolve().parents[2] / "flows"
FOLLOWED_BY = {"keep_baseline", "keep_errors"}
"""Without these two in its bundle a champion's inputs and errors cannot be followed later."""


def calls(node):
    return {
        each.func.id
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


def recipes():
    """Functions of the flows by name, with whom they call."""
    for path in sorted(FLOWS.glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{path.stem}.{node.name}", calls(node)


PUBLISHING = {name: called for name, called in recipes() if "publish" in called}


def test_trained_and_uploaded_versions_are_published_in_one_place():
    assert set(PUBLISHING) == {"admission.admit"}
    admitting = {name for name, called in recipes() if "admit" in called}
    assert admitting == {"retrain.retrain", "release_upload.receive_and_admit"}


@pytest.mark.parametrize("recipe", PUBLISHING)
def test_a_version_is_published_with_what_it_is_followed_by(recipe):
    assert FOLLOWED_BY - PUBLISHING[recipe] == set()
